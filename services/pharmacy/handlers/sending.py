"""From a signature to one order at the partner pharmacy.

The pharmacy has no idempotency. So an order is looked for before every send, and what the
pharmacy lists after it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.pharmacy.gateways.partner import PartnerPharmacy
from services.pharmacy.gateways.vendor import Refusal
from services.pharmacy.handlers.giving_back import refuse
from services.pharmacy.rules.prescription import displayed, order_form, sha256_of
from services.pharmacy.rules.states import State
from services.pharmacy.store import prescriptions, signings
from services.pharmacy.values import Order, Violation
from services.pharmacy.work import OrderRefused, OrdersFound, SendOrder
from shared.errors import Poison
from shared.messaging.transaction import Transaction

GIVEN_UP = Violation(
    rule="order_given_up",
    detail="Sending it was given up by hand. Ask the pharmacy whether an order has arrived there"
    " all the same, and the prescriber for what takes its place.",
)


@dataclass(frozen=True, slots=True)
class ToSend:
    prescription_id: UUID
    form: dict[str, Any]


async def load_order(tx: Transaction, work: SendOrder) -> ToSend | None:
    """The order of a prescription that is signed and not sent; exactly what was signed.

    Raises `Poison` when the content is no longer what the prescriber saw.
    """
    prescription = await prescriptions.find_prescription(tx, work.prescription_id)
    signing = await signings.signing_that_counts(tx, work.prescription_id)
    if prescription is None or signing is None or prescription.state != State.SIGNED:
        return None
    content = prescriptions.open_content(tx, prescription)
    if sha256_of(displayed(content, signing.issue_date)) != signing.sha256:
        raise Poison("changed_since_signing")
    evidence = signings.evidence_of(signing)
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


async def refuse_unsent(work: SendOrder, tx: Transaction) -> None:
    """A person gave the sending up: nothing will send it any more."""
    prescription = await prescriptions.lock_prescription(tx, work.prescription_id)
    if prescription is not None and prescription.state == State.SIGNED:
        await refuse(prescription, "order_given_up", [GIVEN_UP], tx)


async def record_order_refusal(refused: OrderRefused, tx: Transaction) -> None:
    """The pharmacy will not take this order: a person has to look."""
    prescription = await prescriptions.lock_prescription(tx, refused.prescription_id)
    if prescription is not None and prescription.state == State.SIGNED:
        await refuse(prescription, refused.code, refused.violations, tx)
