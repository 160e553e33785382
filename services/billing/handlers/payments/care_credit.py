"""CareCredit: a link is sent, the payment reported, confirmed, funded, or it never comes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.billing.handlers.packages import paying as packages
from services.billing.handlers.payments import waiting
from services.billing.handlers.superbills import issuing
from services.billing.rules.books import ledger
from services.billing.rules.charges import attempts as paying
from services.billing.rules.packages.offers import NotFunded
from services.billing.rules.payments import care_credit as rules
from services.billing.rules.payments.care_credit import CareCreditState, Channel
from services.billing.rules.superbills.document import CorrectionReason
from services.billing.store import care_credit as store
from services.billing.store import charges
from services.billing.store import packages as bought
from services.billing.store.ledger import post, reverse
from services.billing.tables import CareCreditTender
from shared.events.billing import OutsidePaymentRejected, PositiveCents, TenderKind
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.written import told

PromoMonths = Annotated[int, Field(ge=1, le=60)]
LastFour = Annotated[str, StringConstraints(pattern=told(r"^[0-9]{4}$", "four digits"))]
Why = Annotated[
    str, StringConstraints(pattern=told(r"^[a-z][a-z_]{2,39}$", "a word in small letters"))
]


class CareCreditDetail(BaseModel):
    """What CareCredit says of a payment. `tender_id` is of the link that it was paid by."""

    tender_id: UUID | None = None
    promo_months: PromoMonths | None = None
    account_last4: LastFour | None = None
    channel: Channel = Channel.PORTAL


class SendLink(BaseModel):
    """A link of CareCredit was sent to the patient, for all or a part of what is owed."""

    amount_cents: PositiveCents
    promo_months: PromoMonths | None = None


class Funded(BaseModel):
    """CareCredit sent the money, less its fee, as its funding report says."""

    fee_cents: Annotated[int, Field(strict=True, ge=0, le=100_000_000)]


class Rejected(BaseModel):
    """Why it never comes, as a code: `declined`, `expired`, `not_found`."""

    why: Why


class CareCreditShown(BaseModel):
    """A use of CareCredit. Without a charge it pays the package that was bought under its id."""

    tender_id: UUID
    charge_id: UUID | None
    patient_id: UUID
    amount_cents: int
    promo_months: int | None
    account_last4: str | None
    channel: Channel
    state: CareCreditState
    fee_cents: int | None
    rejection: str | None
    begun_at: datetime
    changed_at: datetime


async def send_link(
    charge_id: UUID, wish: SendLink, by: str, tx: Transaction
) -> CareCreditShown | Refused:
    """Note that a link was sent. Nothing is paid by that."""
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    if broken := paying.broken_by_adjustment(charge.owed, wish.amount_cents):
        return Refused.by_rules(broken)
    return _begin(
        tx,
        tender_id=new_id(),
        charge_id=charge_id,
        patient_id=charge.patient_id,
        amount_cents=wish.amount_cents,
        detail=CareCreditDetail(promo_months=wish.promo_months, channel=Channel.LINK),
        state=CareCreditState.LINK_SENT,
        by=by,
    )


def _begin(
    tx: Transaction,
    *,
    tender_id: UUID,
    charge_id: UUID | None,
    patient_id: UUID,
    amount_cents: int,
    detail: CareCreditDetail,
    state: CareCreditState,
    by: str,
) -> CareCreditShown:
    shown = CareCreditShown(
        tender_id=tender_id,
        charge_id=charge_id,
        patient_id=patient_id,
        amount_cents=amount_cents,
        promo_months=detail.promo_months,
        account_last4=detail.account_last4,
        channel=detail.channel,
        state=state,
        fee_cents=None,
        rejection=None,
        begun_at=tx.now,
        changed_at=tx.now,
    )
    row = shown.model_dump() | {"channel": detail.channel.value, "state": state.value}
    tx.insert(CareCreditTender, **row, changed_by=by)
    return shown


async def check_report(
    tx: Transaction, charge_id: UUID, detail: CareCreditDetail, amount_cents: int
) -> Refused | None:
    """What forbids to report a payment by a link that was sent."""
    if detail.tender_id is None:
        return None
    sent = await store.find(tx, detail.tender_id)
    if sent is None or (sent.charge_id, sent.amount_cents) != (charge_id, amount_cents):
        return Refused.because(
            "another_link",
            "No link was sent for this charge and amount under this id. Check it, or leave it out.",
            field="care_credit.tender_id",
            source="the links that were noted: GET /care-credit",
        )
    broken = rules.broken_by_step(CareCreditState(sent.state), CareCreditState.REPORTED)
    return Refused.by_rules(broken) if broken else None


async def report(
    tx: Transaction,
    *,
    payment_id: UUID,
    charge_id: UUID,
    patient_id: UUID,
    amount_cents: int,
    detail: CareCreditDetail,
    by: str,
) -> None:
    """A payment is recorded: by the link that was sent, or without one."""
    if detail.tender_id is not None:
        await store.report(
            tx,
            detail.tender_id,
            promo_months=detail.promo_months,
            account_last4=detail.account_last4,
            by=by,
        )
        return
    _begin(
        tx,
        tender_id=payment_id,
        charge_id=charge_id,
        patient_id=patient_id,
        amount_cents=amount_cents,
        detail=detail,
        state=CareCreditState.REPORTED,
        by=by,
    )


def report_for_package(
    tx: Transaction,
    *,
    purchase_id: UUID,
    patient_id: UUID,
    amount_cents: int,
    detail: CareCreditDetail,
    by: str,
) -> None:
    """A package was paid with CareCredit. It counts as paid once the money is there."""
    _begin(
        tx,
        tender_id=purchase_id,
        charge_id=None,
        patient_id=patient_id,
        amount_cents=amount_cents,
        detail=detail,
        state=CareCreditState.REPORTED,
        by=by,
    )


async def confirm(tender_id: UUID, by: str, tx: Transaction) -> CareCreditShown | Refused:
    """CareCredit's notice names the payment."""
    found = await _lock(tender_id, CareCreditState.CONFIRMED, tx)
    if isinstance(found, Refused):
        return found
    await store.step(tx, tender_id, CareCreditState.CONFIRMED, by=by)
    return await _shown(tender_id, tx)


async def fund(
    tender_id: UUID, wish: Funded, by: str, tx: Transaction
) -> CareCreditShown | Refused:
    """The money is in the bank, less the fee."""
    found = await _lock(tender_id, CareCreditState.FUNDED, tx)
    if isinstance(found, Refused):
        return found
    if broken := rules.broken_by_fee(found.amount_cents, wish.fee_cents):
        return Refused.by_rules(broken)
    await store.step(tx, tender_id, CareCreditState.FUNDED, by=by, fee_cents=wish.fee_cents)
    if found.charge_id is None:
        await packages.settle_funded(tender_id, tx)
    post(tx, ledger.care_credit_funded(tender_id, found.amount_cents, wish.fee_cents, tx.now))
    return await _shown(tender_id, tx)


async def reject(
    tender_id: UUID, wish: Rejected, by: str, tx: Transaction
) -> CareCreditShown | Refused:
    """The money never comes: what was counted as paid is owed again."""
    found = await _lock(tender_id, CareCreditState.REJECTED, tx)
    if isinstance(found, Refused):
        return found
    if broken := rules.broken_by_rejection(found.refunded_cents):
        return Refused.by_rules(broken)
    await store.step(tx, tender_id, CareCreditState.REJECTED, by=by, rejection=wish.why)
    if found.charge_id is None:
        await packages.decline(tender_id, NotFunded.CARE_CREDIT_REJECTED, tx)
    elif await store.reject_payment(tx, tender_id):
        await _owe_again(found, tx)
    return await _shown(tender_id, tx)


async def _owe_again(found: Any, tx: Transaction) -> None:
    charge = await charges.lock_charge(tx, found.charge_id)
    assert charge is not None, "its row is ours"
    standing = charge.owed.standing.with_paid(-found.amount_cents)
    await charges.set_standing(tx, found.charge_id, standing)
    await reverse(tx, ledger.Reason.OUTSIDE_PAYMENT, str(found.tender_id))
    issuing.reissue(found.charge_id, CorrectionReason.PAYMENT, tx)
    tx.publish(
        OutsidePaymentRejected(
            patient_id=found.patient_id,
            payment_id=found.tender_id,
            charge_id=found.charge_id,
            tender=TenderKind.CARE_CREDIT,
            amount_cents=found.amount_cents,
            owed_cents=standing.owed_cents,
            rejected_at=tx.now,
        )
    )
    await waiting.pays(found.charge_id, tx)


async def _lock(tender_id: UUID, to: CareCreditState, tx: Transaction) -> Any | Refused:
    """Lock the charge, or the package, first, then look."""
    charge_id = await store.charge_of(tx, tender_id)
    if charge_id is not None:
        await charges.lock(tx, charge_id)
    else:
        await bought.lock(tx, tender_id)
    found = await store.find(tx, tender_id)
    if found is None:
        return Refused.not_found("CareCredit payment")
    broken = rules.broken_by_step(CareCreditState(found.state), to)
    return Refused.by_rules(broken) if broken else found


async def _shown(tender_id: UUID, tx: Transaction) -> CareCreditShown:
    return CareCreditShown.model_validate(await store.find(tx, tender_id), from_attributes=True)


async def list_waiting(asked: Paging, tx: Transaction) -> Page[CareCreditShown] | Refused:
    """What is neither funded nor rejected, what has waited longest first."""
    return await page(
        tx,
        store.waiting(),
        by=store.BY_BEGINNING,
        asked=asked,
        item=lambda row: CareCreditShown.model_validate(row, from_attributes=True),
    )
