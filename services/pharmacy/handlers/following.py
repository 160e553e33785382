"""From an order to a delivered spray: read whenever something is heard, and when nothing is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from services.pharmacy.gateways.partner import PartnerPharmacy
from services.pharmacy.handlers import keys
from services.pharmacy.handlers.giving_back import refuse
from services.pharmacy.handlers.twins import take_back
from services.pharmacy.rules import orders as rules
from services.pharmacy.rules.states import AT_PHARMACY, UNDER_WAY, State
from services.pharmacy.store import prescriptions
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Order, Violation
from services.pharmacy.work import AskOrders, OrdersFound
from shared.events.base import Event
from shared.events.pharmacy import (
    PrescriptionAccepted,
    PrescriptionDelivered,
    PrescriptionSent,
    PrescriptionShipped,
)
from shared.http.webhooks import Notice
from shared.messaging.transaction import Transaction

log = structlog.get_logger(__name__)

NO_REASON = "The pharmacy gave no reason. Call it, and tell the prescriber what it says."


async def load_asking(tx: Transaction, work: AskOrders) -> AskOrders | None:
    prescription = await prescriptions.find_prescription(tx, work.prescription_id)
    return work if prescription is not None and prescription.state in UNDER_WAY else None


async def ask_orders(work: AskOrders, pharmacy: PartnerPharmacy) -> OrdersFound:
    """See what has become of the order. A read, so safe to repeat."""
    orders = await pharmacy.find(work.prescription_id)
    return OrdersFound(prescription_id=work.prescription_id, orders=orders)


async def ask_on(work: AskOrders, tx: Transaction) -> None:
    """A person gave one question up; what is under way is still followed."""
    prescription = await prescriptions.lock_prescription(tx, work.prescription_id)
    if prescription is not None and prescription.state in AT_PHARMACY:
        _ask_again(prescription, tx)


async def hear_pharmacy(notice: Notice, tx: Transaction) -> None:
    """Something happened to an order: go and see."""
    try:
        prescription_id = UUID(notice.object_id)
    except ValueError:
        log.info("notice_about_nothing_of_ours", vendor="pharmacy")
        return
    tx.do(AskOrders(prescription_id=prescription_id), key=keys.orders_told(prescription_id))


async def record_orders(found: OrdersFound, tx: Transaction) -> None:
    """Store what has become of the order, and see that it stays the only one."""
    prescription = await prescriptions.lock_prescription(tx, found.prescription_id)
    if prescription is None or prescription.state not in UNDER_WAY:
        return
    one = rules.one_order(found.orders)
    if one is None:
        _expect_an_order(prescription, tx)
        return
    for twin in one.twins:
        await take_back(prescription, twin, tx)
    if prescription.state == State.SIGNED:
        await _sent(prescription, one.kept, tx)
    await _follow(prescription, one.kept, tx)
    reason = rules.refusal(State(prescription.state), one.kept)
    if reason is not None:
        said = Violation(rule=reason, detail=one.kept.reason or NO_REASON)
        await refuse(prescription, reason, [said], tx)
    elif prescription.state in AT_PHARMACY:
        _ask_again(prescription, tx)
    else:
        tx.cancel(keys.ask_orders(prescription.prescription_id))


async def _sent(prescription: Prescription, order: Order, tx: Transaction) -> None:
    await prescriptions.move(tx, prescription, State.SENT, order_id=order.order_id)
    tx.cancel(keys.send(prescription.prescription_id))
    tx.publish(
        PrescriptionSent(
            patient_id=prescription.patient_id,
            prescription_id=prescription.prescription_id,
            sent_at=tx.now,
        )
    )


async def _follow(prescription: Prescription, order: Order, tx: Transaction) -> None:
    """Say what the order has reached since we last looked, each step once and in order."""
    known_at = prescription.pharmacy_status_at
    if known_at is None or known_at <= order.status_at or prescription.order_id != order.order_id:
        await prescriptions.mark(
            tx,
            prescription,
            order_id=order.order_id,
            pharmacy_status=order.status,
            pharmacy_status_at=order.status_at,
        )
    for milestone, at in rules.news(State(prescription.state), order):
        await prescriptions.move(tx, prescription, milestone, at=at)
        tx.publish(_milestone_event(prescription, milestone, at))


def _milestone_event(prescription: Prescription, milestone: State, at: datetime) -> Event:
    patient_id, prescription_id = prescription.patient_id, prescription.prescription_id
    if milestone is State.ACCEPTED:
        return PrescriptionAccepted(
            patient_id=patient_id, prescription_id=prescription_id, accepted_at=at
        )
    if milestone is State.SHIPPED:
        return PrescriptionShipped(
            patient_id=patient_id, prescription_id=prescription_id, shipped_at=at
        )
    return PrescriptionDelivered(
        patient_id=patient_id, prescription_id=prescription_id, delivered_at=at
    )


def _expect_an_order(prescription: Prescription, tx: Transaction) -> None:
    """The pharmacy has none: not sent yet, or it has lost what it took."""
    if prescription.state in AT_PHARMACY:
        log.error("order_gone", prescription_id=prescription.prescription_id)
        _ask_again(prescription, tx)


def _ask_again(prescription: Prescription, tx: Transaction) -> None:
    tx.do(
        AskOrders(prescription_id=prescription.prescription_id),
        due=rules.ask_again_at(State(prescription.state), tx.now),
        key=keys.ask_orders(prescription.prescription_id),
    )
