"""How addresses and phones stand on billing's documents, and which letters these can show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from shared.claims import Address


def address_lines(address: Address) -> tuple[str, ...]:
    town = f"{address.city}, {address.state} {address.postal_code}"
    return tuple(line for line in (address.line1, address.line2, town) if line)


def as_dialled(e164: str) -> str:
    """`(202) 555-0147` for a number of the North American plan; another stays as it is."""
    if len(e164) == len("+12025550147") and e164.startswith("+1"):
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    return e164


_SHOWN = re.compile(
    "[\n -~\u00a0-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u04ff"
    "\u05d0-\u05ea\u1e00-\u1eff\u2010-\u2027\u2030-\u203a\u20ac\u2116\u2122\u2190-\u22ff]*"
)
"""Latin, Greek, Cyrillic and Hebrew letters and their marks, which the documents' fonts have."""


def is_shown(text: str) -> bool:
    """Whether a document can show a text. One that lacks a letter for it is not printed at all."""
    return _SHOWN.fullmatch(text) is not None


def texts_in(document: object) -> Iterator[str]:
    """All texts of a document, however deep."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, tuple):
        for part in document:
            yield from texts_in(part)
    elif is_dataclass(document):
        for field in fields(document):
            yield from texts_in(getattr(document, field.name))
