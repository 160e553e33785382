"""How near a treatment is to the patient's other visits that give the same drug."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.handlers.series.given_before import given_before
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.earlier import Earlier
from services.scheduling.rules.visits import treatments as rules
from services.scheduling.store import overrides as kept
from services.scheduling.tables import Appointment
from shared.messaging import Transaction
from shared.refusals import Broken


async def given_beside(
    tx: Transaction,
    policy: Policy,
    slot: Slot,
    zone: ZoneInfo,
    besides: UUID | None = None,
    *,
    to_come: bool = True,
) -> list[Earlier]:
    """The patient's other visits that give the same drug; of no drug there is none."""
    drug = policy.figures_on(slot.starts_at.astimezone(zone).date()).drug
    if drug is None:
        return []
    return await given_before(
        tx, slot.patient_id, slot.starts_at, drug=drug, besides=besides, to_come=to_come
    )


async def broken_by_gap(
    tx: Transaction,
    visit: Appointment,
    slot: Slot,
    policy: Policy,
    zone: ZoneInfo,
    *,
    to_come: bool,
) -> list[Broken]:
    """Whether a treatment that is on record would be too near to another visit in this slot."""
    figures = policy.figures_on(slot.starts_at.astimezone(zone).date())
    given = await given_beside(tx, policy, slot, zone, visit.appointment_id, to_come=to_come)
    signed = await kept.signed_gap_of(tx, visit.appointment_id)
    return rules.broken_by_gap(figures, signed, given, slot.starts_at, zone)


async def broken_by_new(
    tx: Transaction, policy: Policy, slot: Slot, zone: ZoneInfo
) -> list[Broken]:
    """Whether a treatment that is to be booked would be, where no prescriber says it may."""
    figures = policy.figures_on(slot.starts_at.astimezone(zone).date())
    given = await given_beside(tx, policy, slot, zone)
    return rules.broken_by_gap(figures, None, given, slot.starts_at, zone)
