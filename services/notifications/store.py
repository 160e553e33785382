"""Every query of notifications."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from services.notifications import rules
from services.notifications.rules import CHANNELS, AppointmentState, NotSent
from services.notifications.words import Place, Words
from shared.events.notifications import Channel, Purpose
from shared.events.scheduling import AppointmentBooked, AppointmentMoved, VisitType
from shared.messaging import Transaction

_PURPOSES = bindparam("purposes", type_=ARRAY(TEXT))


@dataclass(frozen=True, slots=True)
class Reach:
    """How to reach a patient, opened."""

    first_name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)


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
    no_drive_until: datetime | None = None

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
    no_drive_until: datetime | None
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
    " document_no, no_drive_until, due_at, turn, tried_at, sealed"
)


@dataclass(frozen=True, slots=True)
class BookedVisit:
    """A visit for which reminders are planned."""

    appointment_id: UUID
    patient_id: UUID
    location_id: UUID
    visit_type: VisitType
    starts_at: datetime
    revision: int


# contacts and places


async def ask_for_contact(tx: Transaction, patient_id: UUID) -> int:
    """Count one more question about a patient; the number of this one."""
    found = await tx.execute(
        text(
            "INSERT INTO contacts (patient_id, asked_no) VALUES (:patient_id, 1)"
            " ON CONFLICT (patient_id) DO UPDATE SET asked_no = contacts.asked_no + 1"
            " RETURNING asked_no"
        ),
        {"patient_id": patient_id},
    )
    return int(found.scalar_one())


async def keep_contact(tx: Transaction, patient_id: UUID, asked_no: int, reach: Reach) -> bool:
    """Keep an answer, sealed, unless a newer one is here already."""
    sealed = tx.vault.seal(
        {"first_name": reach.first_name, "phone": reach.phone, "email": reach.email},
        table="contacts",
        column="sealed",
        row=patient_id,
    )
    kept = await tx.execute(
        text(
            "UPDATE contacts SET sealed = :sealed, redeemed_no = :asked_no"
            " WHERE patient_id = :patient_id AND redeemed_no < :asked_no"
        ),
        {"sealed": sealed, "asked_no": asked_no, "patient_id": patient_id},
    )
    return kept.rowcount == 1


async def reach_of(tx: Transaction, patient_id: UUID) -> Reach | None:
    found = await tx.execute(
        text("SELECT sealed FROM contacts WHERE patient_id = :patient_id AND sealed IS NOT NULL"),
        {"patient_id": patient_id},
    )
    sealed = found.scalar_one_or_none()
    if sealed is None:
        return None
    return Reach(**tx.vault.open(sealed, table="contacts", column="sealed", row=patient_id))


async def keep_location(tx: Transaction, location_id: UUID, place: Place) -> None:
    await tx.execute(
        text(
            "INSERT INTO locations (location_id, name, zone, phone)"
            " VALUES (:location_id, :name, :zone, :phone) ON CONFLICT DO NOTHING"
        ),
        {
            "location_id": location_id,
            "name": place.name,
            "zone": place.zone.key,
            "phone": place.phone,
        },
    )


async def place_of(tx: Transaction, location_id: UUID) -> Place | None:
    found = await tx.execute(
        text("SELECT name, zone, phone FROM locations WHERE location_id = :location_id"),
        {"location_id": location_id},
    )
    row = found.one_or_none()
    return row and Place(row.name, ZoneInfo(row.zone), row.phone)


# visits


async def keep_visit(tx: Transaction, visit: AppointmentBooked | AppointmentMoved) -> bool:
    """A visit at its newest revision; False when this one is old. A moved visit's ride is open."""
    kept = await tx.execute(
        text(
            "INSERT INTO appointments (appointment_id, patient_id, location_id, visit_type,"
            " starts_at, revision, state) VALUES (:appointment_id, :patient_id, :location_id,"
            " :visit_type, :starts_at, :revision, 'booked')"
            " ON CONFLICT (appointment_id) DO UPDATE SET location_id = excluded.location_id,"
            " visit_type = excluded.visit_type, starts_at = excluded.starts_at,"
            " revision = excluded.revision, ride_confirmed = false"
            " WHERE appointments.revision < excluded.revision AND appointments.state = 'booked'"
        ),
        {
            "appointment_id": visit.appointment_id,
            "patient_id": visit.patient_id,
            "location_id": visit.location_id,
            "visit_type": visit.visit_type,
            "starts_at": visit.starts_at,
            "revision": visit.revision,
        },
    )
    return kept.rowcount == 1


async def end_visit(
    tx: Transaction, appointment_id: UUID, state: AppointmentState, revision: int | None = None
) -> bool:
    """Cancel or discharge a booked visit; False when it has ended already or is not known."""
    ended = await tx.execute(
        text(
            "UPDATE appointments SET state = :state, revision = coalesce(:revision, revision)"
            " WHERE appointment_id = :appointment_id AND state = 'booked'"
        ),
        {"state": state, "appointment_id": appointment_id, "revision": revision},
    )
    return ended.rowcount == 1


async def confirm_ride(tx: Transaction, appointment_id: UUID) -> None:
    await tx.execute(
        text(
            "UPDATE appointments SET ride_confirmed = true WHERE appointment_id = :appointment_id"
        ),
        {"appointment_id": appointment_id},
    )


async def appointment_of(tx: Transaction, appointment_id: UUID) -> rules.Appointment:
    found = await tx.execute(
        text(
            "SELECT starts_at, revision, state, ride_confirmed FROM appointments"
            " WHERE appointment_id = :appointment_id"
        ),
        {"appointment_id": appointment_id},
    )
    row = found.one()
    return rules.Appointment(
        row.starts_at, row.revision, AppointmentState(row.state), row.ride_confirmed
    )


async def visits_to_come(tx: Transaction, location_id: UUID) -> list[BookedVisit]:
    found = await tx.execute(
        text(
            "SELECT appointment_id, patient_id, location_id, visit_type, starts_at, revision"
            " FROM appointments WHERE location_id = :location_id AND state = 'booked'"
            " AND starts_at > :now ORDER BY appointment_id"
        ),
        {"location_id": location_id, "now": tx.now},
    )
    return [
        BookedVisit(
            row.appointment_id,
            row.patient_id,
            row.location_id,
            VisitType(row.visit_type),
            row.starts_at,
            row.revision,
        )
        for row in found
    ]


# messages


async def add_message(
    tx: Transaction, draft: Draft, message_id: UUID, *, not_sent: NotSent | None = None
) -> bool:
    """Have a message wait, or settle it at once as not sent; False when it exists already."""
    added = await tx.execute(
        text(
            "INSERT INTO messages (message_id, patient_id, purpose, channel, subject_id, revision,"
            " location_id, amount_cents, document_no, no_drive_until, state, due_at, turn,"
            " settled_at, reason)"
            " VALUES (:message_id, :patient_id, :purpose, :channel, :subject_id, :revision,"
            " :location_id, :amount_cents, :document_no, :no_drive_until, :state, :due_at, 1,"
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
            "no_drive_until": draft.no_drive_until,
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
        {"to": to, "body": words.body, "subject": words.subject, "phone": words.phone},
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
    return kept["to"], Words(kept["body"], kept["subject"], kept["phone"])


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
