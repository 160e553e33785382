"""Charges: posted when an infusion completes, once."""

from __future__ import annotations

from typing import assert_never

from services.billing.handlers import attempts
from services.billing.rules import pricing
from services.billing.rules.payments import ChargeState
from services.billing.rules.pricing import FirstStep, NoCharge, OnFile, Priced
from services.billing.tables import Charge
from shared.events.billing import ChargePosted, InfusionNotCharged
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id
from shared.messaging import Transaction


async def charge_for_infusion(event: InfusionCompleted, tx: Transaction, on_file: OnFile) -> None:
    """Post one charge for a completed infusion, at the fee in force when it started."""
    match pricing.price_infusion(on_file):
        case Priced() as priced:
            post_charge(event, priced, tx)
        case NoCharge.NO_FEE_IN_FORCE:
            tx.publish(
                InfusionNotCharged(
                    patient_id=event.patient_id,
                    infusion_id=event.infusion_id,
                    reason="no_fee_in_force",
                    noticed_at=tx.now,
                )
            )
        case NoCharge.ALREADY_CHARGED:
            pass


def post_charge(event: InfusionCompleted, priced: Priced, tx: Transaction) -> None:
    """Write the charge and take the first step towards its payment."""
    charge_id = new_id()
    declined = priced.first_step is FirstStep.DECLINE_FOR_WANT_OF_CARD
    tx.insert(
        Charge,
        charge_id=charge_id,
        patient_id=event.patient_id,
        infusion_id=event.infusion_id,
        appointment_id=event.appointment_id,
        fee_id=priced.fee_id,
        amount_cents=priced.amount_cents,
        tender=priced.tender.value,
        state=(ChargeState.DECLINED if declined else ChargeState.OPEN).value,
        posted_at=tx.now,
    )
    tx.publish(
        ChargePosted(
            patient_id=event.patient_id,
            charge_id=charge_id,
            infusion_id=event.infusion_id,
            amount_cents=priced.amount_cents,
            posted_at=tx.now,
        )
    )
    match priced.first_step:
        case FirstStep.CHARGE_CARD:
            assert priced.card_id is not None
            attempts.start(tx, charge_id=charge_id, card_id=priced.card_id)
        case FirstStep.DECLINE_FOR_WANT_OF_CARD:
            attempts.decline_for_want_of_card(tx, charge_id=charge_id, patient_id=event.patient_id)
        case FirstStep.WAIT_FOR_OUTSIDE_PAYMENT:
            pass
        case step:
            assert_never(step)
