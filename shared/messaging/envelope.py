"""CloudEvents 1.0 in Kafka's binary binding: what stands in the headers of every record.

Attributes travel as `ce_*` headers, the event's JSON as the value. Reading is tolerant of
whatever bytes a header holds and strict about what they must mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared import telemetry
from shared.errors import Poison
from shared.events import Event

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"

NO_TEXT = "\ufffd"
"""What stands in for bytes that are no text, as Python's decoder puts it."""

_VERSION = re.compile(r"[0-9]{1,9}")
"""No event has a thousand versions, and Python refuses to read a number of 4,301 digits."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The part of the headers that the house acts on."""

    event_id: UUID
    type_name: str
    version: int
    correlation_id: UUID
    traceparent: str | None


def headers_of(
    event: Event,
    *,
    event_id: UUID,
    at: datetime,
    correlation_id: UUID,
    causation_id: UUID | None,
    traceparent: str | None,
) -> dict[str, str]:
    """The headers of an event that is about to be published."""
    headers = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": str(event_id),
        "ce_source": f"/practice/{event.producer}",
        "ce_type": event.type_name,
        "ce_time": at.isoformat(),
        "ce_subject": event.key,
        "ce_dataschema": f"urn:practice:event:{event.type_name}:{event.version}",
        "content-type": CONTENT_TYPE,
        "ce_correlationid": str(correlation_id),
    }
    if causation_id is not None:
        headers["ce_causationid"] = str(causation_id)
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return headers


def text_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Any record's headers as text: a null becomes empty, undecodable bytes are replaced."""
    return {as_text(name): as_text(value) for name, value in headers}


def as_text(raw: bytes | str | None) -> str:
    """Text that PostgreSQL can keep, whatever the bytes: it stores no NUL."""
    if not raw:
        return ""
    found = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return found.replace("\0", NO_TEXT)


def read_headers(headers: Mapping[str, bytes | None]) -> Envelope:
    """The envelope of a record whose type is known to be ours; other headers are not looked at.

    Raises `Poison` with code `bad_specversion`, `bad_event_id` or `bad_schema_version`.
    """
    if as_text(headers.get("ce_specversion")) != SPEC_VERSION:
        raise Poison("bad_specversion")
    event_id = event_id_of(headers)
    if event_id is None:
        raise Poison("bad_event_id")
    version = as_text(headers.get("ce_dataschema")).rpartition(":")[2]
    if not _VERSION.fullmatch(version):
        raise Poison("bad_schema_version")
    return Envelope(
        event_id=event_id,
        type_name=as_text(headers.get("ce_type")),
        version=int(version),
        correlation_id=_uuid(as_text(headers.get("ce_correlationid"))) or event_id,
        traceparent=telemetry.well_formed(as_text(headers.get("traceparent"))),
    )


def event_id_of(headers: Mapping[str, bytes | str | None]) -> UUID | None:
    """The event's id, where the headers hold one."""
    return _uuid(as_text(headers.get("ce_id")))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
