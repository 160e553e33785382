"""Whether a body of JSON says each thing once: of two doses a parser keeps the last, unseen."""

from __future__ import annotations

import json
from typing import Any

from fastapi.exceptions import RequestValidationError

from shared.refusals import Malformed


def assert_said_once(body: bytes) -> None:
    """Raises `RequestValidationError` where an object names a field twice.

    What is no JSON at all passes: whoever reads it says so.
    """
    try:
        json.loads(body, object_pairs_hook=_names_once)
    except _Twice as twice:
        error = Malformed(
            "said_twice",
            "This stands twice in one object; keep the one that was meant.",
            "RFC 7493, 2.3: an object names each of its members once",
        )
        found = {"type": "value_error", "loc": ("body", twice.name), "ctx": {"error": error}}
        raise RequestValidationError([found]) from None
    except (ValueError, RecursionError):
        return


class _Twice(Exception):
    """A name that stands twice in one object."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def _names_once(members: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in members:
        if name in names:
            raise _Twice(name)
        names.add(name)
