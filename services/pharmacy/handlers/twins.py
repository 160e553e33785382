"""Orders that repeat another one are taken back, until exactly one is left."""

from __future__ import annotations

import structlog

from services.pharmacy.gateways.partner import PartnerPharmacy
from services.pharmacy.handlers import keys
from services.pharmacy.rules.orders import lives
from services.pharmacy.store import prescriptions, twins
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Order
from services.pharmacy.work import AskOrders, CancelTwin, TwinCancelled
from shared.errors import Poison
from shared.messaging.transaction import Transaction

log = structlog.get_logger(__name__)


async def take_back(prescription: Prescription, twin: Order, tx: Transaction) -> None:
    """Begin once: what cannot be taken back is parked, and stays one thing for a person to do."""
    if not await twins.note_twin(tx, twin.order_id, prescription.prescription_id):
        return
    log.error(
        "order_has_a_twin",
        prescription_id=prescription.prescription_id,
        order_id=twin.order_id,
    )
    tx.do(
        CancelTwin(prescription_id=prescription.prescription_id, order_id=twin.order_id),
        key=keys.twin(twin.order_id),
    )


async def load_twin(tx: Transaction, work: CancelTwin) -> CancelTwin | None:
    """A twin, unless it is the order that counts by now."""
    prescription = await prescriptions.find_prescription(tx, work.prescription_id)
    if prescription is None or prescription.order_id in {None, work.order_id}:
        return None
    return work


async def cancel_twin(work: CancelTwin, pharmacy: PartnerPharmacy) -> TwinCancelled:
    """Take back an order that repeats another; one that cannot be is parked for a person.

    Safe to repeat: what an earlier try has cancelled is denied, and no longer lives.
    """
    if not await pharmacy.cancel(work.order_id):
        orders = await pharmacy.find(work.prescription_id)
        if any(order.order_id == work.order_id and lives(order) for order in orders):
            raise Poison("twin_not_cancelled")
    return TwinCancelled(prescription_id=work.prescription_id)


async def look_for_more_twins(cancelled: TwinCancelled, tx: Transaction) -> None:
    """See that exactly one order is left."""
    tx.do(
        AskOrders(prescription_id=cancelled.prescription_id),
        key=keys.orders_told(cancelled.prescription_id),
    )
