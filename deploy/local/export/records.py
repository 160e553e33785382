"""What an export says, once it is understood. Times are instants; the zone stays beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.events.billing import TenderKind
from shared.events.scheduling import RideMode, VisitType


class StaffRole(StrEnum):
    PRESCRIBER = "prescriber"
    NURSE = "nurse"
    FRONT_DESK = "front_desk"
    BILLER = "biller"


class Coverage(StrEnum):
    """What an export may name as who pays for a patient's care."""

    SELF_PAY = "self_pay"
    COMMERCIAL = "commercial"
    MEDICARE = "medicare"
    MEDICAID = "medicaid"


class Concern(StrEnum):
    """What an export may name as found at screening."""

    ACTIVE_LIVER_DISEASE = "active_liver_disease"
    HEART_DISEASE = "heart_disease"
    UNCONTROLLED_BLOOD_PRESSURE = "uncontrolled_blood_pressure"


@dataclass(frozen=True, slots=True)
class Address:
    line1: str
    line2: str | None
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True, slots=True)
class Location:
    location: str
    name: str
    zone: ZoneInfo
    legal_name: str
    ein: str
    npi: str
    phone: str
    address: Address


@dataclass(frozen=True, slots=True)
class Chair:
    chair: str
    location: str
    name: str


@dataclass(frozen=True, slots=True)
class Staff:
    """One person who works at the clinic. Only clinicians have numbers, a phone and an address."""

    staff: str
    role: StaffRole
    name: str
    credential: str | None
    npi: str | None
    license_number: str | None
    dea_number: str | None
    phone: str | None
    address: Address | None

    @property
    def is_clinician(self) -> bool:
        return self.role in {StaffRole.PRESCRIBER, StaffRole.NURSE}


@dataclass(frozen=True, slots=True)
class Fee:
    visit_type: VisitType
    amount_cents: int
    effective_from: date


@dataclass(frozen=True, slots=True)
class Screening:
    """A clinician screened the patient and found nothing; it holds until a day."""

    at: datetime
    by: str
    until: date


@dataclass(frozen=True, slots=True)
class Clearance:
    """A clinician looked into a concern and found that infusions may start, until a day."""

    at: datetime
    by: str
    until: date
    note: str


@dataclass(frozen=True, slots=True)
class Patient:
    patient: str
    first_name: str
    last_name: str
    birth_date: date
    phone: str
    email: str
    address: Address
    location: str
    registered_at: datetime
    coverage: tuple[Coverage, ...]
    concerns: tuple[Concern, ...]
    screening: Screening | None
    clearance: Clearance | None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Card:
    """A card that a patient has saved at a moment; the newest is the card on file."""

    patient: str
    number: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Series:
    series: str
    patient: str
    prescriber: str
    location: str
    visit_type: VisitType
    diagnoses: tuple[str, ...]
    booked_at: datetime
    stopped_at: datetime | None
    stop_reason: str | None
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Move:
    """The front desk moves a visit, at one moment to another."""

    at: datetime
    to: datetime


@dataclass(frozen=True, slots=True)
class Ride:
    confirmed_at: datetime
    mode: RideMode
    name: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class OutsidePayment:
    """A visit paid outside the card processor, with the reference that proves it."""

    tender: TenderKind
    reference: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Dose:
    """What the series' prescriber planned, and what ran, with nothing left over."""

    weight_g: int
    dose_ug: int
    lot: str


@dataclass(frozen=True, slots=True)
class Course:
    """What happened at a visit that took place."""

    nurse: str
    ride: Ride
    checked_in_at: datetime
    fasted: bool
    drip: timedelta
    dose: Dose
    discharged_after: timedelta
    outside_payment: OutsidePayment | None
    issuer_declines: str | None
    tried_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a series: what was planned, and what happened."""

    visit: str
    series: str
    sequence_no: int
    chair: str
    booked_for: datetime
    move: Move | None
    course: Course | None

    @property
    def starts_at(self) -> datetime:
        """When the visit is or was, after any move."""
        return self.move.to if self.move else self.booked_for


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong in the outside world from a moment on."""

    ordered_at: datetime
    system: str
    kind: str
    route: str
    times: int
    status: int | None
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Clinic:
    """A whole export. Everything is keyed by the names that the files give."""

    locations: dict[str, Location]
    chairs: dict[str, Chair]
    staff: dict[str, Staff]
    fees: tuple[Fee, ...]
    patients: dict[str, Patient]
    cards: tuple[Card, ...]
    series: dict[str, Series]
    visits: dict[str, Visit]
    faults: tuple[Fault, ...]

    def zone_of(self, patient: Patient) -> ZoneInfo:
        return self.locations[patient.location].zone

    def first_of(self, role: StaffRole) -> Staff | None:
        return next((staff for staff in self.staff.values() if staff.role is role), None)

    def series_of(self, patient: Patient) -> Iterator[Series]:
        return (series for series in self.series.values() if series.patient == patient.patient)

    def visits_of(self, series: Series) -> list[Visit]:
        """The visits of a series, first to last."""
        return [visit for visit in self.visits.values() if visit.series == series.series]

    def cards_of(self, patient: Patient) -> list[Card]:
        """A patient's cards, oldest first."""
        found = [card for card in self.cards if card.patient == patient.patient]
        return sorted(found, key=lambda card: card.saved_at)

    def only(self, *patients: str) -> Clinic:
        """The same clinic with no other patients, and nothing of theirs.

        Faults of the outside world stay: they befall whoever comes along.
        """
        series = {key: one for key, one in self.series.items() if one.patient in patients}
        return Clinic(
            locations=self.locations,
            chairs=self.chairs,
            staff=self.staff,
            fees=self.fees,
            patients={key: self.patients[key] for key in patients},
            cards=tuple(card for card in self.cards if card.patient in patients),
            series=series,
            visits={key: one for key, one in self.visits.items() if one.series in series},
            faults=self.faults,
        )
