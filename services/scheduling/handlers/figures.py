"""The clinic's figures, recorded with their sources: none is ever changed, a later one replaces it.

A row begins on a day that is not past, so what was decided stays explained by the row it was
decided by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.scheduling import store
from services.scheduling.rules import figures as rules
from services.scheduling.rules.figures import Dated
from services.scheduling.tables import (
    ClosureRow,
    ProtocolRow,
    VisitTypeRow,
)
from shared.claims import PRINTABLE, Line
from shared.events import Moment
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown

T = TypeVar("T")

Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
Source = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=PRINTABLE),
]
Clock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""What a clock on the wall shows; 24:00 ends a day."""

Minutes = Annotated[int, Field(ge=0, le=12 * 60)]
Count = Annotated[int, Field(ge=1, le=31)]
MAX_WINDOWS = 7 * 6


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Figure(_Wish, Generic[T]):
    """A figure and where it comes from."""

    value: T
    source: Source


class _Figures(_Wish):
    """Figures that change from a day on; what is left out stays as it is in force that day."""

    effective_from: Day

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.changed():
            raise ValueError("name at least one figure to change")
        return self

    def changed(self) -> dict[str, Figure[Any]]:
        named = self.model_fields_set - {"effective_from"}
        return {name: found for name in named if (found := getattr(self, name)) is not None}


class VisitFiguresWish(_Figures):
    name: Figure[Line] | None = None
    booked_min: Figure[Annotated[int, Field(ge=1, le=12 * 60)]] | None = None
    recovery_min: Figure[Minutes] | None = None
    fasting_min: Figure[Annotated[int, Field(ge=0, le=48 * 60)]] | None = None
    no_drive_min: Figure[Annotated[int, Field(ge=0, le=7 * 24 * 60)]] | None = None
    ride_needed: Figure[bool] | None = None
    chair_needed: Figure[bool] | None = None
    start_every_min: Figure[Annotated[int, Field(ge=1, le=240)]] | None = None


class ProtocolWish(_Figures):
    size_min: Figure[Annotated[int, Field(ge=1, le=20)]] | None = None
    size_max: Figure[Annotated[int, Field(ge=1, le=20)]] | None = None
    gap_min_days: Figure[Count] | None = None
    gap_advised_days: Figure[Count] | None = None
    gap_max_days: Figure[Count] | None = None
    weekly_advised: Figure[Count | None] | None = None
    weekly_cap: Figure[Count | None] | None = None
    course_advised_weeks: Figure[Count | None] | None = None


class VisitFiguresAnswer(BaseModel):
    """The figures of a visit type from a day on, and for each its source."""

    visit_type: str
    effective_from: date
    name: str
    booked_min: int | None
    recovery_min: int
    fasting_min: int
    no_drive_min: int
    ride_needed: bool
    chair_needed: bool
    start_every_min: int
    sources: dict[str, str]


class ProtocolAnswer(BaseModel):
    """How a series of a visit type is given from a day on, and for each figure its source."""

    visit_type: str
    effective_from: date
    kind: str
    size_min: int
    size_max: int
    gap_min_days: int
    gap_advised_days: int
    gap_max_days: int
    weekly_advised: int | None
    weekly_cap: int | None
    course_advised_weeks: int | None
    sources: dict[str, str]


class CatalogueEntry(VisitFiguresAnswer):
    """A visit type in force; `protocol` where it is given as a series."""

    protocol: ProtocolAnswer | None


async def read_catalogue(on: date | None, tx: Transaction) -> list[CatalogueEntry]:
    """Every visit type with the figures in force on a day, today unless it is named."""
    entries = await store.catalogue_on(tx, on or tx.now.date())
    return [
        CatalogueEntry(
            **visit.model_dump(),
            protocol=None if protocol is None else ProtocolAnswer(**protocol.model_dump()),
        )
        for visit, protocol in entries
    ]


async def record_visit_figures(
    visit_type: str, wish: VisitFiguresWish, tx: Transaction
) -> VisitFiguresAnswer | Refused:
    rows = await store.visit_type_rows(tx, visit_type)
    if not rows:
        return Refused.not_found("visit type", "visit_type")
    values = _with_changes(_base(rows, wish.effective_from), wish)
    broken = [
        *rules.broken_by_first_day(wish.effective_from, rows, tx.now.date()),
        *rules.broken_by_length(values),
        *rules.broken_by_driving_ban(values["no_drive_min"], rows[0].no_drive_min),
    ]
    if broken:
        return Refused.by_rules(broken, "The figures are not recorded")
    tx.insert(VisitTypeRow, **values)
    return VisitFiguresAnswer(**values)


async def record_protocol(
    visit_type: str, wish: ProtocolWish, tx: Transaction
) -> ProtocolAnswer | Refused:
    rows = await store.protocol_rows(tx, visit_type)
    if not rows:
        return Refused.not_found("protocol", "visit_type")
    values = _with_changes(_base(rows, wish.effective_from), wish)
    broken = [
        *rules.broken_by_first_day(wish.effective_from, rows, tx.now.date()),
        *rules.broken_by_sizes(values),
    ]
    if broken:
        return Refused.by_rules(broken, "The figures are not recorded")
    tx.insert(ProtocolRow, **values)
    return ProtocolAnswer(**values)


R = TypeVar("R", VisitTypeRow, ProtocolRow)


def _base(rows: Sequence[R], day: date) -> dict[str, Any]:
    """The row in force on a day, else the first."""
    return next((row for row in reversed(rows) if row.effective_from <= day), rows[0]).model_dump()


def _with_changes(values: dict[str, Any], wish: _Figures) -> dict[str, Any]:
    changed = wish.changed()
    return (
        values
        | {"effective_from": wish.effective_from}
        | {name: figure.value for name, figure in changed.items()}
        | {"sources": values["sources"] | {name: each.source for name, each in changed.items()}}
    )


class WindowWish(_Wish):
    """A part of a weekday, Monday being 1, by the clock on the wall."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    weekday: Annotated[int, Field(ge=1, le=7)]
    from_: Annotated[Clock, Field(alias="from")]
    until: Clock

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ >= self.until:
            raise ValueError("until must be later than from, on the same day")
        return self


class ShiftWish(WindowWish):
    nurses: Annotated[int, Field(ge=1, le=100)]


class OpeningHoursWish(_Wish):
    """A whole week; a weekday that is not named is closed."""

    visit_type: Line
    effective_from: Day
    windows: Annotated[list[WindowWish], Field(max_length=MAX_WINDOWS)]
    source: Source


class OpeningHoursAnswer(OpeningHoursWish):
    hours_id: UUID
    location_id: UUID


class RosterWish(_Wish):
    """A whole week of nurses on duty; shifts that overlap add up."""

    effective_from: Day
    chairs_per_nurse: Annotated[int, Field(ge=1, le=50)]
    shifts: Annotated[list[ShiftWish], Field(max_length=MAX_WINDOWS)]
    source: Source


class RosterAnswer(RosterWish):
    roster_id: UUID
    location_id: UUID


class ClosureWish(_Wish):
    """Whole local days, both named ones included."""

    first_on: Day
    last_on: Day
    reason: Line

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.first_on > self.last_on:
            raise ValueError("last_on must not be before first_on")
        return self


class ClosureAnswer(ClosureWish):
    closure_id: UUID
    location_id: UUID
    withdrawn_at: Moment | None = None


async def record_opening_hours(
    location_id: UUID, wish: OpeningHoursWish, tx: Transaction
) -> OpeningHoursAnswer | Refused:
    today = await _today_at(location_id, tx)
    if today is None:
        return Refused.not_found("location", "location_id")
    same_day = await store.has_hours_from(tx, location_id, wish.visit_type, wish.effective_from)
    broken = rules.broken_by_first_day(wish.effective_from, _taken(wish, same=same_day), today)
    if not await store.visit_type_rows(tx, wish.visit_type):
        broken.append(unknown("visit type", "visit_type"))
    broken += rules.broken_by_overlap([(w.weekday, w.from_, w.until) for w in wish.windows])
    if broken:
        return Refused.by_rules(broken, "The hours are not recorded")
    hours_id = new_id()
    row = wish.model_dump(by_alias=True)
    await store.add_opening_hours(tx, hours_id=hours_id, location_id=location_id, **row)
    return OpeningHoursAnswer(hours_id=hours_id, location_id=location_id, **row)


async def record_roster(
    location_id: UUID, wish: RosterWish, tx: Transaction
) -> RosterAnswer | Refused:
    today = await _today_at(location_id, tx)
    if today is None:
        return Refused.not_found("location", "location_id")
    same_day = await store.has_roster_from(tx, location_id, wish.effective_from)
    broken = rules.broken_by_first_day(wish.effective_from, _taken(wish, same=same_day), today)
    if broken:
        return Refused.by_rules(broken, "The roster is not recorded")
    roster_id, row = new_id(), wish.model_dump(by_alias=True)
    await store.add_roster(tx, roster_id=roster_id, location_id=location_id, **row)
    return RosterAnswer(roster_id=roster_id, location_id=location_id, **row)


def _taken(wish: OpeningHoursWish | RosterWish, *, same: bool) -> list[Dated]:
    return [Dated(wish.effective_from)] if same else []


async def record_closure(
    location_id: UUID, wish: ClosureWish, tx: Transaction
) -> ClosureAnswer | Refused:
    """Close a place for whole days. What is booked stays until somebody moves it."""
    today = await _today_at(location_id, tx)
    if today is None:
        return Refused.not_found("location", "location_id")
    broken: list[Broken] = rules.broken_by_past(wish.last_on, today, "last_on")
    if broken:
        return Refused.by_rules(broken, "The closure is not recorded")
    closure_id, row = new_id(), wish.model_dump()
    tx.insert(ClosureRow, closure_id=closure_id, location_id=location_id, **row)
    return ClosureAnswer(closure_id=closure_id, location_id=location_id, **row)


async def withdraw_closure(closure_id: UUID, tx: Transaction) -> ClosureAnswer | Refused:
    """Open a place again that was to be closed."""
    closure = await store.find_closure(tx, closure_id)
    if closure is None:
        return Refused.not_found("closure", "closure_id")
    await store.withdraw_closure(tx, closure_id)
    return ClosureAnswer(**(closure.model_dump() | {"withdrawn_at": tx.now}))


async def _today_at(location_id: UUID, tx: Transaction) -> date | None:
    location = await store.find_location(tx, location_id)
    return None if location is None else tx.now.astimezone(ZoneInfo(location.zone)).date()


class LocationFigures(BaseModel):
    """What is on record of a place, earliest first."""

    location_id: UUID
    opening_hours: list[OpeningHoursAnswer]
    rosters: list[RosterAnswer]
    closures: list[ClosureAnswer]


async def read_location(location_id: UUID, tx: Transaction) -> LocationFigures | Refused:
    if await store.find_location(tx, location_id) is None:
        return Refused.not_found("location", "location_id")
    hours, rosters, closures = await store.figures_at(tx, location_id)
    return LocationFigures(
        location_id=location_id,
        opening_hours=[OpeningHoursAnswer(**row.model_dump()) for row in hours],
        rosters=[RosterAnswer(**row.model_dump()) for row in rosters],
        closures=[ClosureAnswer(**row.model_dump()) for row in closures],
    )
