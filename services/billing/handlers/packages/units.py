"""A unit of a package pays its visit as soon as that is charged."""

from __future__ import annotations

from uuid import UUID

from services.billing.handlers.superbills import issuing
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import OfCharge
from services.billing.rules.charges.pricing import Service
from services.billing.rules.packages.units import Unit
from services.billing.store import package_units as store
from services.billing.store.ledger import post
from services.billing.store.payments import Received, receive
from shared.events.billing import OutsidePaymentRecorded, TenderKind
from shared.ids import new_id
from shared.messaging import Transaction


def pay(tx: Transaction, service: Service, charge_id: UUID, unit: Unit) -> None:
    """What was paid ahead is earned. The charge is posted as paid, at the unit's price."""
    payment_id, of = new_id(), OfCharge(service.patient_id, charge_id)
    receive(
        tx,
        Received(
            payment_id=payment_id,
            patient_id=service.patient_id,
            charge_id=charge_id,
            tender=TenderKind.PREPAID,
            reference=str(payment_id),
            amount_cents=unit.value_cents,
        ),
    )
    store.use(tx, unit, payment_id=payment_id, charge_id=charge_id)
    post(tx, ledger.prepaid_used(of, payment_id, unit.value_cents, tx.now))
    tx.publish(
        OutsidePaymentRecorded(
            patient_id=service.patient_id,
            payment_id=payment_id,
            charge_id=charge_id,
            infusion_id=service.service_id,
            service=service.kind,
            tender=TenderKind.PREPAID,
            amount_cents=unit.value_cents,
            owed_cents=0,
            recorded_at=tx.now,
        )
    )
    issuing.ask(charge_id, tx)
