"""The failure vocabulary of everything that runs behind the seam.

A refusal (a rule says no) is a value with a reason, never one of these. Vendor errors are mapped
to these at the gateway and known nowhere else. Whatever is neither is a bug: tried again a few
times, then parked and reported.
"""

from __future__ import annotations


class PracticeError(Exception):
    """Base of the tree. `code` is safe to log, store and show: it never carries data."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Retry(PracticeError):
    """The world is busy or its answer was lost. The same work may succeed later, unchanged."""


class KeyRefused(Retry):
    """A vendor does not accept our key, and only whoever keeps the configuration can mend that.

    Work that meets it keeps its tries. `vendor` and `setting` are said to people: whose key it is,
    and which setting holds it.
    """

    def __init__(self, code: str, *, vendor: str, setting: str) -> None:
        super().__init__(code)
        self.vendor = vendor
        self.setting = setting


class Poison(PracticeError):
    """The work can never succeed as it stands. It is parked at once, for a person."""


class Misconfigured(PracticeError):
    """A setting is missing or wrong. Stops the process at start, in one line that names it."""
