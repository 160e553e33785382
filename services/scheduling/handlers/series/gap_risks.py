"""A gap that will be too long is said while a free chair saves it, once, until it is mended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.handlers.series.plans import place_of
from services.scheduling.handlers.shown import gap_of, protocol_of
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.planner.day import Day
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series import gap_risk as rules
from services.scheduling.rules.series.gap_risk import OpenGap
from services.scheduling.rules.series.protocols import InfusionProtocol
from services.scheduling.store import Course
from services.scheduling.store import gap_risks as kept
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Location, Series
from services.scheduling.tables.waitlist import GapRisk
from services.scheduling.work import WatchGaps, WatchPlace
from shared.auth import Actor
from shared.events import Moment
from shared.events.scheduling import SeriesGapAtRisk, SeriesGapMended
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class GapRiskAnswer(BaseModel):
    """A gap that is too long from `breaks_at` on; `broken` once that is past, with what to do."""

    risk_id: UUID
    series_id: UUID
    patient_id: UUID
    location_id: UUID
    after_appointment_id: UUID
    breaks_at: Moment
    raised_at: Moment
    broken: bool
    do: str


def gaps_key(series_id: UUID) -> str:
    return f"gaps/{series_id}"


def look_at_gaps(series_id: UUID, tx: Transaction) -> None:
    """Have a series' gaps looked at, because one of its infusions changed."""
    tx.do(WatchGaps(series_id=series_id), key=gaps_key(series_id))


def look_at_free_chairs(location_id: UUID, tx: Transaction) -> None:
    """Have the gaps of a place looked at that wait for a chair, because chairs were taken there.

    Under no key: under one, whoever books at a place would wait for everybody who books there, and
    for a worker that looks just now. What has fallen due together is looked at once.
    """
    tx.do(WatchPlace(location_id=location_id))


async def watch_place(work: WatchPlace, tx: Transaction) -> None:
    """Look at every series of a place that lacks an infusion, or has a gap that is too long."""
    for series_id in await kept.series_lacking(tx, work.location_id):
        look_at_gaps(series_id, tx)


async def watch_gaps(work: WatchGaps, tx: Transaction) -> None:
    """Look at a series as it is now: clear what is mended, raise what is due, or look later."""
    course = await store.find_course(tx, work.series_id)
    assert course is not None, "series are kept"
    location = await store.find_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    zone = ZoneInfo(location.zone)
    policy = await store.policy_of(tx, location.location_id, course.series.visit_type)
    protocol = protocol_of(policy, course.series, zone)
    gap = gap_of(course, protocol, tx.now, zone)
    after = None if gap is None else appointment_of(course, gap)
    for risk in await kept.open_risks(tx, work.series_id):
        if gap is None or (risk.after_appointment_id, risk.breaks_at) != (
            after,
            rules.breaks_at(gap, zone),
        ):
            await _clear(risk, tx)
    if gap is not None and after is not None:
        await _raise_or_look_later(tx, course, location, protocol, gap, after)


def appointment_of(course: Course, gap: OpenGap) -> UUID:
    [after] = (
        each.appointment_id for each in course.visits if each.sequence_no == gap.after.sequence_no
    )
    return after


async def _raise_or_look_later(
    tx: Transaction,
    course: Course,
    location: Location,
    protocol: InfusionProtocol,
    gap: OpenGap,
    after: UUID,
) -> None:
    series, zone = course.series, ZoneInfo(location.zone)
    days = await _days_that_save(tx, course.series, location, protocol, gap)
    free = [start.at for day in days for start in day.starts]
    lead_h = await figure_of(tx, HouseFigure.GAP_RISK_H)
    last_places = await figure_of(tx, HouseFigure.GAP_RISK_PLACES)
    places = sum(day.places_for(last_places + 1) for day in days)
    due = rules.raise_at(gap, free, tx.now, lead_h, zone)
    if places <= last_places:
        due = tx.now
    if due > tx.now:
        again = min(due, tx.now + rules.LOOK_AGAIN)
        tx.do(WatchGaps(series_id=series.series_id), due=again, key=gaps_key(series.series_id))
        return
    breaks_at = rules.breaks_at(gap, zone)
    if await kept.raise_risk(tx, series, after, breaks_at):
        tx.publish(
            SeriesGapAtRisk(
                patient_id=series.patient_id,
                series_id=series.series_id,
                after_appointment_id=after,
                location_id=series.location_id,
                breaks_at=breaks_at,
                free_starts=len(free),
                last_free_at=max(free, default=None),
            )
        )


async def _days_that_save(
    tx: Transaction, series: Series, location: Location, protocol: InfusionProtocol, gap: OpenGap
) -> list[Day]:
    """The days on which an infusion still saves a gap. None where it is over: nobody noted it."""
    first = max(gap.earliest, tx.now.astimezone(ZoneInfo(location.zone)).date())
    if first > gap.due_by:
        return []
    place = await place_of(
        tx,
        location,
        series.visit_type,
        series.patient_id,
        Preferences(first, gap.due_by),
        protocol=protocol,
        series_id=series.series_id,
    )
    place = replace(place, any_hour=True)
    return await asyncio.to_thread(days_of, place, first, gap.due_by)


async def _clear(risk: GapRisk, tx: Transaction) -> None:
    await kept.clear_risk(tx, risk.risk_id)
    tx.publish(
        SeriesGapMended(
            patient_id=risk.patient_id,
            series_id=risk.series_id,
            after_appointment_id=risk.after_appointment_id,
            mended_at=tx.now,
        )
    )


async def list_risks(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[GapRiskAnswer] | Refused:
    """The gaps at risk now, the one that was raised first at the top."""

    def item(row: Row[Any]) -> GapRiskAnswer:
        risk, broken = row._mapping, row.breaks_at <= tx.now  # noqa: SLF001  # its public name
        do = rules.what_to_do(row.breaks_at, ZoneInfo(row.zone), broken=broken)
        return GapRiskAnswer.model_validate({**risk, "broken": broken, "do": do})

    rows = kept.risks_raised(location_id)
    return await page(
        tx, rows, by=kept.BY_RAISED, asked=asked, item=item, shown_to=reader, as_entity="gap_risk"
    )
