"""From a folder of files to a `Clinic`, or to everything that is wrong with the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from deploy.local.export import cells
from deploy.local.export.records import (
    Address,
    Card,
    Chair,
    Clearance,
    Clinic,
    Concern,
    Course,
    Fault,
    Fee,
    Location,
    Move,
    OutsidePayment,
    Patient,
    Ride,
    Series,
    Staff,
    StaffRole,
    Visit,
)
from deploy.local.export.rows import Folder, Problem, Row
from deploy.local.outside.faults import FaultKind, System
from deploy.local.outside.stripe.cards import BY_DECLINE_CODE
from shared.events.billing import TenderKind
from shared.events.scheduling import RideMode, VisitType

T = TypeVar("T")

CONFIRMS_RIDE_BEFORE = timedelta(hours=20)
CHECKS_IN_BEFORE = timedelta(minutes=15)
RESTS_AFTERWARDS = timedelta(minutes=30)

_ADDRESS = ("line1", "line2", "city", "state", "postal_code")
_COLUMNS = {
    "locations.csv": ("location", "name", "zone", "legal_name", "ein", "npi", "phone", *_ADDRESS),
    "chairs.csv": ("chair", "location", "name"),
    "staff.csv": (
        *("staff", "role", "name", "credential", "npi", "license_number", "dea_number", "phone"),
        *_ADDRESS,
    ),
    "fees.csv": ("visit_type", "fee_usd", "effective_from"),
    "patients.csv": (
        *("patient", "first_name", "last_name", "birth_date", "phone", "email"),
        *_ADDRESS,
        *("location", "registered_at", "concerns", "cleared_at", "cleared_by", "clearance_note"),
    ),
    "cards.csv": ("patient", "card_number", "saved_at"),
    "series.csv": (
        *("series", "patient", "prescriber", "location", "visit_type", "diagnoses", "booked_at"),
        *("stopped_at", "stop_reason", "signed_at"),
    ),
    "visits.csv": (
        *("visit", "series", "chair", "starts_at", "moved_at", "moved_to", "nurse", "ride"),
        *("ride_name", "ride_phone", "ride_confirmed_at", "checked_in_at", "fasted", "drip_min"),
        *("discharged_after_min", "tender", "reference", "paid_at", "issuer_declines"),
        "tried_again_at",
    ),
    "faults.csv": (
        *("ordered_at", "location", "system", "kind", "route", "times", "status", "seconds"),
    ),
}
_UNREAD = datetime.max.replace(tzinfo=UTC)
_MAY_BE_MISSING = frozenset({"cards.csv", "faults.csv"})


class BadExport(Exception):
    """The files cannot be lived through. Holds every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class _Table(Generic[T]):
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


def read_clinic(path: Path) -> Clinic:
    """Read an export. Raises `BadExport` with every problem found in any file."""
    folder = Folder(path)
    if not path.is_dir():
        raise BadExport([Problem(str(path), "is not a folder")])
    reading = _Reading(folder)
    clinic = reading.clinic()
    if folder.problems:
        raise BadExport(folder.problems)
    return clinic


class _Reading:
    """The files in the order in which they refer to one another."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._locations: _Table[Location] = _Table("location", "locations.csv")
        self._chairs: _Table[Chair] = _Table("chair", "chairs.csv")
        self._staff: _Table[Staff] = _Table("staff", "staff.csv")
        self._patients: _Table[Patient] = _Table("patient", "patients.csv")
        self._series: _Table[Series] = _Table("series", "series.csv")
        self._visits: _Table[Visit] = _Table("visit", "visits.csv")
        self._counted: Counter[str] = Counter()
        self._latest: dict[str, datetime] = {}

    def clinic(self) -> Clinic:
        self._locations.fill(self._rows("locations.csv"), _location)
        self._chairs.fill(self._rows("chairs.csv"), self._chair)
        self._staff.fill(self._rows("staff.csv"), _staff)
        fees = _sound(self._rows("fees.csv"), _fee)
        self._patients.fill(self._rows("patients.csv"), self._patient)
        cards = _sound(self._rows("cards.csv"), self._card)
        self._series.fill(self._rows("series.csv"), self._one_series)
        self._visits.fill(self._rows("visits.csv"), self._visit)
        faults = _sound(self._rows("faults.csv"), self._fault)
        self._say_what_is_empty()
        return Clinic(
            locations=self._locations.items,
            chairs=self._chairs.items,
            staff=self._staff.items,
            fees=tuple(fees),
            patients=self._patients.items,
            cards=tuple(cards),
            series=self._series.items,
            visits=self._visits.items,
            faults=tuple(faults),
        )

    def _rows(self, file: str) -> Iterable[Row]:
        return self._folder.rows(file, _COLUMNS[file], needed=file not in _MAY_BE_MISSING)

    def _say_what_is_empty(self) -> None:
        if self._folder.problems:
            return
        empty = {
            "locations.csv": not self._locations.items,
            "patients.csv": not self._patients.items,
        }
        self._folder.problems += [
            Problem(file, "has no rows") for file, is_empty in empty.items() if is_empty
        ]
        for series in self._series.items:
            if not self._counted[series]:
                self._folder.problems.append(
                    Problem("series.csv", f"{series!r} has no visits in visits.csv")
                )

    def _chair(self, row: Row, key: str) -> Chair:
        location = self._locations.referred(row, "location")
        return Chair(
            chair=key,
            location=location.location if location else "",
            name=row.cell("name", cells.line),
        )

    def _patient(self, row: Row, key: str) -> Patient:
        location = self._locations.referred(row, "location")
        return Patient(
            patient=key,
            first_name=row.cell("first_name", cells.short),
            last_name=row.cell("last_name", cells.short),
            birth_date=row.cell("birth_date", cells.day),
            phone=row.cell("phone", cells.phone),
            email=row.cell("email", cells.email),
            address=_address(row),
            location=location.location if location else "",
            registered_at=_moment(row, "registered_at", location),
            concerns=row.maybe("concerns", cells.several(cells.one_of(Concern))) or (),
            clearance=self._clearance(row, location),
        )

    def _clearance(self, row: Row, location: Location | None) -> Clearance | None:
        if not row.together("cleared_at", "cleared_by", "clearance_note"):
            return None
        if not row.has("concerns"):
            row.wrong("cleared_at", "no concern is named that would need a clearance")
        return Clearance(
            at=_moment(row, "cleared_at", location),
            by=self._member(row, "cleared_by", StaffRole.PRESCRIBER, StaffRole.NURSE),
            note=row.cell("clearance_note", cells.note),
        )

    def _member(self, row: Row, column: str, *roles: StaffRole) -> str:
        member = self._staff.referred(row, column)
        if member is None:
            return ""
        if member.role not in roles:
            row.wrong(column, f"{member.staff!r} is a {member.role}, not a {' or '.join(roles)}")
        return member.staff

    def _card(self, row: Row) -> Card:
        patient = self._patients.referred(row, "patient")
        location = self._locations.items.get(patient.location) if patient else None
        return Card(
            patient=patient.patient if patient else "",
            number=row.cell("card_number", cells.card_number),
            saved_at=_moment(row, "saved_at", location),
        )

    def _one_series(self, row: Row, key: str) -> Series:
        patient = self._patients.referred(row, "patient")
        location = self._locations.referred(row, "location")
        stopped = row.together("stopped_at", "stop_reason")
        return Series(
            series=key,
            patient=patient.patient if patient else "",
            prescriber=self._member(row, "prescriber", StaffRole.PRESCRIBER),
            location=location.location if location else "",
            visit_type=row.cell("visit_type", cells.one_of(VisitType)),
            diagnoses=row.cell("diagnoses", cells.diagnoses),
            booked_at=_moment(row, "booked_at", location),
            stopped_at=_moment(row, "stopped_at", location) if stopped else None,
            stop_reason=row.cell("stop_reason", cells.note) if stopped else None,
            signed_at=_moment(row, "signed_at", location) if row.has("signed_at") else None,
        )

    def _visit(self, row: Row, key: str) -> Visit:
        series = self._series.referred(row, "series")
        location = self._locations.items.get(series.location) if series else None
        chair = self._chairs.referred(row, "chair")
        if series and chair and chair.location != series.location:
            row.wrong(
                "chair", f"{chair.chair!r} stands in {chair.location}, not in {series.location}"
            )
        booked_for = _moment(row, "starts_at", location)
        move = None
        if row.together("moved_at", "moved_to"):
            move = Move(
                at=_moment(row, "moved_at", location), to=_moment(row, "moved_to", location)
            )
        visit = Visit(
            visit=key,
            series=series.series if series else "",
            sequence_no=self._next_number(row, series, booked_for),
            chair=chair.chair if chair else "",
            booked_for=booked_for,
            move=move,
            course=None,
        )
        if any(row.has(column) for column in ("nurse", "ride", "drip_min")):
            course = self._course(row, location, visit.starts_at if row.sound else None)
            return replace(visit, course=course)
        for column in _COLUMNS["visits.csv"][_COLUMNS["visits.csv"].index("ride_name") :]:
            if row.has(column):
                row.wrong(column, "says what happened at a visit without nurse, ride and drip_min")
        return visit

    def _next_number(self, row: Row, series: Series | None, starts_at: datetime | None) -> int:
        """The visit's place in its series, which is its place in the file."""
        if series is None:
            return 0
        self._counted[series.series] += 1
        before = self._latest.get(series.series)
        if starts_at is not None:
            if before is not None and starts_at <= before:
                row.wrong("starts_at", "is not after the visit of this series before it")
            self._latest[series.series] = starts_at
        return self._counted[series.series]

    def _course(self, row: Row, location: Location | None, starts_at: datetime | None) -> Course:
        def moment(column: str) -> datetime | None:
            return _moment(row, column, location) if row.has(column) else None

        start = starts_at or _UNREAD
        return Course(
            nurse=self._member(row, "nurse", StaffRole.NURSE, StaffRole.PRESCRIBER),
            ride=_ride(row, moment("ride_confirmed_at") or start - CONFIRMS_RIDE_BEFORE),
            checked_in_at=moment("checked_in_at") or start - CHECKS_IN_BEFORE,
            fasted=row.cell("fasted", cells.yes_or_no),
            drip=row.cell("drip_min", cells.minutes),
            discharged_after=row.maybe("discharged_after_min", cells.minutes) or RESTS_AFTERWARDS,
            outside_payment=_outside_payment(row, location),
            issuer_declines=row.maybe("issuer_declines", _decline_code),
            tried_again_at=moment("tried_again_at"),
        )

    def _fault(self, row: Row) -> Fault:
        location = self._locations.referred(row, "location")
        return Fault(
            ordered_at=_moment(row, "ordered_at", location),
            system=row.cell("system", cells.one_of(System)),
            kind=row.cell("kind", cells.one_of(FaultKind)),
            route=row.cell("route", cells.line),
            times=row.maybe("times", cells.count) or 1,
            status=row.maybe("status", cells.error_status),
            seconds=row.maybe("seconds", cells.seconds),
        )


def _sound(rows: Iterable[Row], build: Callable[[Row], T]) -> list[T]:
    return [built for row in rows for built in [build(row)] if row.sound]


def _moment(row: Row, column: str, location: Location | None) -> datetime:
    """A local time of a place; where the place is wrong there is nothing to read it in."""
    if location is None:
        row.unsound()
        return _UNREAD
    return row.cell(column, cells.local(location.zone))


def _address(row: Row) -> Address:
    return Address(
        line1=row.cell("line1", cells.line),
        line2=row.maybe("line2", cells.line),
        city=row.cell("city", cells.short),
        state=row.cell("state", cells.state),
        postal_code=row.cell("postal_code", cells.postal_code),
    )


def _location(row: Row, key: str) -> Location:
    return Location(
        location=key,
        name=row.cell("name", cells.line),
        zone=row.cell("zone", cells.zone),
        legal_name=row.cell("legal_name", cells.line),
        ein=row.cell("ein", cells.ein),
        npi=row.cell("npi", cells.npi),
        phone=row.cell("phone", cells.phone),
        address=_address(row),
    )


def _staff(row: Row, key: str) -> Staff:
    role = row.cell("role", cells.one_of(StaffRole))
    clinician = role in {StaffRole.PRESCRIBER, StaffRole.NURSE}

    def needed(column: str, read: Callable[[str], str]) -> str | None:
        return row.cell(column, read) if clinician else row.maybe(column, read)

    return Staff(
        staff=key,
        role=role,
        name=row.cell("name", cells.line),
        credential=needed("credential", cells.short),
        npi=needed("npi", cells.npi),
        license_number=needed("license_number", cells.short),
        dea_number=(
            row.cell("dea_number", cells.dea_number)
            if role is StaffRole.PRESCRIBER
            else row.maybe("dea_number", cells.dea_number)
        ),
        phone=needed("phone", cells.phone),
        address=_address(row) if clinician else None,
    )


def _fee(row: Row) -> Fee:
    return Fee(
        visit_type=row.cell("visit_type", cells.one_of(VisitType)),
        amount_cents=row.cell("fee_usd", cells.dollars),
        effective_from=row.cell("effective_from", cells.day),
    )


def _ride(row: Row, confirmed_at: datetime) -> Ride:
    mode = row.cell("ride", cells.one_of(RideMode))
    if mode is RideMode.DRIVER and not row.has("ride_name"):
        row.wrong("ride_name", "must not be empty when a driver comes: who is it?")
    return Ride(
        confirmed_at=confirmed_at,
        mode=mode,
        name=row.maybe("ride_name", cells.line),
        phone=row.maybe("ride_phone", cells.phone),
    )


def _outside_payment(row: Row, location: Location | None) -> OutsidePayment | None:
    tender = row.maybe("tender", cells.one_of(TenderKind)) or TenderKind.CARD
    if tender is TenderKind.CARD:
        for column in ("reference", "paid_at"):
            if row.has(column):
                row.wrong(column, "is for a visit that is not paid by card: fill tender as well")
        return None
    return OutsidePayment(
        tender=tender,
        reference=row.cell("reference", cells.key),
        paid_at=_moment(row, "paid_at", location),
    )


def _decline_code(text: str) -> str:
    if text not in BY_DECLINE_CODE:
        raise ValueError(f"{text!r} is not one of {', '.join(BY_DECLINE_CODE)}")
    return text


def columns() -> Mapping[str, tuple[str, ...]]:
    """Each file's columns, in the order in which the shipped files have them."""
    return _COLUMNS
