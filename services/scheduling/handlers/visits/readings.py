"""Vitals of a visit: taken, judged by the limits of its day, and signed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.visits import (
    ReadingAnswer,
    RecordVitals,
    SignVitalsOverride,
    VitalsOverrideAnswer,
)
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.handlers.visits.charts_shown import show_override, show_reading
from services.scheduling.handlers.visits.monitoring import expect_entry
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import readings as rules
from services.scheduling.rules.visits.life import AFTER, HERE, Step, VisitState, broken_by_step
from services.scheduling.rules.visits.readings import Limit, Measure, Phase, Vitals
from services.scheduling.store import HeldVisit
from services.scheduling.store import charts as kept
from services.scheduling.tables.visits import Reading
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Judged:
    """The newest reading of a phase, as it is stored and as a gate sees it."""

    reading: Reading
    vitals: Vitals


async def take_vitals(
    appointment_id: UUID, wish: RecordVitals, by: Actor, tx: Transaction
) -> ReadingAnswer | Refused:
    """Enter vitals in the chart. The first after the drip begins the recovery."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    visit, state = held.visit, held.state
    broken = [
        *broken_by_step(Step.TAKE_VITALS, state),
        *rules.broken_by_values(wish.systolic_mmhg, wish.diastolic_mmhg),
    ]
    if broken:
        return Refused.by_rules(broken, "The vitals are not recorded")
    phase = _phase(state)
    reading = kept.add_reading(tx, appointment_id, phase, by.subject, wish.model_dump())
    if phase is not Phase.BEFORE:
        state = VisitState.RECOVERING if state is VisitState.COMPLETED else state
        await store.change_visit(tx, visit, state=state, late_since=None)
        if visit.no_drive_until is None and visit.vitals_asked:
            await expect_entry(tx, appointment_id)
    limits = await limits_of(tx, held)
    return show_reading(tx, visit, reading, limits, overridden=False)


def _phase(state: VisitState) -> Phase:
    if state in HERE:
        return Phase.BEFORE
    return Phase.AFTER if state in AFTER else Phase.DURING


async def sign_override(
    appointment_id: UUID, wish: SignVitalsOverride, by: Actor, tx: Transaction
) -> VitalsOverrideAnswer | Refused:
    """A prescriber lets the newest reading pass, though it is past a soft limit."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    state = held.state
    broken = broken_by_step(Step.OVERRIDE, state)
    judged = None if broken else await newest_reading(tx, held, _phase(state))
    if not broken:
        broken = rules.broken_by_override(None if judged is None else judged.vitals)
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.OVERRIDE)
    if broken or judged is None:
        return Refused.by_rules(broken, "The override is not signed")
    override = kept.add_override(
        tx,
        held.visit,
        judged.reading.reading_id,
        wish.clinician_id,
        by.subject,
        wish.reason,
        judged.vitals.outside,
    )
    return show_override(tx, override)


async def newest_reading(tx: Transaction, held: HeldVisit, phase: Phase) -> Judged | None:
    """What a gate rests on: only the newest reading counts, whatever an older one showed.

    One that was taken while the drip ran is of no recovery, whatever was on record of its end then.
    """
    ended_at = held.visit.stopped_at
    readings = [
        each
        for each in await kept.readings_of(tx, held.visit.appointment_id)
        if each.phase == phase
        and (phase is not Phase.AFTER or ended_at is None or each.taken_at >= ended_at)
    ]
    if not readings:
        return None
    newest = readings[-1]
    signed = {each.reading_id for each in await kept.overrides_of(tx, newest.appointment_id)}
    found = rules.outside(_values(tx, newest), await limits_of(tx, held))
    vitals = Vitals(newest.taken_at, tuple(found), newest.reading_id in signed)
    return Judged(newest, vitals)


def _values(tx: Transaction, reading: Reading) -> dict[Measure, int]:
    vitals = kept.vitals_of(tx, reading)
    return {measure: vitals[measure] for measure in Measure if measure in vitals}


async def limits_of(tx: Transaction, held: HeldVisit) -> Sequence[Limit]:
    """The limits of a visit's type on today's local day."""
    today = tx.now.astimezone(ZoneInfo(held.location.zone)).date()
    return await kept.limits_on(tx, held.visit.visit_type, today)
