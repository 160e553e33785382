"""Moments on the clock of a location's wall, and which of them cannot come before which."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from deploy.local.export import cells
from deploy.local.export.records import Location
from deploy.local.export.rows import Row

UNREAD = datetime.max.replace(tzinfo=UTC)
"""Stands for a moment that could not be read. Its row is unsound and is dropped."""


class Landmark(NamedTuple):
    """What a moment must not come before: `at`, in words."""

    at: datetime
    what: str


def moment(
    row: Row, column: str, location: Location | None, *, after: Landmark | None = None
) -> datetime:
    """A local time of a place; where the place is wrong there is nothing to read it in."""
    if location is None:
        row.unsound()
        return UNREAD
    found = row.cell(column, cells.local(location.zone))
    if found is None:
        return UNREAD
    if after is not None and after.at is not UNREAD and found < after.at:
        wall = after.at.astimezone(location.zone)
        row.wrong(column, f"is before {after.what}, on {wall:%Y-%m-%d %H:%M}")
    return found


def moment_if_any(
    row: Row, column: str, location: Location | None, *, after: Landmark | None = None
) -> datetime | None:
    """As `moment`, where an empty cell says that there is none."""
    return moment(row, column, location, after=after) if row.has(column) else None
