"""What a bank gets to see of a disputed payment: that the patient came, agreed, and paid.

A bank is no health plan: neither diagnosis nor code, drug nor dose is in it, and of the patient the
name alone, by which the bank knows its cardholder (45 CFR 164.502(b), the minimum necessary). What
Stripe takes is at docs.stripe.com/disputes/evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.billing.rules.as_printed import address_lines, as_dialled
from services.billing.rules.disputes.course import UNANSWERED, DisputeState
from services.billing.rules.estimates.items import Clinic
from services.billing.rules.payments.mandates import Way
from shared.claims import Attendance
from shared.refusals import Broken

PRODUCT = "A visit to a medical clinic, paid by card."
"""The words for what was sold: neutral, as on the patient's statement."""


class AnswerKind(StrEnum):
    """`acceptance` gives in: the patient is right, and the money stays where it is."""

    EVIDENCE = "evidence"
    ACCEPTANCE = "acceptance"


@dataclass(frozen=True, slots=True)
class KnownMandate:
    """The agreement under which a card on file was charged, and the words of it."""

    mandate_id: UUID
    agreed_at: datetime
    way: Way
    ip: str | None
    body: str
    content_sha256: str
    stripe_setup_intent_id: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What billing itself knows of a disputed payment; a mandate where a card on file paid."""

    stripe_dispute_id: str
    opened_at: datetime
    disputed_cents: int
    payment_id: UUID
    paid_cents: int
    paid_at: datetime
    arrived_at: datetime | None
    left_at: datetime | None
    mandate: KnownMandate | None
    receipt_number: str | None
    receipt_issued_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """A moment of the visit, on the clinic's own clock."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Agreed:
    """Something that the patient agreed to: where we keep it, and the day."""

    what: str
    reference: str
    on: date


@dataclass(frozen=True, slots=True)
class CardAgreement:
    """What the cardholder agreed to, word for word, and how. `content_sha256` is over the words."""

    text: str
    content_sha256: str
    agreed_at: datetime
    how: str
    confirmation: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The document. Times are the clinic's own."""

    dispute: str
    prepared_on: date
    opened_on: date
    disputed_cents: int
    clinic: Clinic
    patient: str
    service_on: date
    steps: tuple[Step, ...]
    agreements: tuple[Agreed, ...]
    card_agreement: CardAgreement | None
    payment: str
    paid_cents: int
    paid_on: date
    receipt: str | None
    receipt_issued_on: date | None


def evidence_of(known: Known, attendance: Attendance, now: datetime) -> Evidence:
    """What is on record, and nothing beside it: a moment that nobody noted is left out."""
    location = attendance.location
    zone = ZoneInfo(location.zone)
    steps = (
        ("Arrived at the clinic", known.arrived_at),
        ("Service began", attendance.started_at),
        ("Service ended", attendance.stopped_at),
        ("Left the clinic", known.left_at),
    )
    agreements = []
    if attendance.consent_id is not None and attendance.consent_signed_at is not None:
        agreements.append(
            Agreed(
                "Signed consent to the service",
                str(attendance.consent_id),
                attendance.consent_signed_at.astimezone(zone).date(),
            )
        )
    if (mandate := known.mandate) is not None:
        agreements.append(
            Agreed(
                "Agreement to charge this card later, confirmed by the cardholder at Stripe",
                str(mandate.mandate_id),
                mandate.agreed_at.astimezone(zone).date(),
            )
        )
    issued_at = known.receipt_issued_at
    return Evidence(
        dispute=known.stripe_dispute_id,
        prepared_on=now.astimezone(zone).date(),
        opened_on=known.opened_at.astimezone(zone).date(),
        disputed_cents=known.disputed_cents,
        clinic=Clinic(
            location.legal_name, as_dialled(location.phone), address_lines(location.address)
        ),
        patient=f"{attendance.first_name} {attendance.last_name}",
        service_on=attendance.started_at.astimezone(zone).date(),
        steps=tuple(Step(what, at.astimezone(zone)) for what, at in steps if at is not None),
        agreements=tuple(agreements),
        card_agreement=None if mandate is None else _card_agreement(mandate, zone),
        payment=str(known.payment_id),
        paid_cents=known.paid_cents,
        paid_on=known.paid_at.astimezone(zone).date(),
        receipt=known.receipt_number,
        receipt_issued_on=None if issued_at is None else issued_at.astimezone(zone).date(),
    )


def _card_agreement(mandate: KnownMandate, zone: ZoneInfo) -> CardAgreement:
    how = "in the cardholder's own browser"
    if mandate.way is Way.IN_PERSON:
        how = "in person, at the clinic"
    elif mandate.ip is not None:
        how = f"{how}, from the address {mandate.ip}"
    return CardAgreement(
        text=mandate.body,
        content_sha256=mandate.content_sha256,
        agreed_at=mandate.agreed_at.astimezone(zone),
        how=how,
        confirmation=mandate.stripe_setup_intent_id,
    )


def broken_by_answer(
    state: DisputeState, kind: AnswerKind, *, is_prepared: bool, is_under_way: bool
) -> list[Broken]:
    """What forbids to answer a dispute."""
    if state not in UNANSWERED:
        return [
            Broken(
                "dispute_answered",
                f"This dispute is {state.value.replace('_', ' ')}: nothing can be sent any more.",
                "docs.stripe.com/disputes: a bank takes one answer",
            )
        ]
    if is_under_way:
        return [
            Broken(
                "answer_under_way",
                "An answer is on its way already. Look at the dispute again in a few minutes.",
                "a bank takes one answer",
            )
        ]
    if kind is AnswerKind.EVIDENCE and not is_prepared:
        return [
            Broken(
                "evidence_not_prepared",
                "The evidence is not printed yet. Have it prepared"
                " (POST /disputes/…/evidence) and look at it first.",
                "two people look at what leaves the house",
            )
        ]
    return []
