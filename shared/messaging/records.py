"""Records as Kafka delivers them: read as an event that is heard, or why they cannot be.

Whatever stands in a record, reading it never raises: what cannot be read must not stop what can.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from shared.errors import Poison
from shared.events import Event
from shared.messaging.causes import code_of
from shared.messaging.envelope import NO_TEXT, Envelope, as_text, read_headers
from shared.messaging.handlers import EventHandler, Handlers

log = structlog.get_logger(__name__)

Record: TypeAlias = ConsumerRecord[Any, Any]

_ODD = re.compile(f"[{NO_TEXT}\0]")
"""In a name: what was no text, or what PostgreSQL keeps in none."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that this service hears, decoded."""

    record: Record
    envelope: Envelope
    event: Event
    key: str
    handler: EventHandler[Any]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of a type that we hear, or of no type at all, that cannot be decoded."""

    record: Record
    reason: str


def read(handlers: Handlers, record: Record) -> Heard | Unreadable | None:
    """Decode a record; `None` when it is none of this service's business."""
    headers = dict(record.headers)
    type_name = as_text(headers.get("ce_type"))
    if not type_name:
        return Unreadable(record, "no_type")
    handler = handlers.events.get(type_name)
    if handler is None:
        return None
    try:
        return _decode(record, headers, handler)
    except Poison as poison:
        return Unreadable(record, poison.code)
    except Exception as error:
        log.error("event_reader_bug", error_type=type(error).__name__, exc_info=error)
        return Unreadable(record, code_of(error))


def _decode(
    record: Record, headers: Mapping[str, bytes | None], handler: EventHandler[Any]
) -> Heard:
    if _ODD.search("".join(headers)):
        raise Poison("bad_header_name")
    envelope = read_headers(headers)
    if envelope.version != handler.event.version:
        raise Poison("unknown_version")
    if record.value is None:
        raise Poison("null_value")
    try:
        event = handler.event.model_validate_json(record.value)
    except ValidationError as invalid:
        codes = {error["type"] for error in invalid.errors(include_input=False)}
        raise Poison("not_json" if "json_invalid" in codes else "bad_schema") from None
    key = event.key
    if record.key is None or as_text(record.key) != key:
        raise Poison("key_mismatch")
    return Heard(record, envelope, event, key, handler)
