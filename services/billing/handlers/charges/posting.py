"""Charges: posted once for an infusion or a session, or held where something is in the way."""

from __future__ import annotations

from typing import assert_never

from services.billing.handlers.charges import attempts
from services.billing.handlers.charges.gates import hold_charge
from services.billing.handlers.collecting import steps
from services.billing.handlers.packages import units
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.charges import pricing
from services.billing.rules.charges.gates import Gate, in_the_way
from services.billing.rules.charges.pricing import FirstStep, NoCharge, OnFile, Priced, Service
from services.billing.rules.charges.standing import ChargeState, Standing
from services.billing.store import fees, visits
from services.billing.store.ledger import post
from services.billing.tables import Charge, UnchargedInfusion
from services.billing.work import ChargeLate
from shared.events.billing import ChargePosted, DeclineReason, InfusionNotCharged
from shared.events.scheduling import ConsultCompleted, InfusionCompleted
from shared.ids import new_id
from shared.messaging import Transaction

_UNASKED = {
    FirstStep.DECLINE_FOR_WANT_OF_CARD: DeclineReason.NO_CARD_ON_FILE,
    FirstStep.DECLINE_FOR_WANT_OF_MANDATE: DeclineReason.NO_MANDATE,
}
"""Declined without asking a bank, and why."""

LATE_AT_ONCE = 200
"""Services that one transaction charges after their fee was recorded; the rest follow."""


async def charge_for_infusion(event: InfusionCompleted, tx: Transaction, on_file: OnFile) -> None:
    """Post one charge for a completed infusion, at the fee in force when it started.

    Without one it waits: the fee that covers its day charges it when it is recorded. What would be
    too far above its estimate, or is for somebody else to pay, is held.
    """
    _charge(pricing.of_infusion(event), on_file, tx)


async def charge_for_session(event: ConsultCompleted, tx: Transaction, on_file: OnFile) -> None:
    """Post one charge for a session that took place, as for an infusion."""
    _charge(pricing.of_session(event), on_file, tx)


def _charge(service: Service, on_file: OnFile, tx: Transaction) -> None:
    match pricing.price(on_file):
        case Priced() as priced:
            _post_or_hold(service, priced, on_file.gate, tx)
        case NoCharge.NO_FEE_IN_FORCE:
            _have_wait(service, tx)
        case (
            NoCharge.WAITS_FOR_FEE
            | NoCharge.ALREADY_CHARGED
            | NoCharge.ALREADY_HELD
            | NoCharge.COSTS_NOTHING
        ):
            pass


def _have_wait(service: Service, tx: Transaction) -> None:
    tx.insert(
        UnchargedInfusion,
        infusion_id=service.service_id,
        service=service.kind.value,
        patient_id=service.patient_id,
        appointment_id=service.appointment_id,
        visit_type=service.code,
        started_at=service.started_at,
        noticed_at=tx.now,
    )
    tx.publish(
        InfusionNotCharged(
            patient_id=service.patient_id,
            infusion_id=service.service_id,
            service=service.kind,
            reason="no_fee_in_force",
            noticed_at=tx.now,
        )
    )


async def charge_late(work: ChargeLate, tx: Transaction) -> None:
    """Charge what waited for a fee of its day and has one now."""
    services = await fees.take_covered(tx, work.visit_type, LATE_AT_ONCE)
    if not services:
        return
    for service, on_file in zip(services, await visits.read_on_file(tx, services), strict=True):
        priced = pricing.price(on_file)
        assert priced is not NoCharge.WAITS_FOR_FEE, "only what is covered was taken"
        if isinstance(priced, Priced):
            _post_or_hold(service, priced, on_file.gate, tx)
        await fees.forget(tx, service.service_id)
    leave_late(tx, work.visit_type)


def leave_late(tx: Transaction, visit_type: str) -> None:
    """Have charged what waited for a fee of this visit type."""
    tx.do(ChargeLate(visit_type=visit_type), key=f"late:{visit_type}")


def _post_or_hold(service: Service, priced: Priced, gate: Gate, tx: Transaction) -> None:
    if broken := in_the_way(gate, priced.amount_cents):
        hold_charge(tx, service, gate, priced.amount_cents, broken)
    else:
        post_charge(service, priced, tx)


def post_charge(service: Service, priced: Priced, tx: Transaction) -> None:
    """Write the charge, post what is owed, and take the first step towards its payment."""
    charge_id = new_id()
    standing = Standing(
        priced.amount_cents,
        paid_cents=priced.amount_cents if priced.first_step is FirstStep.USE_UNIT else 0,
    )
    state = standing.state(declined=priced.first_step in _UNASKED)
    tx.insert(
        Charge,
        charge_id=charge_id,
        patient_id=service.patient_id,
        service=service.kind.value,
        infusion_id=service.service_id,
        appointment_id=service.appointment_id,
        fee_id=priced.fee_id,
        amount_cents=priced.amount_cents,
        tender=priced.tender.value,
        paid_cents=standing.paid_cents,
        state=state.value,
        posted_at=tx.now,
        paid_at=tx.now if state is ChargeState.PAID else None,
    )
    post(
        tx,
        ledger.charge_posted(
            OfCharge(service.patient_id, charge_id),
            priced.amount_cents,
            service.kind,
            service.started_at,
        ),
    )
    tx.publish(
        ChargePosted(
            patient_id=service.patient_id,
            charge_id=charge_id,
            infusion_id=service.service_id,
            service=service.kind,
            amount_cents=priced.amount_cents,
            posted_at=tx.now,
        )
    )
    match priced.first_step:
        case FirstStep.CHARGE_CARD:
            assert priced.card_id is not None
            attempts.start(
                tx, charge_id=charge_id, card_id=priced.card_id, amount_cents=priced.amount_cents
            )
        case FirstStep.DECLINE_FOR_WANT_OF_CARD | FirstStep.DECLINE_FOR_WANT_OF_MANDATE as step:
            attempts.decline_unasked(
                tx,
                charge_id=charge_id,
                patient_id=service.patient_id,
                amount_cents=priced.amount_cents,
                reason=_UNASKED[step],
            )
        case FirstStep.WAIT_FOR_HOLD:
            steps.begin_under_hold(tx, charge_id)
        case FirstStep.WAIT_FOR_OUTSIDE_PAYMENT:
            pass
        case FirstStep.USE_UNIT:
            assert priced.unit is not None
            units.pay(tx, service, charge_id, priced.unit)
        case step:
            assert_never(step)
