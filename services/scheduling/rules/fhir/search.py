"""References, ids and codes as FHIR searches name them; commas between them mean any of these.

A value that may be right and is not on record finds nothing. One that can be none is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from uuid import UUID

from shared.refusals import Broken

PRACTICE_PATIENT = "urn:practice:patient"
PRACTICE_SOURCE = "urn:practice:source:"
"""Before the word for another system: `urn:practice:source:old|4711` is its patient 4711."""

_REFERENCE = re.compile(r"(?:(?:https?://[^\s?#|]+/)?(?P<kind>[A-Z][A-Za-z]*)/)?(?P<id>[^/]+)")


def read_references(asked: str, kinds: Collection[str], field: str) -> list[UUID] | Broken:
    """The ids of `Patient/ID`, of the same with this server's address before it, or of bare ids."""
    ids = [_referred(each.strip(), kinds) for each in asked.split(",")]
    found = [each for each in ids if each is not None]
    if len(found) == len(ids):
        return found
    right = " or ".join(f"{kind}/ID" for kind in kinds)
    return Broken(
        "fhir_reference",
        f"This is no reference to search by; right would be {right}, or a whole address that ends"
        " so.",
        "FHIR R4, 3.1.1.5.13: reference",
        field,
    )


def _referred(asked: str, kinds: Collection[str]) -> UUID | None:
    match = _REFERENCE.fullmatch(asked)
    if match is None or match["kind"] not in {None, *kinds}:
        return None
    return _uuid(match["id"])


def read_ids(asked: str) -> list[UUID]:
    """The ids that may be on record: what is no UUID is nobody's, and finds nothing."""
    return [found for each in asked.split(",") if (found := _uuid(each.strip())) is not None]


def read_codes(
    asked: str, system: str, known: Collection[str], field: str
) -> frozenset[str] | Broken:
    """Codes of one code system, with or without it before the bar."""
    codes = [each.strip().removeprefix(f"{system}|") for each in asked.split(",")]
    if all(each in known for each in codes):
        return frozenset(codes)
    return Broken(
        "fhir_code",
        f"This is no code of {system}; right would be {_either(known)}.",
        "FHIR R4, 3.1.1.5.11: token",
        field,
    )


def read_identifiers(asked: str) -> list[tuple[str | None, str]]:
    """Identifiers with their system, or without one: in any system."""
    parts = (each.strip().rpartition("|") for each in asked.split(","))
    return [(system if bar else None, value) for system, bar, value in parts]


def ids_in(system: str, identifiers: Iterable[tuple[str | None, str]]) -> list[UUID]:
    """Those of one system that may be on record."""
    values = (value for named, value in identifiers if named in {None, system})
    return [found for each in values if (found := _uuid(each)) is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _either(words: Collection[str]) -> str:
    *most, last = sorted(words)
    return f"{', '.join(most)} or {last}" if most else last
