"""From a signature to a delivered spray: one order at the partner pharmacy, followed to its end.

The pharmacy has no idempotency. So an order is looked for before every send, all orders under the
reference are read after it and whenever something is heard, and the later ones are cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.pharmacy import store
from services.pharmacy.gateways import PartnerPharmacy, Refusal
from services.pharmacy.handlers import keys
from services.pharmacy.handlers.refusing import refuse
from services.pharmacy.rules import orders as rules
from services.pharmacy.rules.prescription import displayed, order_form, sha256_of
from services.pharmacy.rules.states import AT_PHARMACY, State
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Order, Violation
from services.pharmacy.work import (
    AskOrders,
    CancelTwin,
    OrderRefused,
    OrdersFound,
    SendOrder,
    TwinCancelled,
)
from shared.errors import Poison
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

_ASKED_ABOUT = AT_PHARMACY | {State.SIGNED}


@dataclass(frozen=True, slots=True)
class ToSend:
    prescription_id: UUID
    form: dict[str, Any]


async def load_order(tx: Transaction, work: SendOrder) -> ToSend | None:
    """The order of a prescription that is signed and not sent; exactly what was signed.

    Raises `Poison` when the content is no longer what the prescriber saw.
    """
    prescription = await store.find_prescription(tx, work.prescription_id)
    signing = await store.signing_that_counts(tx, work.prescription_id)
    if prescription is None or signing is None or prescription.state != State.SIGNED:
        return None
    content = store.open_content(tx, prescription)
    if sha256_of(displayed(content, signing.issue_date)) != signing.sha256:
        raise Poison("changed_since_signing")
    evidence = store.evidence_of(signing)
    return ToSend(
        work.prescription_id,
        order_form(work.prescription_id, content, signing.issue_date, evidence),
    )


async def send_order(order: ToSend, pharmacy: PartnerPharmacy) -> OrdersFound | OrderRefused:
    """Place the order unless the pharmacy has it. After a lost answer the look-up finds it.

    What the pharmacy lists afterwards counts more than its answer: a refusal may be about an
    earlier try that has arrived meanwhile.
    """
    prescription_id = order.prescription_id
    orders = await pharmacy.find(prescription_id)
    if orders:
        return OrdersFound(prescription_id=prescription_id, orders=orders)
    placed = await pharmacy.place(order.form)
    orders = await pharmacy.find(prescription_id)
    if not orders and isinstance(placed, Refusal):
        return OrderRefused(
            prescription_id=prescription_id, code=placed.code, violations=placed.violations
        )
    if not orders and isinstance(placed, Order):
        orders = (placed,)
    return OrdersFound(prescription_id=prescription_id, orders=orders)


async def load_asking(tx: Transaction, work: AskOrders) -> AskOrders | None:
    prescription = await store.find_prescription(tx, work.prescription_id)
    return work if prescription is not None and prescription.state in _ASKED_ABOUT else None


async def ask_orders(work: AskOrders, pharmacy: PartnerPharmacy) -> OrdersFound:
    """See what has become of the order. A read, so safe to repeat."""
    orders = await pharmacy.find(work.prescription_id)
    return OrdersFound(prescription_id=work.prescription_id, orders=orders)


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
    prescription = await store.lock_prescription(tx, found.prescription_id)
    if prescription is None or prescription.state not in _ASKED_ABOUT:
        return
    one = rules.one_order(found.orders)
    if one is None:
        _expect_an_order(prescription, tx)
        return
    for twin in one.twins:
        log.error(
            "order_has_a_twin",
            prescription_id=prescription.prescription_id,
            order_id=twin.order_id,
        )
        tx.do(
            CancelTwin(prescription_id=prescription.prescription_id, order_id=twin.order_id),
            key=keys.twin(twin.order_id),
        )
    if prescription.state == State.SIGNED:
        await _sent(prescription, one.kept, tx)
    await _follow(prescription, one.kept, tx)
    reason = rules.refusal(State(prescription.state), one.kept)
    if reason is not None:
        said = [Violation(field="", detail=one.kept.reason)] if one.kept.reason else []
        await refuse(prescription, reason, tx, violations=said)
    elif prescription.state in AT_PHARMACY:
        _ask_again(prescription, tx)
    else:
        tx.cancel(keys.ask_orders(prescription.prescription_id))


async def record_order_refusal(refused: OrderRefused, tx: Transaction) -> None:
    """The pharmacy will not take this order: a person has to look."""
    prescription = await store.lock_prescription(tx, refused.prescription_id)
    if prescription is not None and prescription.state == State.SIGNED:
        await refuse(prescription, refused.code, tx, violations=refused.violations)


async def load_twin(tx: Transaction, work: CancelTwin) -> CancelTwin | None:
    """A twin, unless it is the order that counts by now."""
    prescription = await store.find_prescription(tx, work.prescription_id)
    if prescription is None or prescription.order_id in {None, work.order_id}:
        return None
    return work


async def cancel_twin(work: CancelTwin, pharmacy: PartnerPharmacy) -> TwinCancelled:
    """Take back an order that repeats another; one that cannot be is parked for a person."""
    if not await pharmacy.cancel(work.order_id):
        raise Poison("twin_not_cancelled")
    return TwinCancelled(prescription_id=work.prescription_id)


async def look_for_more_twins(cancelled: TwinCancelled, tx: Transaction) -> None:
    """See that exactly one order is left."""
    tx.do(
        AskOrders(prescription_id=cancelled.prescription_id),
        key=keys.orders_told(cancelled.prescription_id),
    )


async def _sent(prescription: Prescription, order: Order, tx: Transaction) -> None:
    await store.move(tx, prescription, State.SENT, order_id=order.order_id)
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
        await store.mark(
            tx,
            prescription,
            order_id=order.order_id,
            pharmacy_status=order.status,
            pharmacy_status_at=order.status_at,
        )
    for milestone, at in rules.news(State(prescription.state), order):
        await store.move(tx, prescription, milestone, at=at)
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
