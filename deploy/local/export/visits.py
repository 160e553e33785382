"""The visits of the series: when they are planned, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from deploy.local.export.columns import COLUMNS
from deploy.local.export.courses import course
from deploy.local.export.known import Known
from deploy.local.export.moments import UNREAD, Landmark, moment
from deploy.local.export.records import Location, Move, Series, Visit
from deploy.local.export.rows import Row

_SAYS_WHAT_HAPPENED = COLUMNS["visits.csv"][COLUMNS["visits.csv"].index("ride_name") :]


class Visits:
    """Reads visit after visit; each has its place in its series by its place in the file."""

    def __init__(self, known: Known) -> None:
        self.counted: Counter[str] = Counter()
        self._known = known
        self._latest: dict[str, datetime] = {}

    def visit(self, row: Row, key: str) -> Visit:
        series = self._known.series.referred(row, "series")
        location = self._known.locations.items.get(series.location) if series else None
        booked = Landmark(series.booked_at if series else UNREAD, "the series is booked")
        booked_for = moment(row, "starts_at", location, after=booked)
        visit = Visit(
            visit=key,
            series=series.series if series else "",
            sequence_no=self._next_number(row, series, booked_for),
            chair=self._chair(row, series),
            booked_for=booked_for,
            move=_move(row, location, booked),
            course=None,
        )
        if any(row.has(column) for column in ("nurse", "ride", "drip_min")):
            starts_at = visit.starts_at if row.sound else UNREAD
            happened = course(row, location, starts_at, booked, self._known)
            visit = replace(visit, course=happened)
            self._check_fee(row, visit, series, location)
            return visit
        for column in _SAYS_WHAT_HAPPENED:
            if row.has(column):
                row.wrong(column, "says what happened at a visit without nurse, ride and drip_min")
        return visit

    def _chair(self, row: Row, series: Series | None) -> str:
        chair = self._known.chairs.referred(row, "chair")
        if series and chair and chair.location != series.location:
            row.wrong(
                "chair", f"{chair.chair!r} stands in {chair.location}, not in {series.location}"
            )
        return chair.chair if chair else ""

    def _next_number(self, row: Row, series: Series | None, starts_at: datetime) -> int:
        if series is None:
            return 0
        self.counted[series.series] += 1
        before = self._latest.get(series.series)
        if starts_at is not UNREAD:
            if before is not None and starts_at <= before:
                row.wrong("starts_at", "is not after the visit of this series before it")
            self._latest[series.series] = starts_at
        return self.counted[series.series]

    def _check_fee(
        self, row: Row, visit: Visit, series: Series | None, location: Location | None
    ) -> None:
        """A completed infusion is charged the fee in force on the day on which it ends."""
        if not row.sound or series is None or location is None or visit.course is None:
            return
        day = (visit.starts_at + visit.course.drip).astimezone(location.zone).date()
        if not self._known.has_fee(series.visit_type, on=day):
            row.wrong(
                "moved_to" if visit.move else "starts_at",
                f"no fee of fees.csv for {series.visit_type} has begun on {day}",
            )


def _move(row: Row, location: Location | None, booked: Landmark) -> Move | None:
    if not row.together("moved_at", "moved_to"):
        return None
    at = moment(row, "moved_at", location, after=booked)
    return Move(at=at, to=moment(row, "moved_to", location, after=Landmark(at, "it is moved")))
