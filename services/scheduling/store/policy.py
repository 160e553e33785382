"""The figures in force, and those to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.clinic.policy import (
    Closure,
    OpeningHours,
    Policy,
    Roster,
    Shift,
    VisitFigures,
    Window,
    minute_of,
)
from services.scheduling.rules.series.protocols import InfusionProtocol
from services.scheduling.store.rows import every, one
from services.scheduling.tables.figures import (
    ClosureRow,
    OpeningHoursRow,
    ProtocolRow,
    RosterRow,
    VisitTypeRow,
)
from shared.messaging import Transaction

_POLICY = text(
    """
    SELECT (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.effective_from, v.revision) FROM visit_types v
             WHERE v.visit_type = :visit_type) AS visits,
           (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.effective_from, p.revision) FROM protocols p
             WHERE p.visit_type = :visit_type) AS protocols,
           (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.effective_from, h.revision) FROM opening_hours h
             WHERE h.visit_type = :visit_type
               AND (h.location_id = :location_id OR h.location_id IS NULL)) AS hours,
           (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.effective_from, r.revision) FROM rosters r
             WHERE r.location_id = :location_id) AS rosters,
           (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.first_on) FROM closures c
             WHERE c.location_id = :location_id AND c.withdrawn_at IS NULL) AS closures,
           (SELECT jsonb_object_agg(f.figure, f.value ORDER BY f.effective_from, f.revision)
              FROM house_figures f WHERE f.effective_from <= :today) AS house
    """
)


async def infusion_types(tx: Transaction) -> list[str]:
    """The visit types that are given in a chair."""
    rows = select(col(VisitTypeRow.visit_type)).where(col(VisitTypeRow.chair_needed)).distinct()
    return list((await tx.execute(rows.order_by(col(VisitTypeRow.visit_type)))).scalars())


async def policy_of(tx: Transaction, location_id: UUID, visit_type: str) -> Policy:
    """Every row that speaks of one visit type at one place, in one statement.

    Of the house's figures the latest that is in force, by UTC's day as for all of them.
    """
    asked = {"location_id": location_id, "visit_type": visit_type, "today": tx.now.date()}
    row = (await tx.execute(_POLICY, asked)).mappings().one()
    hours = row["hours"] or []
    return Policy(
        visits=tuple(map(_visit, row["visits"] or [])),
        planning=Planning(**{each.name: row["house"][each.name] for each in fields(Planning)}),
        protocols=tuple(
            (_date(each["effective_from"]), _protocol(each)) for each in row["protocols"] or []
        ),
        hours=tuple(_hours(each) for each in hours if each["location_id"] is not None),
        house_hours=tuple(_hours(each) for each in hours if each["location_id"] is None),
        rosters=tuple(map(_roster, row["rosters"] or [])),
        closures=tuple(map(_closure, row["closures"] or [])),
    )


def _date(value: str) -> date:
    return date.fromisoformat(value)


def _figures(kind: type[VisitFigures | InfusionProtocol], row: Mapping[str, Any]) -> dict[str, Any]:
    moments = {"effective_from", "recorded_at"}
    return {each.name: row[each.name] for each in fields(kind) if each.name not in moments}


def _visit(row: Mapping[str, Any]) -> VisitFigures:
    return VisitFigures(effective_from=_date(row["effective_from"]), **_figures(VisitFigures, row))


def _protocol(row: Mapping[str, Any]) -> InfusionProtocol:
    since = row["recorded_at"]
    recorded_at = None if since is None else datetime.fromisoformat(since)
    return InfusionProtocol(recorded_at=recorded_at, **_figures(InfusionProtocol, row))


def _window(row: Mapping[str, Any]) -> Window:
    return Window(row["weekday"], minute_of(row["from"]), minute_of(row["until"]))


def _hours(row: Mapping[str, Any]) -> OpeningHours:
    windows = tuple(map(_window, row["windows"]))
    return OpeningHours(_date(row["effective_from"]), windows, row["source"])


def _roster(row: Mapping[str, Any]) -> Roster:
    shifts = tuple(Shift(_window(each), each["nurses"]) for each in row["shifts"])
    return Roster(_date(row["effective_from"]), row["chairs_per_nurse"], shifts, row["source"])


def _closure(row: Mapping[str, Any]) -> Closure:
    return Closure(_date(row["first_on"]), _date(row["last_on"]), row["reason"])


async def catalogue_on(tx: Transaction, day: date) -> list[tuple[VisitTypeRow, ProtocolRow | None]]:
    """Every visit type with its figures in force on a day, by name."""
    visits = (
        select(VisitTypeRow)
        .ext(distinct_on(col(VisitTypeRow.visit_type)))
        .where(col(VisitTypeRow.effective_from) <= day)
        .order_by(
            col(VisitTypeRow.visit_type),
            col(VisitTypeRow.effective_from).desc(),
            col(VisitTypeRow.revision).desc(),
        )
    )
    protocols = (
        select(ProtocolRow)
        .ext(distinct_on(col(ProtocolRow.visit_type)))
        .where(col(ProtocolRow.effective_from) <= day)
        .order_by(
            col(ProtocolRow.visit_type),
            col(ProtocolRow.effective_from).desc(),
            col(ProtocolRow.revision).desc(),
        )
    )
    by_type = {row.visit_type: row for row in await every(tx, protocols, ProtocolRow)}
    return [(row, by_type.get(row.visit_type)) for row in await every(tx, visits, VisitTypeRow)]


async def visit_type_rows(tx: Transaction, visit_type: str) -> list[VisitTypeRow]:
    """All figures of a type, earliest first."""
    rows = select(VisitTypeRow).where(col(VisitTypeRow.visit_type) == visit_type)
    order = col(VisitTypeRow.effective_from), col(VisitTypeRow.revision)
    return await every(tx, rows.order_by(*order), VisitTypeRow)


async def series_types(tx: Transaction) -> list[str]:
    """The types that are given as a series, by name."""
    rows = select(col(ProtocolRow.visit_type)).distinct().order_by(col(ProtocolRow.visit_type))
    return list((await tx.execute(rows)).scalars())


async def protocol_rows(tx: Transaction, visit_type: str) -> list[ProtocolRow]:
    rows = select(ProtocolRow).where(col(ProtocolRow.visit_type) == visit_type)
    order = col(ProtocolRow.effective_from), col(ProtocolRow.revision)
    return await every(tx, rows.order_by(*order), ProtocolRow)


async def add_opening_hours(tx: Transaction, **values: object) -> None:
    """Written at once: the gathered rows of `tx.insert` are arrays, which take no lists."""
    await tx.execute(insert(OpeningHoursRow).values(recorded_at=tx.now, **values))


async def add_roster(tx: Transaction, **values: object) -> None:
    """As for opening hours."""
    await tx.execute(insert(RosterRow).values(recorded_at=tx.now, **values))


async def hours_rows(tx: Transaction, location_id: UUID, visit_type: str) -> list[OpeningHoursRow]:
    rows = select(OpeningHoursRow).where(
        col(OpeningHoursRow.location_id) == location_id,
        col(OpeningHoursRow.visit_type) == visit_type,
    )
    return await every(tx, rows, OpeningHoursRow)


async def roster_rows(tx: Transaction, location_id: UUID) -> list[RosterRow]:
    return await every(
        tx, select(RosterRow).where(col(RosterRow.location_id) == location_id), RosterRow
    )


async def next_roster_from(tx: Transaction, location_id: UUID, day: date) -> date | None:
    """The first day of the roster that replaces the one of this first day, if there is one."""
    rows = select(func.min(col(RosterRow.effective_from))).where(
        col(RosterRow.location_id) == location_id, col(RosterRow.effective_from) > day
    )
    first_day: date | None = (await tx.execute(rows)).scalar_one()
    return first_day


async def find_closure(tx: Transaction, closure_id: UUID) -> ClosureRow | None:
    rows = select(ClosureRow).where(
        col(ClosureRow.closure_id) == closure_id, col(ClosureRow.withdrawn_at).is_(None)
    )
    return await one(tx, rows.with_for_update(), ClosureRow)


async def withdraw_closure(tx: Transaction, closure_id: UUID) -> None:
    await tx.execute(
        update(ClosureRow)
        .where(col(ClosureRow.closure_id) == closure_id)
        .values(withdrawn_at=tx.now)
    )


async def figures_at(
    tx: Transaction, location_id: UUID
) -> tuple[list[OpeningHoursRow], list[RosterRow], list[ClosureRow]]:
    """A place's own rows, earliest first."""
    hours = (
        select(OpeningHoursRow)
        .where(col(OpeningHoursRow.location_id) == location_id)
        .order_by(
            col(OpeningHoursRow.effective_from),
            col(OpeningHoursRow.visit_type),
            col(OpeningHoursRow.revision),
        )
    )
    rosters = (
        select(RosterRow)
        .where(col(RosterRow.location_id) == location_id)
        .order_by(col(RosterRow.effective_from), col(RosterRow.revision))
    )
    closures = (
        select(ClosureRow)
        .where(col(ClosureRow.location_id) == location_id)
        .order_by(col(ClosureRow.first_on))
    )
    return (
        await every(tx, hours, OpeningHoursRow),
        await every(tx, rosters, RosterRow),
        await every(tx, closures, ClosureRow),
    )
