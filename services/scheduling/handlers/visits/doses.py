"""The dose of an infusion: planned by a prescriber, recorded with its lot, its waste witnessed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.doses import (
    AmendDose,
    DoseAnswer,
    DoseNotGiven,
    PlanDose,
    RecordDose,
)
from services.scheduling.forms.wishes import Nothing
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.handlers.visits.charts_shown import show_dose, unit_of
from services.scheduling.handlers.visits.ended import settle_dose
from services.scheduling.handlers.visits.readings import limits_of
from services.scheduling.handlers.visits.walk_outs import settle_if_done
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.clinic.policy import VisitFigures
from services.scheduling.rules.outcomes.reviews import Matter
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import dose_amendments as amending
from services.scheduling.rules.visits import doses as rules
from services.scheduling.rules.visits.amounts import (
    Amount,
    Scale,
    amount_in,
    broken_by_other_unit,
    broken_by_unit,
)
from services.scheduling.rules.visits.life import Step, VisitState, broken_by_step
from services.scheduling.store import HeldVisit
from services.scheduling.store import dose_amendments as amendments
from services.scheduling.store import doses as kept
from services.scheduling.store.house import figure_of
from services.scheduling.store.outcomes import add_review
from services.scheduling.tables.visits import DosePlan
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def plan_dose(
    appointment_id: UUID, wish: PlanDose, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """Plan what is to run, in steps below the ceiling. Earlier plans stay on record.

    A visit that was cleared rested on the plan before, so it is cleared anew.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    figures, dose = await _figures(tx, held), amount_in(wish.model_dump(), "dose")
    assert dose is not None, "a plan says a dose"
    limits, highest = await limits_of(tx, held), await _highest(tx, held, dose.scale)
    broken = [
        *broken_by_step(Step.PLAN_DOSE, held.state),
        *rules.broken_by_planned(await _planned_before(tx, held), wish.instead_of),
        *broken_by_unit(dose.scale, figures.drug, await unit_of(tx, held.visit)),
        *(
            rules.broken_by_ceiling(dose, wish.weight_g, limits)
            or rules.broken_by_step(dose, wish.weight_g, highest, limits, wish.reason)
        ),
        *rules.broken_by_weight(
            wish.weight_g, await kept.weight_before(tx, held.visit), limits, wish.reason
        ),
        *await broken_by_signer(
            tx, wish.clinician_id, by, Act.DOSE, is_controlled=figures.is_controlled
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The dose is not planned")
    plan = wish.model_dump(exclude={"clinician_id", "instead_of"})
    plan[kept.HIGHEST[dose.scale]] = highest
    kept.add_plan(tx, appointment_id, wish.clinician_id, by.subject, plan)
    if held.state is VisitState.CLEARED:
        await store.change_visit(
            tx, held.visit, state=VisitState.CHECKED_IN, cleared_at=None, cleared_by=None
        )
    return await show_dose(tx, held.visit)


async def _planned_before(tx: Transaction, held: HeldVisit) -> rules.PlannedBefore | None:
    plan = await kept.newest_plan(tx, held.visit.appointment_id)
    if plan is None:
        return None
    dose = amount_in(kept.plan_of(tx, plan), "dose")
    assert dose is not None, "a plan says a dose"
    said = dose.in_unit(await unit_of(tx, held.visit))
    return rules.PlannedBefore(plan.plan_id, said, plan.planned_by)


async def _highest(tx: Transaction, held: HeldVisit, scale: Scale) -> int | None:
    """The most that the visit's series has had of this scale; a treatment is always a first."""
    series_id = held.visit.series_id
    return None if series_id is None else await kept.highest_given(tx, series_id, scale)


async def broken_by_plan(tx: Transaction, held: HeldVisit, plan: DosePlan) -> list[Broken]:
    """What of a planned dose is past the limits by now: they may have changed, and what ran before.

    A prescriber's reason lets the step pass that it was signed for, or a smaller one.
    """
    planned, limits = kept.plan_of(tx, plan), await limits_of(tx, held)
    dose, weight_g = amount_in(planned, "dose"), planned["weight_g"]
    assert dose is not None, "a plan says a dose"
    highest = await _highest(tx, held, dose.scale)
    signed = rules.is_signed_for(planned.get(kept.HIGHEST[dose.scale]), highest)
    reason = planned["reason"] if signed else None
    drug = (await _figures(tx, held)).drug
    broken = broken_by_unit(dose.scale, drug, await unit_of(tx, held.visit))
    broken += rules.broken_by_ceiling(dose, weight_g, limits) or rules.broken_by_step(
        dose, weight_g, highest, limits, reason
    )
    return [replace(each, field="dose") for each in broken]


async def _figures(tx: Transaction, held: HeldVisit) -> VisitFigures:
    """What the catalogue says of the visit's drug on its day."""
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    return policy.figures_on(visit.starts_at.astimezone(zone).date())


async def record_dose(
    appointment_id: UUID, wish: RecordDose, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """Record what was drawn up and what ran, once; what is left over waits for a witness.

    What ran has run: above the ceiling it is recorded too, and waits for a prescriber.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = broken_by_step(Step.RECORD_DOSE, held.state)
    broken += rules.broken_by_recorded(
        recorded=await kept.find_dose(tx, appointment_id) is not None
    )
    plan = await kept.newest_plan(tx, appointment_id)
    if plan is None:
        broken.append(rules.unplanned("appointment_id"))
    else:
        broken += await _broken_by_given(tx, held, plan, wish)
    if broken or plan is None:
        return Refused.by_rules(broken, "The dose is not recorded")
    drawn, given = _ran(wish)
    wasted = given.parts < drawn.parts
    kept.record_given(tx, plan, by.subject, wish.model_dump(exclude_none=True), wasted=wasted)
    weight_g = kept.plan_of(tx, plan)["weight_g"]
    if rules.broken_by_ceiling(given, weight_g, await limits_of(tx, held)):
        add_review(tx, held.visit, Matter.DOSE_ABOVE_CEILING)
    await settle_dose(held, wish.off_plan_reason, tx, ran=given.parts > 0)
    await settle_if_done(held.visit, tx)
    return await show_dose(tx, held.visit)


async def _broken_by_given(
    tx: Transaction, held: HeldVisit, plan: DosePlan, wish: RecordDose
) -> list[Broken]:
    planned, (drawn, given) = amount_in(kept.plan_of(tx, plan), "dose"), _ran(wish)
    assert planned is not None, "a plan says a dose"
    return broken_by_other_unit(planned.scale, given.scale) or rules.broken_by_given(
        planned=planned,
        drawn=drawn,
        given=given,
        unit=await unit_of(tx, held.visit),
        aborted=held.visit.state == VisitState.ABORTED,
        off_plan_pct=await figure_of(tx, HouseFigure.DOSE_OFF_PLAN_PCT),
        reason=wish.off_plan_reason,
    )


def _ran(wish: RecordDose) -> tuple[Amount, Amount]:
    """What was drawn up, and what ran."""
    drawn, given = (amount_in(wish.model_dump(), what) for what in ("drawn", "given"))
    assert drawn is not None, "the form says it"
    assert given is not None, "as above"
    return drawn, given


async def amend_dose(
    appointment_id: UUID, wish: AmendDose, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """Put right, signed, what is on record of a dose. What stood there is kept.

    Whether anything ran is told already, and stays. Past a ceiling it is recorded too.
    """
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    dose, plan = (
        await kept.find_dose(tx, appointment_id),
        await kept.newest_plan(tx, appointment_id),
    )
    said = wish.model_dump(exclude={"clinician_id", "reason", "witness_anew"}, exclude_none=True)
    drawn, given = _ran(wish)
    before = kept.given_of(tx, dose)
    ran = amount_in(before, "given")
    broken = amending.broken_by_amending(
        recorded=dose is not None,
        ran=ran is not None and ran.parts > 0,
        runs=given.parts > 0,
        changed=said != before or wish.witness_anew,
    )
    if plan is not None:
        broken += await _broken_by_given(tx, held, plan, wish)
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.CHART_CORRECTION)
    if broken or plan is None or dose is None:
        return Refused.by_rules(broken, "The dose stays as it is on record")
    weight_g = kept.plan_of(tx, plan)["weight_g"]
    past = rules.broken_by_ceiling(given, weight_g, await limits_of(tx, held))
    why = {"reason": wish.reason, "past_limits": [each.detail for each in past]}
    same = (drawn, given) == (amount_in(before, "drawn"), ran) and not wish.witness_anew
    wasted = given.parts < drawn.parts
    await amendments.amend(
        tx, dose, wish.clinician_id, by.subject, said, why, wasted=wasted, same=same
    )
    if past:
        add_review(tx, held.visit, Matter.DOSE_ABOVE_CEILING)
    return await show_dose(tx, held.visit)


async def sign_not_given(
    appointment_id: UUID, wish: DoseNotGiven, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """A prescriber signs that nothing ran, as of a drip that was aborted before the drug."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    plan = await kept.newest_plan(tx, appointment_id)
    recorded = await kept.find_dose(tx, appointment_id) is not None
    broken = [
        *broken_by_step(Step.RECORD_DOSE, held.state),
        *rules.broken_by_recorded(recorded=recorded),
        *await broken_by_signer(
            tx,
            wish.clinician_id,
            by,
            Act.OVERRIDE,
            is_controlled=(await _figures(tx, held)).is_controlled,
        ),
    ]
    if plan is None:
        broken.append(rules.unplanned("appointment_id"))
    if broken or plan is None:
        return Refused.by_rules(broken, "The dose is not recorded")
    kept.record_not_given(tx, plan, by.subject, wish.clinician_id, wish.reason)
    await settle_dose(held, wish.reason, tx, ran=False)
    await settle_if_done(held.visit, tx)
    return await show_dose(tx, held.visit)


async def witness_waste(
    appointment_id: UUID, _: Nothing, by: Actor, tx: Transaction
) -> DoseAnswer | Refused:
    """A second person, signed in as themselves, confirms what was left over."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    dose = await kept.find_dose(tx, appointment_id)
    broken = rules.broken_by_witness(
        wasted=dose is not None and dose.wasted is True,
        witnessed=dose is not None and dose.witnessed_by is not None,
        by_whom_it_gave=dose is not None and dose.recorded_by == by.subject,
    )
    if broken:
        return Refused.by_rules(broken, "The waste is not witnessed")
    await kept.witness_waste(tx, appointment_id, by.subject)
    await settle_if_done(held.visit, tx)
    return await show_dose(tx, held.visit)
