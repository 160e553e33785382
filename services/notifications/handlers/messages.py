"""How messages come to be, wait and end: every handler goes through here."""

from __future__ import annotations

from services.notifications import rules
from services.notifications.rules import NotSent
from services.notifications.store import messages as stored_messages
from services.notifications.store.messages import Draft, Message
from services.notifications.store.visits import BookedVisit
from services.notifications.words import Place
from services.notifications.work import SendMail, SendText
from shared.events.notifications import Channel, MessageNotSent, MessageSent
from shared.ids import UUID, new_id
from shared.messaging import Transaction


async def add(tx: Transaction, draft: Draft) -> None:
    """Have a message wait and its sending fall due. One that exists already stays as it is."""
    message_id = new_id()
    if await stored_messages.add_message(tx, draft, message_id):
        _set_going(tx, message_id, draft, turn=1)


async def plan_reminders(tx: Transaction, visit: BookedVisit, place: Place) -> None:
    """Have a visit's reminders wait, each for its moment; what comes too late is noted as such."""
    for reminder in rules.plan_reminders(visit.needs, visit.starts_at, place.zone, tx.now):
        draft = Draft(
            patient_id=visit.patient_id,
            purpose=reminder.purpose,
            subject_id=visit.appointment_id,
            revision=visit.revision,
            location_id=visit.location_id,
            due_at=reminder.due_at,
        )
        if not reminder.dropped:
            await add(tx, draft)
            continue
        message_id = new_id()
        if await stored_messages.add_message(tx, draft, message_id, not_sent=NotSent.MOMENT_PASSED):
            tx.publish(
                MessageNotSent(
                    patient_id=visit.patient_id,
                    message_id=message_id,
                    purpose=draft.purpose,
                    channel=draft.channel,
                    subject_id=draft.subject_id,
                    reason=NotSent.MOMENT_PASSED,
                    decided_at=tx.now,
                )
            )


async def withdraw(tx: Transaction, appointment_id: UUID, reason: NotSent) -> None:
    """Nothing about a visit's old time goes out any more.

    What may have left already is not touched: its work finds out and tells.
    """
    for message_id in await stored_messages.untried_messages(tx, appointment_id, rules.OF_A_VISIT):
        tx.cancel(_key(message_id))
        await end(tx, message_id, not_sent=reason)


async def start_anew(
    tx: Transaction, *, patient_id: UUID | None = None, location_id: UUID | None = None
) -> None:
    """Set going what fell due before we knew how to reach the patient or where the visit is."""
    for message in await stored_messages.next_turn(
        tx, patient_id=patient_id, location_id=location_id
    ):
        _set_going(tx, message.message_id, message, turn=message.turn)


async def end(
    tx: Transaction,
    message_id: UUID,
    *,
    provider_ref: str | None = None,
    not_sent: NotSent | None = None,
) -> None:
    """Settle a message and say so, once."""
    message = await stored_messages.settle(
        tx, message_id, provider_ref=provider_ref, not_sent=not_sent
    )
    if message is None:
        return
    about = {
        "patient_id": message.patient_id,
        "message_id": message_id,
        "purpose": message.purpose,
        "channel": message.channel,
        "subject_id": message.subject_id,
    }
    if not_sent is None:
        tx.publish(MessageSent(**about, sent_at=tx.now))
    else:
        tx.publish(MessageNotSent(**about, reason=not_sent, decided_at=tx.now))


def _set_going(tx: Transaction, message_id: UUID, message: Draft | Message, *, turn: int) -> None:
    work = SendText if message.channel is Channel.SMS else SendMail
    tx.do(work(message_id=message_id, turn=turn), due=message.due_at, key=_key(message_id))


def _key(message_id: UUID) -> str:
    return f"message:{message_id}"
