"""What billing says: estimates, cards, charges, payments, superbills.

Amounts are whole cents of `currency`, instants UTC. `charge_id` names what is owed for one
service, an infusion or a session; there is one charge per service. `service` says which of them
`infusion_id` names.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Moment, PatientEvent

PositiveCents = Annotated[int, Field(strict=True, gt=0, le=100_000_000)]

Cents = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
"""Whole cents; neither a text nor a truth value is made into some."""


class TenderKind(StrEnum):
    """`hsa_card` is a health savings card at the counter's own terminal; one on file is a card.

    `prepaid` is a unit of a package that was paid before.
    """

    CARD = "card"
    HSA_CARD = "hsa_card"
    CARE_CREDIT = "care_credit"
    CASH = "cash"
    CHECK = "check"
    PREPAID = "prepaid"


class ServiceKind(StrEnum):
    """What a charge is for. Of a session `infusion_id` is its appointment's id: it has no other."""

    INFUSION = "infusion"
    SESSION = "session"


class DeclineReason(StrEnum):
    """Why a card was refused, as far as the house needs to know."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    CARD_NOT_USABLE = "card_not_usable"
    AUTHENTICATION_REQUIRED = "authentication_required"
    NO_CARD_ON_FILE = "no_card_on_file"
    NO_MANDATE = "no_mandate"
    DECLINED = "declined"


class AdjustmentKind(StrEnum):
    """A discount asks for less than the fee; a write-off gives up what is not going to be paid."""

    DISCOUNT = "discount"
    WRITE_OFF = "write_off"


class AdjustmentReason(StrEnum):
    HARDSHIP = "hardship"
    COURTESY = "courtesy"
    SERVICE_PROBLEM = "service_problem"
    SMALL_BALANCE = "small_balance"
    UNCOLLECTABLE = "uncollectable"


class RefundReason(StrEnum):
    """Why money goes back. After the first two the charge is owed again; the next two lessen it.

    `nothing_owed` is money that paid no charge. `made_at_stripe` is what somebody gave back in the
    processor's dashboard, for a reason that nobody told; a charge is lessened by it.
    """

    OTHER_TENDER = "other_tender"
    TAKEN_BY_MISTAKE = "taken_by_mistake"
    SERVICE_PROBLEM = "service_problem"
    COURTESY = "courtesy"
    NOTHING_OWED = "nothing_owed"
    MADE_AT_STRIPE = "made_at_stripe"


class EstimateReason(StrEnum):
    """Why an estimate was issued; from the second version on what changed."""

    BOOKED = "booked"
    REQUESTED = "requested"
    VISIT_TYPE_CHANGED = "visit_type_changed"
    INFUSIONS_CHANGED = "infusions_changed"
    FEES_CHANGED = "fees_changed"
    TERM_PASSED = "term_passed"
    CHARGE_HELD = "charge_held"


class HeldFor(StrEnum):
    """What a charge waits for: a decision on its estimate, or on who else may have to pay."""

    OVER_ESTIMATE = "over_estimate"
    COVERAGE = "coverage"


class CardSaved(PatientEvent, producer="billing"):
    """A card may be charged while the patient is away: the processor has the mandate on record.

    Said when the processor's webhook confirms the setup. The newest card is the one on file.
    """

    card_id: UUID
    saved_at: Moment


class CardExpiring(PatientEvent, producer="billing"):
    """The card on file is soon good no more, or not any more at the patient's last booked visit.

    Said once for each card and day: a bank may renew a card. `expires_at` is the instant from which
    it is not good, the clinic's midnight after its month.
    """

    card_id: UUID
    expires_at: Moment
    noticed_at: Moment


class ChargePosted(PatientEvent, producer="billing"):
    """What is owed for one service is on record, at the fee in force when it started.

    Said once per service: with InfusionCompleted or ConsultCompleted, or later when a missing fee
    is recorded after InfusionNotCharged. It says nothing about payment.
    """

    charge_id: UUID
    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    posted_at: Moment


class InfusionNotCharged(PatientEvent, producer="billing"):
    """A completed infusion or session is not charged yet: no fee was in force when it started.

    Said once, at `noticed_at`. It waits for a person to record the fee; ChargePosted follows then,
    unless the fee says that it costs nothing.
    """

    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    reason: Literal["no_fee_in_force"]
    noticed_at: Moment


class ChargeHeld(PatientEvent, producer="billing"):
    """A completed infusion or session is priced and not charged: its charge waits for a person.

    Said once per service, at `held_at`. ChargePosted follows when nothing is in its way any more,
    or ChargeWaived, where somebody decides that nothing is owed.
    """

    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    reasons: Annotated[tuple[HeldFor, ...], Field(min_length=1)]
    held_at: Moment


class ChargeWaived(PatientEvent, producer="billing"):
    """Nothing is charged, ever, for a service whose charge was held. `amount_cents` was its fee.

    Said once per service, after ChargeHeld.
    """

    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    waived_at: Moment


class PaymentCaptured(PatientEvent, producer="billing"):
    """The card processor captured a payment for one charge. Said once per payment.

    `owed_cents` is what is owed on the charge still: a charge may be paid in parts.
    `captured_at` is when billing learned of it, from the answer or from the webhook.
    """

    payment_id: UUID
    charge_id: UUID
    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    owed_cents: Cents = 0
    captured_at: Moment


class PaymentDeclined(PatientEvent, producer="billing"):
    """One try at the card on file was refused, and the charge is still owed.

    Said once per try, `attempt_id`, from the processor's answer or from its webhook; a person
    starts the next try. `reason` is the processor's decline in the house's words, and
    `no_card_on_file` when there was nothing to try, `no_mandate` when no card was there that the
    patient lets be charged. A processor that cannot be reached is no decline: the same try goes on.
    """

    attempt_id: UUID
    charge_id: UUID
    reason: DeclineReason
    declined_at: Moment


class PayLinkReady(PatientEvent, producer="billing"):
    """A page is there on which the patient can pay one charge, until `expires_at`.

    Said again when somebody at the desk has it sent once more: `sent_no` counts from 1. Its address
    is redeemed at billing's internal API, and is in no event: who has it can pay on it.
    """

    pay_link_id: UUID
    charge_id: UUID
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    sent_no: Annotated[int, Field(ge=1)]
    expires_at: Moment
    ready_at: Moment


class OutsidePaymentRecorded(PatientEvent, producer="billing"):
    """A payment for a charge that did not pass the card processor.

    By CareCredit, a health savings card, cash or check a biller recorded it, with a reference that
    stays with billing and is used once; prepaid is a unit of a package that was paid before.
    `owed_cents` is what is owed on the charge still.
    """

    payment_id: UUID
    charge_id: UUID
    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    tender: TenderKind
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    owed_cents: Cents = 0
    recorded_at: Moment


class PackagePaid(PatientEvent, producer="billing"):
    """A patient paid a prepaid package: visits ahead, of which none is earned yet.

    Each is told of by OutsidePaymentRecorded when it is used. `payment_id` is the purchase's too.
    """

    payment_id: UUID
    tender: TenderKind
    units: Annotated[int, Field(ge=1)]
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    paid_at: Moment


class OutsidePaymentRejected(PatientEvent, producer="billing"):
    """A payment that OutsidePaymentRecorded told of never came; the charge is owed again."""

    payment_id: UUID
    charge_id: UUID
    tender: TenderKind
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    owed_cents: Cents
    rejected_at: Moment


class ChargeAdjusted(PatientEvent, producer="billing"):
    """The clinic gave up all or a part of what was owed on a charge. Said once per adjustment.

    `owed_cents` is what is owed on the charge still.
    """

    adjustment_id: UUID
    charge_id: UUID
    kind: AdjustmentKind
    reason: AdjustmentReason
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    owed_cents: Cents
    adjusted_at: Moment


class RefundIssued(PatientEvent, producer="billing"):
    """All or a part of a payment went back, the way that it came. Said once per refund.

    `charge_id` is null for money that paid no charge. `owed_cents` is what is owed on the charge
    after it. A bank may send the money back still: RefundFailed follows then.
    """

    refund_id: UUID
    payment_id: UUID
    charge_id: UUID | None
    tender: TenderKind
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    reason: RefundReason
    owed_cents: Cents
    issued_at: Moment


class RefundFailed(PatientEvent, producer="billing"):
    """A refund did not reach the patient, and a person has to see to it. Said once per refund.

    With or without a RefundIssued before it.
    """

    refund_id: UUID
    payment_id: UUID
    charge_id: UUID | None
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    failed_at: Moment


class PaymentDisputed(PatientEvent, producer="billing"):
    """A cardholder's bank doubts a payment by card. Nothing is asked of the patient meanwhile.

    Said once as an inquiry, which took nothing, and once as a chargeback, which took the money.
    `charge_id` is missing where the payment paid none; an answer is too late after `due_at`.
    """

    dispute_id: UUID
    payment_id: UUID
    charge_id: UUID | None
    stage: Literal["inquiry", "chargeback"]
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    due_at: Moment | None
    noticed_at: Moment


class DisputeUnanswered(PatientEvent, producer="billing"):
    """A dispute that nobody answered is too late to answer soon: at `due_at`.

    Said every morning of its last days. A person has to answer or accept it.
    """

    dispute_id: UUID
    due_at: Moment
    noticed_at: Moment


class DisputeClosed(PatientEvent, producer="billing"):
    """The bank has decided. Of a lost dispute, `charged_back_cents` are not paid any more.

    Of one that was won after it was lost, they are what the charge does not need any more, and what
    the patient gets back. `owed_cents` is what is owed on the charge then; nobody asks for it by
    itself.
    """

    dispute_id: UUID
    payment_id: UUID
    charge_id: UUID | None
    outcome: Literal["inquiry_closed", "won", "lost"]
    amount_cents: PositiveCents
    charged_back_cents: Cents
    owed_cents: Cents
    currency: Literal["USD"] = "USD"
    closed_at: Moment


class UnknownPaymentDisputed(Event, producer="billing"):
    """A bank doubts a payment that is not in the books, so that nobody knows whose it is.

    Said once as an inquiry, once as a chargeback, and as unanswered every morning of the last days
    before `due_at`. Once its payment is found, the facts about a patient's dispute follow under the
    same `dispute_id`.
    """

    key_field = "dispute_id"

    dispute_id: UUID
    stage: Literal["inquiry", "chargeback", "unanswered"]
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    due_at: Moment | None
    noticed_at: Moment


class UnknownDisputeClosed(Event, producer="billing"):
    """The bank has decided about a payment that is not in the books, or has decided otherwise."""

    key_field = "dispute_id"

    dispute_id: UUID
    outcome: Literal["inquiry_closed", "won", "lost"]
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    closed_at: Moment


class WaitingMoneyApplied(PatientEvent, producer="billing"):
    """What waited to be given back of a payment pays its charge, which is owed again.

    `owed_cents` is what is owed on the charge still.
    """

    payment_id: UUID
    charge_id: UUID
    amount_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    owed_cents: Cents
    applied_at: Moment


class SuperbillIssued(PatientEvent, producer="billing"):
    """A numbered superbill exists for a paid service and never changes. Said once per service.

    `number` is printed on it; `total_cents` is what was charged. The document is at billing's API.
    SuperbillCorrected follows where a later version takes its place.
    """

    superbill_id: UUID
    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    charge_id: UUID
    number: Annotated[str, Field(max_length=32)]
    total_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    issued_at: Moment


class SuperbillCorrected(PatientEvent, producer="billing"):
    """A later version of a superbill takes the place of `replaces_id`, under the same number.

    Said once per version, from the second on. `refund`: money was given back; `record`: what the
    record of the visit says has changed; `payment`: a payment did not come after all, or what it
    left owed is paid by now. Whoever handed the earlier one in sends this one after it, once it is
    paid.
    """

    superbill_id: UUID
    replaces_id: UUID
    infusion_id: UUID
    service: ServiceKind = ServiceKind.INFUSION
    charge_id: UUID
    number: Annotated[str, Field(max_length=32)]
    document_version: Annotated[int, Field(ge=1)]
    reason: Literal["refund", "record", "payment"]
    total_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    issued_at: Moment


class MonthlySuperbillIssued(PatientEvent, producer="billing"):
    """One superbill exists for the visits of a month, as a patient asked. Said once per version.

    It says what the superbills of the visits say. From the second version on, under the same
    number, `replaces_id` is the one whose place it takes. `month` is its first day.
    """

    superbill_id: UUID
    replaces_id: UUID | None
    number: Annotated[str, Field(max_length=32)]
    document_version: Annotated[int, Field(ge=1)]
    month: date
    total_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    issued_at: Moment


class BooksReconciled(Event, producer="billing"):
    """The books were compared with the card processor's own account of the money.

    Said after every comparison. `booked_cents` is what the books say that the processor holds,
    `held_cents` what it says itself; `breaks` counts the differences, each on billing's work list.
    """

    key_field = "reconciliation_id"

    reconciliation_id: UUID
    booked_cents: int
    held_cents: int
    currency: Literal["USD"] = "USD"
    breaks: Annotated[int, Field(ge=0)]
    compared_at: Moment


class EstimateIssued(PatientEvent, producer="billing"):
    """A good faith estimate of what a patient is going to be charged exists and never changes.

    Said once per version. `course_id` is the series that it is for, or a request's own id;
    `document_version` counts from 1 under one `number`, and a later one takes the place of all
    before it. `expires_on` is its last day. The document is at billing's API.
    """

    estimate_id: UUID
    course_id: UUID
    number: Annotated[str, Field(max_length=32)]
    document_version: Annotated[int, Field(ge=1)]
    reason: EstimateReason
    total_cents: PositiveCents
    currency: Literal["USD"] = "USD"
    expires_on: date
    issued_at: Moment


class EstimateOverdue(PatientEvent, producer="billing"):
    """The estimate that was due at `due_at` is not issued. A person has to see why.

    Said once per due moment (45 CFR 149.610(b)(1)(vi)). EstimateIssued may still follow.
    """

    course_id: UUID
    due_at: Moment
    noticed_at: Moment
