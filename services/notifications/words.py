"""What every message says, and that a text message can carry it.

Pure. Words are for the patient and for whoever sees the screen: no drug, no illness, no visit's
purpose (HHS HIPAA FAQ 198: leave only what is needed). Texts hold GSM-7 characters only, because
one other character halves the room of a segment (3GPP TS 23.038), and fit into one segment with
names of usual length: 160 is also what 47 CFR 64.1200(a)(9)(iv)(D) allows. "FAQ" is the clinic's.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notifications.rules import SPRAY_NO_DRIVING_H
from shared.money import dollars

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # 3GPP TS 23.038 §6.2.1, without the extension table: its characters take two places each

_TYPED = {"\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": "-"}
"""Typographers' quotes and dashes, as a keyboard has them."""

_SEGMENT = 160  # 3GPP TS 23.040: 140 octets of 7-bit characters
_LONG_SEGMENT = 153  # ... less the header that joins the parts


@dataclass(frozen=True, slots=True)
class Clinic:
    """Who writes: the name and the phone (E.164) that every message carries."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit is, and the zone of the clock on its wall."""

    name: str
    zone: ZoneInfo
    phone: str


@dataclass(frozen=True, slots=True)
class Words:
    """A message before it is put on the clinic's letterhead.

    A text has no subject; its body ends with what leads over to the phone. A place has a phone of
    its own. Where one is named, the body begins right after it.
    """

    body: str
    opening: str = ""
    place: str = ""
    greeting: str = ""
    subject: str | None = None
    phone: str | None = None


def ride_reminder(first_name: str, starts_at: datetime, place: Place, *, ride: bool) -> Words:
    """FAQ: "You will need a driver to take you home (or an Uber)"."""
    ask = "Your ride is confirmed. Questions?" if ride else "Who takes you home? Tell us:"
    return Words(
        f" is {when(starts_at, place.zone)}. {ask}",
        opening="your visit",
        place=plain(place.name),
        greeting=_hi(first_name),
        phone=place.phone,
    )


def fasting_reminder(first_name: str, no_food_from: datetime, place: Place) -> Words:
    """FAQ: "no food for two hours prior, but liquids are fine"."""
    return Words(
        f"please eat no food after {when(no_food_from, place.zone)}. Liquids are fine. Questions?",
        greeting=_hi(first_name),
        phone=place.phone,
    )


def appointment_moved(first_name: str, starts_at: datetime, place: Place) -> Words:
    return Words(
        f" is now {when(starts_at, place.zone)}. Questions?",
        opening="your visit",
        place=plain(place.name),
        greeting=_hi(first_name),
        phone=place.phone,
    )


def no_driving(first_name: str, until: datetime, place: Place) -> Words:
    """FAQ: "No driving for 6 hours after an infusion"; `until` is as the event says."""
    return Words(
        f"please do not drive until {when(until, place.zone)}. Questions?",
        greeting=_hi(first_name),
        phone=place.phone,
    )


def chair_offered(first_name: str, until: datetime, place: Place) -> Words:
    """Which time it is stands with the front desk: by the call it may be another's."""
    return Words(
        f". To have it, call by {when(until, place.zone)}:",
        opening="a time is free",
        place=plain(place.name),
        greeting=_hi(first_name),
        phone=place.phone,
    )


def spray_no_driving(first_name: str) -> Words:
    """FAQ: "You are not to drive for 4 hours after using the nasal spray"."""
    return Words(
        "your pharmacy order has arrived."
        f" Do not drive for {SPRAY_NO_DRIVING_H} hours after each use. Questions?",
        greeting=_hi(first_name),
    )


def payment_failed(first_name: str) -> Words:
    return Words(
        "your last payment did not go through. Please call us to settle it:",
        greeting=_hi(first_name),
    )


def pay_link(first_name: str, url: str) -> Words:
    """What is paid for is not said: a mail passes through many hands."""
    return Words(
        f"You can pay what is open on your account here:\n{url}\n\n"
        "The page is for you alone and closes within a day. Call us for a new one.",
        greeting=f"Hello {first_name},",
        subject="Your payment page",
    )


def card_expiring(first_name: str, expires_at: datetime) -> Words:
    """`expires_at` is the clinic's midnight after the card's last month; which card is not said."""
    last = expires_at - timedelta(days=1)
    return Words(
        f"The card that we have on file for you is good until the end of {last:%B %Y}. If your bank"
        " has sent you another one, or you would like to pay with another, please call us, or tell"
        " the front desk at your next visit. We never ask for a card number by mail.",
        greeting=f"Hello {first_name},",
        subject="Your card on file",
    )


def receipt(first_name: str, amount_cents: int) -> Words:
    return Words(
        f"Thank you. We have received your payment of {dollars(amount_cents)}.",
        greeting=f"Hello {first_name},",
        subject="Your receipt",
    )


def superbill(first_name: str, number: str) -> Words:
    """A notice only: the document itself names the visit and what it was for."""
    return Words(
        f"Your itemized statement {number} is ready. To protect your privacy it is not attached:"
        " please ask for it at the front desk, or call us.",
        greeting=f"Hello {first_name},",
        subject="Your statement is ready",
    )


def superbill_corrected(first_name: str, number: str) -> Words:
    """What to do with the earlier version, whether or not it has been sent in."""
    return Words(
        f"Your itemized statement {number} was corrected, and the corrected version takes the"
        " place of the one you have. If you have not sent the earlier one to your insurer, send"
        " only the corrected one. If you have, send the corrected one too, and tell them that it"
        " replaces the earlier one under the same number. To protect your privacy it is not"
        " attached: please ask for it at the front desk, or call us.",
        greeting=f"Hello {first_name},",
        subject="Your statement was corrected",
    )


def estimate(first_name: str, number: str) -> Words:
    """A notice only, as of a superbill. 45 CFR 149.610(e): in writing, as the patient asks for."""
    return Words(
        f"Your good faith estimate {number} is ready: what we expect to charge you for what is"
        " planned. It takes the place of any earlier one under this number. To protect your privacy"
        " it is not attached: please tell the front desk, or call us, whether you want it on paper"
        " or by secure mail.",
        greeting=f"Hello {first_name},",
        subject="Your good faith estimate is ready",
    )


def as_text(words: Words, clinic: Clinic, message_id: UUID) -> str:
    """A text message on the clinic's letterhead; greeted where that needs no second segment.

    47 CFR 64.1200(a)(9)(iv): it names the provider, how to reach them and how to opt out. The
    reference tells two texts with the same words apart, for us at a repeat as for the front desk.
    """
    phone = as_dialled(words.phone or clinic.phone)
    end = f"{_named(words, clinic)} {phone}. Ref {reference(message_id)}. STOP to opt out."
    greeted = f"{clinic.name}: {words.greeting}{end}"
    return greeted if segments(greeted) == 1 else f"{clinic.name}: {end}"


def _named(words: Words, clinic: Clinic) -> str:
    """The body, its place named unless it is called as the clinic is, whose name stands above."""
    named = words.place and words.place != plain(clinic.name)
    return f"{words.opening} at {words.place}{words.body}" if named else words.opening + words.body


def reference(message_id: UUID) -> str:
    """Five digits of a message's random id; digits, because letters make words."""
    return f"{message_id.int % 100_000:05d}"


def as_mail(words: Words, clinic: Clinic) -> str:
    """The body of a mail on the clinic's letterhead."""
    return (
        f"{words.greeting}\n\n{_named(words, clinic)}\n\n"
        f"Questions? Call {as_dialled(clinic.phone)}.\n\n{clinic.name}\n"
    )


def when(moment: datetime, zone: ZoneInfo) -> str:
    """`Tue, Nov 24 at 9:00 AM EST`: date and zone stand there, so that nobody has to guess."""
    local = moment.astimezone(zone)
    clock = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"  # noqa: PLR2004  # noon
    return f"{local:%a, %b} {local.day} at {clock} {local.tzname()}"


def as_dialled(e164: str) -> str:
    """`(202) 555-0147` for a North American number; any other as it is."""
    digits = e164.removeprefix("+1")
    if not e164.startswith("+1") or len(digits) != 10:  # noqa: PLR2004  # the NANP's length
        return e164
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def _hi(first_name: str) -> str:
    """A greeting, without the name where a letter of it would be lost."""
    whole = first_name.strip() and all(_nearest(character) for character in first_name)
    return f"Hi {plain(first_name)}, " if whole else ""


def plain(text: str) -> str:
    """The same in GSM-7: a letter that it lacks loses its accent, what is left over goes."""
    return "".join(_nearest(character) for character in text).strip()


def _nearest(character: str) -> str:
    character = _TYPED.get(character, character)
    if character in _GSM7:
        return character
    return "".join(part for part in unicodedata.normalize("NFKD", character) if part in _GSM7)


def fits_gsm7(text: str) -> bool:
    return all(character in _GSM7 for character in text)


def segments(text: str) -> int:
    """How many parts a GSM-7 text is billed and sent as."""
    return 1 if len(text) <= _SEGMENT else -(-len(text) // _LONG_SEGMENT)
