"""What changes a course: holds, re-plans, overrides, and the house's figures for them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from services.scheduling.forms.answers import SeriesAnswer
from services.scheduling.forms.courses import (
    BookHold,
    HoldAnswer,
    HoldPlan,
    HouseFigureAnswer,
    HouseFigureWish,
)
from services.scheduling.forms.overrides import OverrideAnswer, SignedAnswer, SignOverride
from services.scheduling.forms.replans import ApproveReplan, ProposeReplan, ReplanAnswer
from services.scheduling.forms.series_corrections import CorrectSeries, SeriesCorrectionAnswer
from services.scheduling.handlers.clinic import house
from services.scheduling.handlers.replans import approval, proposing
from services.scheduling.handlers.series import corrections, gap_risks, holds, overrides
from services.scheduling.handlers.series.gap_risks import GapRiskAnswer
from services.scheduling.handlers.visits import missed, overdue, unsettled, waste
from services.scheduling.handlers.visits.missed import MissedVisitAnswer
from services.scheduling.handlers.visits.overdue import NotDischarged
from services.scheduling.handlers.visits.waiting import WaitingVisit
from services.scheduling.rules.series.overrides import Signed
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

OPS, FRONT_DESK, NURSE, PRESCRIBER = Role.OPS, Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER

router = APIRouter(tags=["courses"])


@router.post("/holds", dependencies=[allow(FRONT_DESK)])
async def hold_plan(wish: HoldPlan, desk: AtDesk) -> HoldAnswer:
    """Hold every chair of a plan while the patient decides, or none."""
    return await desk.decide(holds.hold_plan, wish)


@router.get("/holds/{hold_id}", dependencies=[allow(FRONT_DESK)])
async def read_hold(hold_id: UUID, desk: AtDesk) -> HoldAnswer:
    """A plan that is or was held, and until when."""
    return await desk.read(holds.read_hold, hold_id)


@router.post("/holds/{hold_id}/book", dependencies=[allow(FRONT_DESK)])
async def book_hold(hold_id: UUID, wish: BookHold, desk: AtDesk) -> SeriesAnswer:
    """Book the plan that is held, whole and as it is."""
    return await desk.decide(holds.book_hold, hold_id, wish)


@router.post("/holds/{hold_id}/release", dependencies=[allow(FRONT_DESK)], status_code=200)
async def release_hold(hold_id: UUID, desk: AtDesk) -> HoldAnswer:
    """Give the chairs of a held plan back before its time."""
    return await desk.decide(holds.release_hold, hold_id)


@router.post("/series/{series_id}/replans", dependencies=[allow(FRONT_DESK)])
async def propose_replan(series_id: UUID, wish: ProposeReplan, desk: AtDesk) -> ReplanAnswer:
    """The smallest re-plan that a change needs, as a diff. Nothing is changed or held."""
    return await desk.decide(proposing.propose_replan, series_id, wish)


@router.get("/replans/{replan_id}", dependencies=[allow(FRONT_DESK)])
async def read_replan(replan_id: UUID, desk: AtDesk) -> ReplanAnswer:
    """A re-plan as it was proposed."""
    return await desk.read(approval.read_replan, replan_id)


@router.post("/replans/{replan_id}/approve", dependencies=[allow(FRONT_DESK)], status_code=200)
async def approve_replan(replan_id: UUID, wish: ApproveReplan, desk: AtDesk) -> SeriesAnswer:
    """Apply a re-plan whole, if the series is still the one that it was made for."""
    return await desk.decide(approval.approve_replan, replan_id, wish)


@router.post("/series/{series_id}/overrides", dependencies=[allow(PRESCRIBER)])
async def sign_override(
    series_id: UUID, wish: Annotated[SignOverride, Body()], desk: AtDesk
) -> OverrideAnswer:
    """Sign that a series may have more infusions, or have them sooner, than the rules say."""
    return await desk.decide(overrides.sign_override, series_id, wish, desk.actor)


@router.post("/series/{series_id}/corrections", dependencies=[allow(PRESCRIBER)])
async def correct_series(
    series_id: UUID, wish: CorrectSeries, desk: AtDesk
) -> SeriesCorrectionAnswer:
    """Correct what a series is given for, or who answers for it; superbills issued stay."""
    return await desk.decide(corrections.correct_series, series_id, wish, desk.actor)


@router.get("/series/{series_id}/corrections", dependencies=[allow(NURSE, PRESCRIBER)])
async def list_corrections(series_id: UUID, desk: AtDesk) -> list[SeriesCorrectionAnswer]:
    """What stood on record of a series before each correction, the earliest first."""
    return await desk.read(corrections.list_corrections, series_id, purpose="treatment")


@router.post("/overrides/{override_id}/withdraw", dependencies=[allow(PRESCRIBER)], status_code=200)
async def withdraw_override(override_id: UUID, desk: AtDesk) -> OverrideAnswer:
    """Have the rule hold again; no visit to come of a series may rest on the override."""
    return await desk.decide(overrides.withdraw_override, override_id, desk.actor)


@router.get("/overrides", dependencies=[allow(NURSE, PRESCRIBER)])
async def list_overrides(
    desk: AtDesk,
    asked: AskedPage,
    kind: Signed | None = None,
    series_id: UUID | None = None,
    patient_id: UUID | None = None,
) -> Page[SignedAnswer]:
    """Who signed what against a rule or a limit, for whom, when and why; the earliest first."""
    wanted = (kind, series_id, patient_id)
    return await desk.read(
        overrides.list_overrides, *wanted, asked, desk.actor, purpose="treatment"
    )


@router.get("/gap-risks", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER)])
async def list_gap_risks(
    desk: AtDesk, asked: AskedPage, location_id: UUID | None = None
) -> Page[GapRiskAnswer]:
    """Series whose next gap will be too long unless somebody acts."""
    return await desk.read(gap_risks.list_risks, location_id, asked, desk.actor)


@router.get("/unsettled-visits", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER)])
async def list_unsettled(
    desk: AtDesk, asked: AskedPage, location_id: UUID | None = None
) -> Page[WaitingVisit]:
    """Visits whose day is over and of which nobody said what became of them, with what to do."""
    return await desk.read(unsettled.list_unsettled, location_id, asked, desk.actor)


@router.get("/overdue-discharges", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER)])
async def list_not_discharged(
    desk: AtDesk, asked: AskedPage, location_id: UUID | None = None
) -> Page[NotDischarged]:
    """Patients whose recovery is over and of whom nobody said that they left, the longest first."""
    return await desk.read(overdue.list_not_discharged, location_id, asked, desk.actor)


@router.get("/unwitnessed-waste", dependencies=[allow(NURSE, PRESCRIBER)])
async def list_unwitnessed(
    desk: AtDesk, asked: AskedPage, location_id: UUID | None = None
) -> Page[WaitingVisit]:
    """Visits whose left-over drug waits for its witness, of patients who have gone too."""
    return await desk.read(waste.list_unwitnessed, location_id, asked, desk.actor)


@router.get(
    "/patients/{patient_id}/missed-visits", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER)]
)
async def list_missed(patient_id: UUID, desk: AtDesk) -> list[MissedVisitAnswer]:
    """A patient's no-shows and late cancellations."""
    return await desk.read(missed.list_missed, patient_id)


@router.post("/house-figures", dependencies=[allow(OPS, PRESCRIBER)])
async def record_house_figure(wish: HouseFigureWish, desk: AtDesk) -> HouseFigureAnswer:
    """Record a figure of the house, from a day on, with its source; some a prescriber signs."""
    return await desk.decide(house.record_house_figure, wish, desk.actor)


@router.get("/house-figures", dependencies=[allow(OPS, FRONT_DESK, NURSE, PRESCRIBER)])
async def read_house_figures(desk: AtDesk) -> list[HouseFigureAnswer]:
    """Every figure of the house with its first day and its source."""
    return await desk.read(house.read_house_figures)
