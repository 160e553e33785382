"""Sending: look at the truth once more, mark that it may leave, hand it over, note the outcome.

`docs/decisions/11-one-message-per-purpose.md` says why in this order.
"""

from __future__ import annotations

from services.notifications import rules, words
from services.notifications.gateways.answers import NotTaken, Taken
from services.notifications.gateways.mail import Mail
from services.notifications.gateways.texts import Texts
from services.notifications.handlers import messages
from services.notifications.handlers.claims import ask_for_contact, ask_for_location
from services.notifications.rules import NotSent, no_food_from
from services.notifications.store import contacts as stored_contacts
from services.notifications.store import messages as stored_messages
from services.notifications.store import pay_links as stored_links
from services.notifications.store import places as stored_places
from services.notifications.store import visits as stored_visits
from services.notifications.store.contacts import Reach
from services.notifications.store.messages import Message
from services.notifications.words import Place, Words
from services.notifications.work import (
    Letter,
    MessageRefused,
    MessageTaken,
    SendMail,
    SendText,
)
from shared.events.notifications import Channel, Purpose
from shared.messaging import Transaction


async def write_letter(tx: Transaction, work: SendText | SendMail) -> Letter | None:
    """The letter to hand over, marked as tried; `None` when nothing is left to do here.

    Nothing is left when the message has ended or another turn is on, when it is no longer true
    (then it ends here), and when nobody knows yet how to reach the patient or where the visit is:
    that is asked for, and the answer starts another turn.
    """
    message = await stored_messages.waiting_message(tx, work.message_id, work.turn)
    if message is None:
        return None
    untrue = await _untrue(tx, message)
    if message.tried_at is not None:
        to, said = stored_messages.tried_as(tx, message)
        return Letter(message.message_id, to, said, message.tried_at, repeated=True, untrue=untrue)
    if untrue is not None:
        await messages.end(tx, message.message_id, not_sent=untrue)
        return None
    return await _first_try(tx, message)


async def _first_try(tx: Transaction, message: Message) -> Letter | None:
    reach = await stored_contacts.reach_of(tx, message.patient_id)
    place = await stored_places.place_of(tx, message.location_id) if message.location_id else None
    if message.location_id and place is None:
        ask_for_location(tx, message.location_id)
    if reach is None:
        await ask_for_contact(tx, message.patient_id)
    if reach is None or (message.location_id and place is None):
        return None
    to = reach.phone if message.channel is Channel.SMS else reach.email
    said = await _words(tx, message, reach, place)
    await stored_messages.mark_tried(tx, message, to, said)
    return Letter(message.message_id, to, said, tx.now)


async def _untrue(tx: Transaction, message: Message) -> NotSent | None:
    if message.purpose in rules.OF_A_VISIT:
        visit = await stored_visits.appointment_of(tx, message.subject_id)
        return rules.untrue_because(message.purpose, message.revision, visit, tx.now)
    if message.until_at is not None and tx.now >= message.until_at:
        return NotSent.MOMENT_PASSED
    return None


_OF_A_DOCUMENT = {
    Purpose.SUPERBILL: words.superbill,
    Purpose.SUPERBILL_CORRECTED: words.superbill_corrected,
    Purpose.ESTIMATE: words.estimate,
}


async def _words(tx: Transaction, message: Message, reach: Reach, place: Place | None) -> Words:
    name = reach.first_name
    match message.purpose:
        case Purpose.SPRAY_NO_DRIVING:
            return words.spray_no_driving(name)
        case Purpose.SUPERBILL | Purpose.SUPERBILL_CORRECTED | Purpose.ESTIMATE:
            assert message.document_no is not None
            return _OF_A_DOCUMENT[message.purpose](name, message.document_no)
        case Purpose.PAYMENT_FAILED | Purpose.PAY_LINK | Purpose.RECEIPT | Purpose.CARD_EXPIRING:
            return await _words_about_money(tx, message, name)
        case _:
            assert place is not None
            return await _words_of_visit(tx, message, name, place)


async def _words_about_money(tx: Transaction, message: Message, name: str) -> Words:
    match message.purpose:
        case Purpose.PAY_LINK:
            return words.pay_link(name, await stored_links.address_of(tx, message.subject_id))
        case Purpose.CARD_EXPIRING:
            assert message.until_at is not None
            return words.card_expiring(name, message.until_at)
        case Purpose.RECEIPT:
            assert message.amount_cents is not None
            return words.receipt(name, message.amount_cents)
        case _:
            return words.payment_failed(name)


async def _words_of_visit(tx: Transaction, message: Message, name: str, place: Place) -> Words:
    if message.until_at is not None:
        said = words.chair_offered if message.purpose is Purpose.CHAIR_OFFERED else words.no_driving
        return said(name, message.until_at, place)
    visit = await stored_visits.appointment_of(tx, message.subject_id)
    match message.purpose:
        case Purpose.FASTING_REMINDER:
            return words.fasting_reminder(name, no_food_from(visit.starts_at, visit.no_food), place)
        case Purpose.APPOINTMENT_MOVED:
            return words.appointment_moved(name, visit.starts_at, place)
        case _:
            return words.ride_reminder(name, visit.starts_at, place, ride=visit.ride_confirmed)


async def send_text(letter: Letter, texts: Texts) -> MessageTaken | MessageRefused:
    """Hand over a text. A repeat looks first whether an earlier try left."""
    if letter.repeated:
        left = await texts.find(letter.message_id, letter.to, letter.words, since=letter.written_at)
        if left is not None:
            return _outcome(letter, left)
        if letter.untrue is not None:
            return _outcome(letter, NotTaken(letter.untrue))
    return _outcome(letter, await texts.send(letter.message_id, letter.to, letter.words))


async def send_mail(letter: Letter, mail: Mail) -> MessageTaken | MessageRefused:
    """Hand over a mail. A repeat is the same to the byte, under the same Message-ID."""
    sent = await mail.send(letter.message_id, letter.to, letter.words, written_at=letter.written_at)
    return _outcome(letter, sent)


def _outcome(letter: Letter, answer: Taken | NotTaken) -> MessageTaken | MessageRefused:
    match answer:
        case Taken(ref):
            return MessageTaken(message_id=letter.message_id, provider_ref=ref)
        case NotTaken(reason):
            return MessageRefused(message_id=letter.message_id, reason=reason)


async def note_taken(fact: MessageTaken, tx: Transaction) -> None:
    await messages.end(tx, fact.message_id, provider_ref=fact.provider_ref)


async def note_refused(fact: MessageRefused, tx: Transaction) -> None:
    await messages.end(tx, fact.message_id, not_sent=fact.reason)
