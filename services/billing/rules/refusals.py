"""What a rule says no with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken: its name, what is wrong and would be right, where it comes from."""

    rule: str
    detail: str
    source: str
    field: str | None = None
