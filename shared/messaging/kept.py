"""A record in the form in which it is kept: all of it, as text and bytes that PostgreSQL takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aiokafka import ConsumerRecord

from shared.messaging.envelope import as_text, text_headers
from shared.messaging.records import Record


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a record stood, and all of it that a replay needs."""

    topic: str
    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    value: bytes | None
    fingerprint: str

    @property
    def type_name(self) -> str:
        return self.headers.get("ce_type", "")

    @classmethod
    def of(cls, record: Record) -> Kept:
        return cls(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=as_text(record.key) if record.key is not None else None,
            headers=text_headers(record.headers),
            value=record.value,
            fingerprint=fingerprint_of(record),
        )

    def as_record(self) -> Record:
        """The record in the form in which Kafka delivered it."""
        return ConsumerRecord(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            timestamp=0,
            timestamp_type=0,
            key=None if self.key is None else self.key.encode(),
            value=self.value,
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            headers=[(name, value.encode()) for name, value in self.headers.items()],
        )


def fingerprint_of(record: Record) -> str:
    """By what a record is known when it comes again: its event's id and its bytes."""
    headers = dict(record.headers)
    event_id, source = as_text(headers.get("ce_id")), as_text(headers.get("ce_source"))
    identity = (
        f"{source}|{event_id}"
        if event_id
        else f"{record.topic}|{record.partition}|{record.offset}|{record.timestamp}"
    )
    digest = hashlib.sha256(identity.encode())
    digest.update(record.value or b"")
    return digest.hexdigest()
