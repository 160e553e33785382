"""Messages: one per purpose, subject and revision, waiting until it is sent or not sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from services.notifications import tables
from services.notifications.rules import CHANNELS, NotSent
from services.notifications.words import Words
from shared.events.notifications import Channel, Purpose
from shared.messaging import Transaction

_PURPOSES = bindparam("purposes", type_=ARRAY(TEXT))
_MESSAGES: Table = tables.Message.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_DUE = (_MESSAGES.c.due_at, _MESSAGES.c.message_id)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be, before it has an id."""

    patient_id: UUID
    purpose: Purpose
    subject_id: UUID
    due_at: datetime
    revision: int = 0
    location_id: UUID | None = None
    amount_cents: int | None = None
    document_no: str | None = None
    until_at: datetime | None = None

    @property
    def channel(self) -> Channel:
        return CHANNELS[self.purpose]


@dataclass(frozen=True, slots=True)
class Message:
    """A message that waits, locked by whoever read it."""

    message_id: UUID
    patient_id: UUID
    purpose: Purpose
    channel: Channel
    subject_id: UUID
    revision: int
    location_id: UUID | None
    amount_cents: int | None
    document_no: str | None
    until_at: datetime | None
    due_at: datetime
    turn: int
    tried_at: datetime | None
    sealed: bytes | None

    @classmethod
    def of(cls, row: Row[Any]) -> Message:
        values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
        purpose, channel = Purpose(values.pop("purpose")), Channel(values.pop("channel"))
        return cls(purpose=purpose, channel=channel, **values)


_MESSAGE = (
    "message_id, patient_id, purpose, channel, subject_id, revision, location_id, amount_cents,"
    " document_no, until_at, due_at, turn, tried_at, sealed"
)


def messages_of(patient_id: UUID) -> Select[Any]:
    """A patient's messages, without their words."""
    shown = [
        _MESSAGES.c[name]
        for name in (
            "message_id",
            "purpose",
            "channel",
            "subject_id",
            "state",
            "due_at",
            "settled_at",
            "reason",
        )
    ]
    return select(*shown).where(_MESSAGES.c.patient_id == patient_id)


async def add_message(
    tx: Transaction, draft: Draft, message_id: UUID, *, not_sent: NotSent | None = None
) -> bool:
    """Have a message wait, or settle it at once as not sent; False when it exists already."""
    added = await tx.execute(
        text(
            "INSERT INTO messages (message_id, patient_id, purpose, channel, subject_id, revision,"
            " location_id, amount_cents, document_no, until_at, state, due_at, turn,"
            " settled_at, reason)"
            " VALUES (:message_id, :patient_id, :purpose, :channel, :subject_id, :revision,"
            " :location_id, :amount_cents, :document_no, :until_at, :state, :due_at, 1,"
            " :settled_at, :reason)"
            " ON CONFLICT (purpose, subject_id, revision) DO NOTHING"
        ),
        {
            "message_id": message_id,
            "patient_id": draft.patient_id,
            "purpose": draft.purpose,
            "channel": draft.channel,
            "subject_id": draft.subject_id,
            "revision": draft.revision,
            "location_id": draft.location_id,
            "amount_cents": draft.amount_cents,
            "document_no": draft.document_no,
            "until_at": draft.until_at,
            "state": "waiting" if not_sent is None else "not_sent",
            "due_at": draft.due_at,
            "settled_at": None if not_sent is None else tx.now,
            "reason": not_sent,
        },
    )
    return added.rowcount == 1


async def waiting_message(tx: Transaction, message_id: UUID, turn: int) -> Message | None:
    """A message that waits at this turn, locked until the transaction ends."""
    found = await tx.execute(
        text(
            f"SELECT {_MESSAGE} FROM messages WHERE message_id = :message_id AND turn = :turn"
            " AND state = 'waiting' FOR UPDATE"
        ),
        {"message_id": message_id, "turn": turn},
    )
    row = found.one_or_none()
    return row and Message.of(row)


async def mark_tried(tx: Transaction, message: Message, to: str, words: Words) -> None:
    """Say that the message may leave from now on, and keep what would leave, sealed."""
    sealed = tx.vault.seal(
        {"to": to, "words": asdict(words)},
        table="messages",
        column="sealed",
        row=message.message_id,
    )
    await tx.execute(
        text(
            "UPDATE messages SET tried_at = :now, sealed = :sealed WHERE message_id = :message_id"
        ),
        {"now": tx.now, "sealed": sealed, "message_id": message.message_id},
    )


def tried_as(tx: Transaction, message: Message) -> tuple[str, Words]:
    """What was handed over at the first try, and for whom."""
    assert message.sealed is not None
    kept = tx.vault.open(message.sealed, table="messages", column="sealed", row=message.message_id)
    return kept["to"], Words(**kept["words"])


async def settle(
    tx: Transaction,
    message_id: UUID,
    *,
    provider_ref: str | None = None,
    not_sent: NotSent | None = None,
) -> Message | None:
    """End a waiting message as sent or not sent; `None` when it has ended already."""
    found = await tx.execute(
        text(
            f"UPDATE messages SET state = :state, settled_at = :now, reason = :reason,"
            f" provider_ref = :provider_ref WHERE message_id = :message_id AND state = 'waiting'"
            f" RETURNING {_MESSAGE}"
        ),
        {
            "state": "sent" if not_sent is None else "not_sent",
            "now": tx.now,
            "reason": not_sent,
            "provider_ref": provider_ref,
            "message_id": message_id,
        },
    )
    row = found.one_or_none()
    return row and Message.of(row)


async def untried_messages(
    tx: Transaction, appointment_id: UUID, purposes: Collection[Purpose]
) -> list[UUID]:
    """What waits about a visit and has certainly not left; locked."""
    found = await tx.execute(
        text(
            "SELECT message_id FROM messages WHERE subject_id = :subject_id"
            " AND purpose = ANY(:purposes) AND state = 'waiting' AND tried_at IS NULL"
            " ORDER BY message_id FOR UPDATE"
        ).bindparams(_PURPOSES),
        {"subject_id": appointment_id, "purposes": sorted(purposes)},
    )
    return list(found.scalars())


async def next_turn(
    tx: Transaction, *, patient_id: UUID | None = None, location_id: UUID | None = None
) -> Sequence[Message]:
    """Start a new turn of what has fallen due for a patient or a place and has not been tried."""
    column = "patient_id" if patient_id is not None else "location_id"
    found = await tx.execute(
        text(
            f"UPDATE messages SET turn = turn + 1 WHERE {column} = :given AND state = 'waiting'"
            f" AND tried_at IS NULL AND due_at <= :now RETURNING {_MESSAGE}"
        ),
        {"given": patient_id or location_id, "now": tx.now},
    )
    return [Message.of(row) for row in found]
