"""A charge that does not pass its gates is held: listed with what it waits for, and not posted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.billing.rules.charges import gates as rules
from services.billing.rules.charges.coverage import CLINICIAN_ASKED_FOR
from services.billing.rules.charges.gates import Gate, HeldState
from services.billing.rules.charges.pricing import Service
from services.billing.tables import HeldCharge
from services.billing.work import AskWhoGave, LookAgain, look_again_key
from shared.events.billing import ChargeHeld
from shared.messaging import Transaction
from shared.refusals import Broken


def hold_charge(
    tx: Transaction,
    service: Service,
    gate: Gate,
    amount_cents: int,
    broken: Sequence[Broken],
) -> None:
    """List a service instead of charging it, and have what can be looked up looked up."""
    tx.insert(
        HeldCharge,
        infusion_id=service.service_id,
        service=service.kind.value,
        patient_id=service.patient_id,
        appointment_id=service.appointment_id,
        series_id=gate.series_id,
        visit_type=service.code,
        started_at=service.started_at,
        amount_cents=amount_cents,
        waits_for=[one.rule for one in broken],
        state=HeldState.HELD.value,
        held_at=tx.now,
    )
    if CLINICIAN_ASKED_FOR in broken:
        ask_who_gave(tx, service)
    if rules.waits_for_people(broken):
        say_held(tx, service, amount_cents, broken)


def ask_who_gave(tx: Transaction, service: Service) -> None:
    """Whether a Medicare beneficiary may be charged depends on the clinician."""
    tx.do(
        AskWhoGave(infusion_id=service.service_id, service=service.kind),
        key=f"who-gave:{service.service_id}",
    )


def say_held(
    tx: Transaction, service: Service, amount_cents: int, broken: Sequence[Broken]
) -> None:
    tx.publish(
        ChargeHeld(
            patient_id=service.patient_id,
            infusion_id=service.service_id,
            service=service.kind,
            amount_cents=amount_cents,
            reasons=rules.told_as(broken),
            held_at=tx.now,
        )
    )


def have_looked_at(tx: Transaction, infusions: Iterable[UUID]) -> None:
    """Have held charges looked at again, each in a transaction of its own."""
    for infusion_id in infusions:
        tx.do(LookAgain(infusion_id=infusion_id), key=look_again_key(infusion_id))
