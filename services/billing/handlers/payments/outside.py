"""Payments that do not pass through Stripe: CareCredit, health savings cards, cash, checks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.handlers.charges import attempts
from services.billing.handlers.collecting import steps
from services.billing.handlers.payments import care_credit
from services.billing.handlers.payments.care_credit import CareCreditDetail
from services.billing.handlers.superbills import issuing
from services.billing.rules.approvals import Entry
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.charges import attempts as rules
from services.billing.rules.charges.attempts import CURRENCY
from services.billing.rules.payments.references import reference_as_kept
from services.billing.store import charges as store
from services.billing.store.charges import LockedCharge
from services.billing.store.ledger import post
from services.billing.store.payments import Received, receive, reference_is_used
from shared.events.billing import OutsidePaymentRecorded, PositiveCents, TenderKind
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken
from shared.written import told

Reference = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        pattern=told(r"^[A-Za-z0-9][A-Za-z0-9 ./#_-]{2,63}$", "three to 64 letters and digits"),
    ),
]


Currency = Annotated[
    str, StringConstraints(pattern=told(r"^[A-Z]{3}$", "three capital letters, such as USD"))
]


class RecordOutsidePayment(BaseModel):
    """A payment that was taken elsewhere, with the reference of its receipt.

    For a check that is bank and number. It names no patient, no diagnosis and no card number.
    `instead_of_card` is for a day on which Stripe does not answer: a try under way is withdrawn.
    """

    tender: TenderKind
    reference: Reference
    amount_cents: PositiveCents
    currency: Currency = CURRENCY
    care_credit: CareCreditDetail | None = None
    instead_of_card: bool = False


class PaymentRecorded(RecordOutsidePayment):
    payment_id: UUID
    charge_id: UUID
    patient_id: UUID
    owed_cents: int
    recorded_at: datetime


async def record_outside_payment(
    charge_id: UUID, wish: RecordOutsidePayment, by: str, tx: Transaction, *, seen: bool = False
) -> PaymentRecorded | ApprovalAsked | Refused:
    """Take a payment from outside for a charge, or for a part of it. A reference is used once.

    Above a limit it waits for a second person; `seen` says that one has looked at it.
    """
    charge = await store.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    broken = rules.broken_by_outside_payment(
        charge.owed,
        wish.tender,
        wish.reference,
        wish.amount_cents,
        instead_of_card=wish.instead_of_card,
    ) + _broken_by_form(wish)
    if broken:
        return Refused.by_rules(broken)
    reference = reference_as_kept(wish.reference)
    if await reference_is_used(tx, wish.tender, reference):
        return Refused.because(
            "reference_used",
            "This reference is of a payment that was recorded already. Check the receipt.",
            field="reference",
            source="one payment per receipt",
        )
    detail = wish.care_credit or CareCreditDetail()
    if refused := await care_credit.check_report(tx, charge_id, detail, wish.amount_cents):
        return refused
    if not seen and (
        asked := await hold(
            tx,
            Entry.OUTSIDE_PAYMENT,
            wish,
            subject_id=charge_id,
            patient_id=charge.patient_id,
            amount_cents=wish.amount_cents,
            by=by,
        )
    ):
        return asked
    standing = charge.owed.standing.with_paid(wish.amount_cents)
    recorded = PaymentRecorded(
        payment_id=detail.tender_id or new_id(),
        charge_id=charge_id,
        patient_id=charge.patient_id,
        owed_cents=standing.owed_cents,
        recorded_at=tx.now,
        tender=wish.tender,
        reference=reference,
        amount_cents=wish.amount_cents,
        care_credit=wish.care_credit,
        instead_of_card=wish.instead_of_card,
    )
    if wish.instead_of_card:
        await attempts.withdraw(charge_id, tx)
    _take(recorded, charge, tx)
    await store.set_standing(tx, charge_id, standing, tender=wish.tender)
    await steps.owes_less(charge_id, standing, tx)
    if wish.tender is TenderKind.CARE_CREDIT:
        await care_credit.report(
            tx,
            payment_id=recorded.payment_id,
            charge_id=charge_id,
            patient_id=charge.patient_id,
            amount_cents=wish.amount_cents,
            detail=detail,
            by=by,
        )
    return recorded


def _broken_by_form(wish: RecordOutsidePayment) -> list[Broken]:
    broken = []
    if wish.currency != CURRENCY:
        broken.append(rules.wrong_currency())
    if wish.care_credit is not None and wish.tender is not TenderKind.CARE_CREDIT:
        broken.append(
            Broken(
                "care_credit_only",
                "These details are of CareCredit, and another tender was given. Leave them out.",
                "a payment has one tender",
                "care_credit",
            )
        )
    return broken


def _take(recorded: PaymentRecorded, charge: LockedCharge, tx: Transaction) -> None:
    receive(
        tx,
        Received(
            payment_id=recorded.payment_id,
            patient_id=recorded.patient_id,
            charge_id=recorded.charge_id,
            tender=recorded.tender,
            reference=recorded.reference,
            amount_cents=recorded.amount_cents,
        ),
    )
    post(
        tx,
        ledger.outside_payment(
            OfCharge(recorded.patient_id, recorded.charge_id),
            recorded.payment_id,
            recorded.tender,
            recorded.amount_cents,
            recorded.recorded_at,
        ),
    )
    tx.publish(
        OutsidePaymentRecorded(
            patient_id=recorded.patient_id,
            payment_id=recorded.payment_id,
            charge_id=recorded.charge_id,
            infusion_id=charge.infusion_id,
            service=charge.service,
            tender=recorded.tender,
            amount_cents=recorded.amount_cents,
            owed_cents=recorded.owed_cents,
            recorded_at=recorded.recorded_at,
        )
    )
    if recorded.owed_cents == 0:
        issuing.ask(recorded.charge_id, tx)
