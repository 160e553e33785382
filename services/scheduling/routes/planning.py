"""Plans for series, and the figures that they are made by."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from services.scheduling.forms.figures import (
    AddVisitType,
    CatalogueEntry,
    ClosureAnswer,
    ClosureWish,
    Day,
    LocationFigures,
    OpeningHoursAnswer,
    OpeningHoursWish,
    ProtocolAnswer,
    ProtocolWish,
    RosterAnswer,
    RosterWish,
    VisitFiguresAnswer,
    VisitFiguresWish,
)
from services.scheduling.forms.withdrawals import WithdrawFigure, WithdrawnAnswer
from services.scheduling.handlers import listing
from services.scheduling.handlers.clinic import displaced, places, visit_types, withdrawals
from services.scheduling.handlers.clinic.displaced import DisplacedVisit
from services.scheduling.handlers.replans import closures
from services.scheduling.handlers.replans.closures import ClosureReplans
from services.scheduling.handlers.series import plans
from services.scheduling.handlers.series.plans import PlansAnswer, PlanSeries
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

OPS, FRONT_DESK, NURSE, PRESCRIBER = Role.OPS, Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER

router = APIRouter(tags=["planning"])

TypeName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


@router.post("/plans", dependencies=[allow(FRONT_DESK)], status_code=200)
async def propose_plans(wish: PlanSeries, desk: AtDesk) -> PlansAnswer:
    """Whole series that can be booked now, best first. Nothing is stored and nothing is held."""
    return await desk.read(plans.propose_plans, wish)


@router.get("/visit-types", dependencies=[allow(OPS, FRONT_DESK, NURSE, PRESCRIBER)])
async def read_catalogue(
    desk: AtDesk, on: Annotated[Day | None, Query()] = None
) -> list[CatalogueEntry]:
    """Every visit type with the figures in force, and the source of each."""
    return await desk.read(listing.read_catalogue, on)


@router.post("/visit-types", dependencies=[allow(OPS, PRESCRIBER)])
async def add_visit_type(wish: AddVisitType, desk: AtDesk) -> VisitFiguresAnswer:
    """Add a visit type to the catalogue, like one that is there but for the figures named."""
    return await desk.decide(visit_types.add_visit_type, wish, desk.actor)


@router.post("/visit-types/{visit_type}/figures", dependencies=[allow(OPS, PRESCRIBER)])
async def record_visit_figures(
    visit_type: TypeName, wish: VisitFiguresWish, desk: AtDesk
) -> VisitFiguresAnswer:
    """Record what a visit type takes and asks; a prescriber signs what is clinical."""
    return await desk.decide(visit_types.record_visit_figures, visit_type, wish, desk.actor)


@router.post("/visit-types/{visit_type}/protocol", dependencies=[allow(OPS, PRESCRIBER)])
async def record_protocol(visit_type: TypeName, wish: ProtocolWish, desk: AtDesk) -> ProtocolAnswer:
    """Record how a series of a visit type is given, from a day on; a prescriber signs it."""
    return await desk.decide(visit_types.record_protocol, visit_type, wish, desk.actor)


@router.get(
    "/locations/{location_id}/figures", dependencies=[allow(OPS, FRONT_DESK, NURSE, PRESCRIBER)]
)
async def read_location_figures(location_id: UUID, desk: AtDesk) -> LocationFigures:
    """A place's opening hours, rosters and closures, those to come included."""
    return await desk.read(listing.read_figures, location_id)


@router.post("/locations/{location_id}/opening-hours", dependencies=[allow(OPS)])
async def record_opening_hours(
    location_id: UUID, wish: OpeningHoursWish, desk: AtDesk
) -> OpeningHoursAnswer:
    """Record a location's hours, from a day on."""
    return await desk.decide(places.record_opening_hours, location_id, wish)


@router.post("/locations/{location_id}/rosters", dependencies=[allow(OPS)])
async def record_roster(location_id: UUID, wish: RosterWish, desk: AtDesk) -> RosterAnswer:
    """Record a location's roster, from a day on."""
    return await desk.decide(places.record_roster, location_id, wish)


@router.post("/locations/{location_id}/closures", dependencies=[allow(OPS)])
async def record_closure(location_id: UUID, wish: ClosureWish, desk: AtDesk) -> ClosureAnswer:
    """Record days on which a location is closed."""
    return await desk.decide(places.record_closure, location_id, wish)


@router.get("/displaced-visits", dependencies=[allow(OPS, FRONT_DESK, NURSE, PRESCRIBER)])
async def list_displaced(
    desk: AtDesk, asked: AskedPage, location_id: UUID | None = None
) -> Page[DisplacedVisit]:
    """What is booked or held where it has no open hours, no nurse or no chair any more."""
    return await desk.read(displaced.list_displaced, location_id, asked, desk.actor)


@router.post("/closures/{closure_id}/replans", dependencies=[allow(FRONT_DESK)])
async def propose_for_closure(closure_id: UUID, desk: AtDesk) -> ClosureReplans:
    """Re-plans of the series that a closure touches, each to be approved by itself."""
    return await desk.decide(closures.propose_for_closure, closure_id)


@router.post("/closures/{closure_id}/withdraw", dependencies=[allow(OPS)])
async def withdraw_closure(closure_id: UUID, desk: AtDesk) -> ClosureAnswer:
    """Withdraw a closure."""
    return await desk.decide(places.withdraw_closure, closure_id)


@router.post("/withdrawn-figures", dependencies=[allow(OPS, PRESCRIBER)])
async def withdraw_figure(wish: WithdrawFigure, desk: AtDesk) -> WithdrawnAnswer:
    """Take a figure back before its first day."""
    return await desk.decide(withdrawals.withdraw_figure, wish, desk.actor)
