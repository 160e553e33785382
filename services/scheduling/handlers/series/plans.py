"""Plans for a series that is not booked yet: proposed, never stored."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from services.scheduling import store
from services.scheduling.forms.preferences import PreferencesWish
from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import WishedAppointment
from services.scheduling.handlers.patients.files import broken_by_file
from services.scheduling.handlers.series.given_before import given_before
from services.scheduling.rules.clinic.policy import Policy, wall
from services.scheduling.rules.clinic.rooms import Used
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.planner.differing import difference
from services.scheduling.rules.planner.place import Place
from services.scheduling.rules.planner.plan import Plan
from services.scheduling.rules.planner.plans import Proposal, plan_series
from services.scheduling.rules.planner.wishes import (
    Preferences,
    broken_by_wishes,
    last_day_of_any,
)
from services.scheduling.rules.series import course as series_rules
from services.scheduling.rules.series import gaps, protocols
from services.scheduling.rules.series.earlier import rest_after
from services.scheduling.rules.series.protocols import InfusionProtocol
from services.scheduling.store import holds
from services.scheduling.tables import Location, Patient
from shared.events.scheduling import TypeCode
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


class PlanSeries(Wish):
    """`infusions` left out means as few as the protocol has."""

    patient_id: UUID
    location_id: UUID
    visit_type: TypeCode
    infusions: Annotated[int, Field(ge=0, le=99)] | None = None
    preferences: PreferencesWish = PreferencesWish()


class Reason(BaseModel):
    """Why a plan has points; the fewer it has, the better it is."""

    name: str
    points: int
    detail: str


class PlanOffer(BaseModel):
    """A whole series. `appointments` are what `POST /series` takes, as they are.

    `local` shows the same starts as the clinic's wall clock does; `leaves` is what of the wishes a
    visit does not keep, empty for a plan that keeps them all. `differs` is what to say of it beside
    the first plan, and empty for the first.
    """

    points: int
    why: list[Reason]
    usual_time: str
    appointments: list[WishedAppointment]
    local: list[str]
    leaves: list[str]
    differs: str
    advice: list[str]


class Ruled(BaseModel):
    """A rule that stands in the way."""

    rule: str
    detail: str
    source: str


class BlockedDate(Ruled):
    date: date


class PlansAnswer(BaseModel):
    """The best few plans, or which rule blocks which date, and the nearest legal plans.

    `instead_of` is the plan that is held for the patient, whose chairs count as free: whoever holds
    or books another names it.
    """

    patient_id: UUID
    location_id: UUID
    visit_type: TypeCode
    infusions: int
    earliest: date
    latest: date
    instead_of: UUID | None
    plans: list[PlanOffer]
    blocked: list[BlockedDate]
    between: list[Ruled]
    nearest: list[PlanOffer]


async def propose_plans(wish: PlanSeries, tx: Transaction) -> PlansAnswer | Refused:
    """The best few whole series that can be booked as the chairs stand now. Nothing is held.

    What is held for the patient already is free for them.
    """
    location = await store.find_location(tx, wish.location_id)
    patient = await store.find_patient(tx, wish.patient_id)
    broken = await _broken_by_patient(patient, tx)
    if location is None:
        return Refused.by_rules([*broken, unknown("location", "location_id")], "No plan is made")
    zone = ZoneInfo(location.zone)
    today = tx.now.astimezone(zone).date()
    policy = await store.policy_of(tx, wish.location_id, wish.visit_type)
    if not policy.in_series:
        broken.append(series_rules.type_not_in_series(await store.series_types(tx)))
        return Refused.by_rules(broken, "No plan is made")
    protocol = policy.protocol_on(today)
    count = protocol.size_min if wish.infusions is None else wish.infusions
    asked = wish.preferences
    last = last_day_of_any(policy.planning, protocol, count, asked.earliest or today, today)
    wishes = asked.between(today, last)
    latest_named = asked.latest is not None
    broken += [
        *series_rules.broken_by_size(protocol, count, "infusions"),
        *broken_by_wishes(policy.planning, wishes, today, latest_named=latest_named),
    ]
    if broken or patient is None:
        return Refused.by_rules(broken, "No plan is made")
    hold = await holds.open_hold(tx, wish.patient_id)
    place = await place_of(
        tx,
        location,
        wish.visit_type,
        wish.patient_id,
        wishes,
        []
        if hold is None
        else [c.appointment_id for c in await holds.held_chairs(tx, hold.hold_id)],
        protocol=protocol,
        born=store.patient_card(tx, patient).birth_date,
    )
    # Some tens of milliseconds of arithmetic, beside which other requests go on.
    proposal = await asyncio.to_thread(plan_series, protocol, count, wishes, place)
    held_id = None if hold is None else hold.hold_id
    return _answer(wish, count, wishes, proposal, protocol, zone, held_id)


async def _broken_by_patient(patient: Patient | None, tx: Transaction) -> list[Broken]:
    """What would keep any plan of this patient's from being booked, or held."""
    if patient is None or patient.merged_into is not None:
        return broken_by_file(patient)
    patient_id = patient.patient_id
    return [
        *series_rules.broken_by_open_series(has_open=await store.has_open_series(tx, patient_id)),
    ]


async def place_of(
    tx: Transaction,
    location: Location,
    visit_type: str,
    patient_id: UUID,
    wishes: Preferences,
    besides: Collection[UUID] = (),
    *,
    protocol: InfusionProtocol | None = None,
    series_id: UUID | None = None,
    born: date | None = None,
    as_well: Sequence[Slot] = (),
) -> Place:
    """The chairs of a location and all that is booked in them while a plan may run.

    `besides` are visits that the plan itself may move, `as_well` what it is to leave room for. By a
    `protocol`, days are left free after what the patient was given in series other than this one.
    """
    zone = ZoneInfo(location.zone)
    chairs = await store.chairs_in_service(tx, location.location_id)
    first, last = wishes.span()
    there = await store.chairs_at(tx, location.location_id)
    taken = await store.taken_slots(
        tx,
        there,
        patient_id,
        since=_midnight(first, zone),
        until=_midnight(last, zone),
        besides=besides,
    )
    policy = await store.policy_of(tx, location.location_id, visit_type)
    rest = None
    if protocol is not None:
        earlier = await given_before(
            tx,
            patient_id,
            _midnight(first, zone),
            drug=policy.figures_on(first).drug,
            series_id=series_id,
            to_come=True,
        )
        rest = rest_after(protocol, earlier, zone)
    rooms, used = await rooms_for(
        tx, policy, location, _midnight(first, zone), _midnight(last, zone), besides
    )
    return Place(
        zone,
        policy,
        chairs,
        [*taken, *as_well],
        patient_id,
        tx.now,
        rest,
        rooms=rooms,
        rooms_used=used,
        born=born,
        out_of_service=[each for each in there if each not in chairs],
    )


async def rooms_for(
    tx: Transaction,
    policy: Policy,
    location: Location,
    since: datetime,
    until: datetime,
    besides: Collection[UUID] = (),
) -> tuple[list[UUID], list[Used]]:
    """The rooms of a place and what is taken of them, where some figure of the type needs one."""
    if not any(figures.room_needed for figures in policy.visits):
        return [], []
    rooms = [room.room_id for room in await store.rooms_at(tx, location.location_id)]
    used = await store.rooms_used(
        tx, rooms, since=since, until=until + timedelta(days=1), besides=besides
    )
    return rooms, used


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone)


def _answer(
    wish: PlanSeries,
    count: int,
    wishes: Preferences,
    proposal: Proposal,
    protocol: InfusionProtocol,
    zone: ZoneInfo,
    held_id: UUID | None,
) -> PlansAnswer:
    def offers(plans: Sequence[Plan]) -> list[PlanOffer]:
        return [offer_of(plan, plans[0], protocol, zone) for plan in plans]

    return PlansAnswer(
        patient_id=wish.patient_id,
        location_id=wish.location_id,
        visit_type=wish.visit_type,
        infusions=count,
        earliest=wishes.earliest,
        latest=wishes.latest,
        instead_of=held_id,
        plans=offers(proposal.plans),
        blocked=[
            BlockedDate(date=each.day, **_ruled(each.why).model_dump()) for each in proposal.blocked
        ],
        between=[_ruled(each) for each in proposal.between],
        nearest=offers(proposal.nearest),
    )


def _ruled(broken: Broken) -> Ruled:
    return Ruled(rule=broken.rule, detail=broken.detail, source=broken.source)


def offer_of(plan: Plan, first: Plan, protocol: InfusionProtocol, zone: ZoneInfo) -> PlanOffer:
    infusions = protocols.numbered([each.starts_at for each in plan.infusions])
    return PlanOffer(
        points=plan.points,
        why=[Reason(name=item.name, points=item.points, detail=item.detail) for item in plan.items],
        usual_time=wall(plan.usual_min),
        appointments=[
            WishedAppointment(chair_id=each.chair_id, starts_at=each.starts_at)
            for each in plan.infusions
        ],
        local=[each.starts_at.astimezone(zone).isoformat() for each in plan.infusions],
        leaves=[
            f"Infusion {number} is {each.leaves}, which was not asked for."
            for number, each in enumerate(plan.infusions, start=1)
            if each.leaves is not None
        ],
        differs="" if plan is first else difference(first, plan),
        advice=gaps.advice_on_series(protocol, infusions, zone),
    )
