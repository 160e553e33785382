"""What the files read so far hold by key; later files refer to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from deploy.local.export import cells
from deploy.local.export.records import (
    Chair,
    Fee,
    Location,
    Patient,
    Series,
    Staff,
    StaffRole,
    Visit,
)
from deploy.local.export.rows import Row
from shared.events.scheduling import VisitType

T = TypeVar("T")


class Table(Generic[T]):
    """What one file holds by key, and which keys it names at all."""

    def __init__(self, noun: str, file: str) -> None:
        self.noun = noun
        self.file = file
        self.items: dict[str, T] = {}
        self._lines: dict[str, int] = {}

    def fill(self, rows: Iterable[Row], build: Callable[[Row, str], T]) -> None:
        """Add what each row says under its key, unless something about it is wrong."""
        for row in rows:
            key = row.cell(self.noun, cells.key)
            if key in self._lines:
                row.wrong(self.noun, f"{key!r} stands in line {self._lines[key]} already")
            elif row.sound:
                self._lines[key] = row.line
            built = build(row, key)
            if row.sound:
                self.items[key] = built

    def referred(self, row: Row, column: str) -> T | None:
        """What a cell refers to; an unknown key is a problem of the row that names it."""
        key = row.cell(column, cells.key)
        if key is None:
            return None
        if key not in self._lines:
            row.wrong(column, f"{key!r} is no {self.noun} of {self.file}")
        elif key not in self.items:
            row.unsound()
        return self.items.get(key)


@dataclass(slots=True)
class Known:
    """The tables in the order in which they refer to one another."""

    locations: Table[Location] = field(default_factory=lambda: Table("location", "locations.csv"))
    chairs: Table[Chair] = field(default_factory=lambda: Table("chair", "chairs.csv"))
    staff: Table[Staff] = field(default_factory=lambda: Table("staff", "staff.csv"))
    fees: list[Fee] = field(default_factory=list)
    fees_are_sound: bool = True
    """Where a fee cannot be read nobody else is blamed for its absence."""
    patients: Table[Patient] = field(default_factory=lambda: Table("patient", "patients.csv"))
    series: Table[Series] = field(default_factory=lambda: Table("series", "series.csv"))
    visits: Table[Visit] = field(default_factory=lambda: Table("visit", "visits.csv"))

    def member(self, row: Row, column: str, *roles: StaffRole) -> str:
        """Who of the staff a cell names; somebody of another role is a problem."""
        member = self.staff.referred(row, column)
        if member is None:
            return ""
        if member.role not in roles:
            row.wrong(column, f"{member.staff!r} is a {member.role}, not a {' or '.join(roles)}")
        return member.staff

    def has_fee(self, visit_type: VisitType, on: date | None = None) -> bool:
        """Whether a kind of visit has a fee: at all, or one that has begun by a day."""
        return not self.fees_are_sound or any(
            fee.visit_type is visit_type and (on is None or fee.effective_from <= on)
            for fee in self.fees
        )
