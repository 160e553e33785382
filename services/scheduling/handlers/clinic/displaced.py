"""What stands where its place cannot give it any more: named by what displaced it, and listed."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import Row, select
from sqlmodel import col

from services.scheduling import store
from services.scheduling.forms.figures import TouchedVisit
from services.scheduling.rules.clinic import displaced as rules
from services.scheduling.rules.clinic.displaced import Standing
from services.scheduling.rules.series.holds import HELD
from services.scheduling.rules.visits.life import COMING, HERE
from services.scheduling.store.rows import every
from services.scheduling.store.shown_visits import chairs_by_id
from services.scheduling.tables import Appointment, Location
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken

TO_COME = (*COMING, *HERE, HELD)


class Why(BaseModel):
    """A rule that what stands there breaks, in words, with its source."""

    rule: str
    detail: str
    source: str


class DisplacedVisit(TouchedVisit):
    """A visit, or a plan's part that is held, where it cannot be given, and what to do."""

    location_id: UUID
    visit_type: str
    state: str
    why: list[Why]
    do: str


async def displaced_at(
    tx: Transaction, location: Location
) -> list[tuple[Appointment, list[Broken]]]:
    """What is to come at a place and has no open hours, no nurse or no chair there, by time.

    A drip that runs, and whoever recovers, is watched too; neither is to come.
    """
    rows = store.taken_from(tx.now, location.location_id).order_by(*store.BY_START)
    booked = await every(tx, rows, Appointment)
    chairs = await chairs_by_id(tx, {each.chair_id for each in booked if each.chair_id})
    policies = {
        visit_type: await store.policy_of(tx, location.location_id, visit_type)
        for visit_type in sorted({each.visit_type for each in booked})
    }
    standing = [
        Standing(
            each.appointment_id,
            each.visit_type,
            each.starts_at,
            each.ends_at,
            store.chair_place(chairs.get(each.chair_id)) if each.chair_id else None,
        )
        for each in booked
    ]
    found = rules.displaced(standing, policies, ZoneInfo(location.zone))
    return [
        (each, found[each.appointment_id])
        for each in booked
        if each.appointment_id in found and each.state in TO_COME
    ]


async def displaced_by_visit(tx: Transaction, location: Location) -> dict[UUID, list[Broken]]:
    return {each.appointment_id: broken for each, broken in await displaced_at(tx, location)}


def named(displaced: list[tuple[Appointment, list[Broken]]], rule: str) -> tuple[TouchedVisit, ...]:
    """Of what is displaced, whatever breaks one rule, as a change of the place names it."""
    return tuple(
        TouchedVisit(**each.model_dump())
        for each, broken in displaced
        if any(why.rule == rule for why in broken)
    )


async def list_displaced(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[DisplacedVisit] | Refused:
    """What stands at a place, or at any, where it cannot be given, the earliest first."""
    why: dict[UUID, list[Broken]] = {}
    for place in await store.places_in_use(tx, tx.now, location_id):
        if asked.locations is None or place.location_id in asked.locations:
            found = await displaced_at(tx, place)
            why |= {each.appointment_id: broken for each, broken in found}

    def item(row: Row[tuple[object, ...]]) -> DisplacedVisit:
        visit = Appointment.model_validate(row, from_attributes=True)
        return DisplacedVisit(
            **visit.model_dump(),
            why=[
                Why(rule=each.rule, detail=each.detail, source=each.source)
                for each in why[visit.appointment_id]
            ],
            do=rules.what_to_do(held=visit.hold_id is not None),
        )

    rows = select(Appointment).where(col(Appointment.appointment_id).in_(list(why)))
    return await page(
        tx,
        rows,
        by=store.BY_START,
        asked=asked,
        item=item,
        shown_to=reader,
        as_entity="appointment",
    )
