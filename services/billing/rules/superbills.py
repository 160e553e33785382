"""A superbill: what was done, why, by whom, and that it is paid, in the form that payers take.

Built whole or not at all: `superbill_lint` says what keeps one from being built.
Field list: Osmind, "Introduction to superbills", and CMS-1500 for codes, pointers and units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.billing.rules import coding
from services.billing.rules.diagnoses import words_for
from shared.claims import Address, InfusionRecord
from shared.events.billing import TenderKind
from shared.refusals import Broken

POINTERS_MAX = 4  # CMS-1500 item 24E holds four pointers per line
LETTERS = "ABCDEFGHIJKL"

PAID_BY = {
    TenderKind.CARD: "Card",
    TenderKind.HSA_CARD: "Health savings card",
    TenderKind.CARE_CREDIT: "CareCredit",
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Check",
}

NOTICE = (
    "This is a statement of services that were rendered and paid in full. It is not a bill and"
    " not a claim. The clinic is out of network and accepts no assignment of benefits: please"
    " reimburse the patient. It promises no coverage."
)
PROVIDER_STATEMENT = (
    "The services listed were rendered on the date of service by the clinician named above, and"
    " the fee was received as shown."
)


@dataclass(frozen=True, slots=True)
class BillingEntity:
    """The legal entity that was paid."""

    legal_name: str
    ein: str
    npi: str
    phone: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenderingProvider:
    name: str
    credential: str
    npi: str
    license_number: str


@dataclass(frozen=True, slots=True)
class Patient:
    name: str
    birth_date: date
    phone: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    pointer: str
    code: str
    words: str | None


@dataclass(frozen=True, slots=True)
class PlaceOfService:
    """What a place's code on a line stands for."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One service line. `modifiers` is empty: an infusion alone needs none."""

    date_of_service: date
    place_of_service: str
    code: str
    modifiers: tuple[str, ...]
    words: str
    pointers: tuple[str, ...]
    units: int
    charge_cents: int


@dataclass(frozen=True, slots=True)
class Payment:
    paid_on: date
    method: str
    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Superbill:
    """The document. Its lines sum to the total, its payments pay it, its balance is zero."""

    number: str
    version: int
    issued_on: date
    entity: BillingEntity
    rendering: RenderingProvider
    place: str
    patient: Patient
    diagnoses: tuple[Diagnosis, ...]
    started_at: datetime
    stopped_at: datetime
    infusion_min: int
    lines: tuple[Line, ...]
    places_of_service: tuple[PlaceOfService, ...]
    currency: str
    total_cents: int
    payments: tuple[Payment, ...]
    balance_cents: int
    notice: str
    provider_statement: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of one tender. `reference` is a receipt's, or the payment's own id."""

    tender: TenderKind
    reference: str
    amount_cents: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """A charge that was paid, and what came for it."""

    charge_id: UUID
    amount_cents: int
    payments: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Billed:
    """How far a charge has come on its way to a superbill."""

    patient_id: UUID
    is_paid: bool
    superbill_id: UUID | None
    is_printed: bool


def broken_by_asking(billed: Billed) -> list[Broken]:
    """What forbids asking for a charge's superbill."""
    if not billed.is_paid:
        return [
            Broken(
                "charge_not_paid",
                "A superbill says that its charge is paid, and this one is not yet.",
                "FAQ: a superbill for your insurance; payers reject one with a balance",
            )
        ]
    if billed.is_printed:
        return [
            Broken(
                "superbill_issued",
                f"The superbill of this charge is issued: GET /superbills/{billed.superbill_id}.",
                "one superbill per charge",
            )
        ]
    return []


def number_of(year: int, count: int) -> str:
    """`SB-2026-000001`: in order, without gaps, never used again."""
    return f"SB-{year}-{count:06d}"


def build(record: InfusionRecord, paid: Paid, *, number: str, issued_at: datetime) -> Superbill:
    """The superbill of an infusion in which lint finds nothing. Dates are the clinic's own."""
    zone = ZoneInfo(record.location.zone)
    started_at, stopped_at = record.started_at.astimezone(zone), record.stopped_at.astimezone(zone)
    infusion_min = coding.minutes_between(started_at, stopped_at)
    diagnoses = tuple(
        Diagnosis(letter, code, words_for(code))
        for letter, code in zip(LETTERS, record.diagnoses, strict=False)
    )
    lines = tuple(
        Line(
            date_of_service=started_at.date(),
            place_of_service=coding.OFFICE,
            code=coded.code,
            modifiers=(),
            words=coded.words,
            pointers=tuple(diagnosis.pointer for diagnosis in diagnoses[:POINTERS_MAX]),
            units=coded.units,
            charge_cents=coded.charge_cents,
        )
        for coded in coding.code_infusion(infusion_min, paid.amount_cents)
    )
    total_cents = sum(line.charge_cents for line in lines)
    payments = tuple(
        Payment(
            paid_on=one.at.astimezone(zone).date(),
            method=PAID_BY[one.tender],
            reference=one.reference,
            amount_cents=one.amount_cents,
        )
        for one in paid.payments
    )
    location, rendering, patient = record.location, record.rendering, record.patient
    return Superbill(
        number=number,
        version=1,
        issued_on=issued_at.astimezone(zone).date(),
        entity=BillingEntity(
            legal_name=location.legal_name,
            ein=location.ein,
            npi=location.npi,
            phone=_phone(location.phone),
            address=_lines(location.address),
        ),
        rendering=RenderingProvider(
            name=rendering.name,
            credential=rendering.credential,
            npi=rendering.npi,
            license_number=rendering.license_number,
        ),
        place=location.name,
        patient=Patient(
            name=f"{patient.first_name} {patient.last_name}",
            birth_date=patient.birth_date,
            phone=_phone(patient.phone),
            address=_lines(patient.address),
        ),
        diagnoses=diagnoses,
        started_at=started_at,
        stopped_at=stopped_at,
        infusion_min=infusion_min,
        lines=lines,
        places_of_service=tuple(
            PlaceOfService(code, coding.PLACES_OF_SERVICE[code])
            for code in sorted({line.place_of_service for line in lines})
        ),
        currency="USD",
        total_cents=total_cents,
        payments=payments,
        balance_cents=total_cents - sum(one.amount_cents for one in payments),
        notice=NOTICE,
        provider_statement=PROVIDER_STATEMENT,
    )


def _lines(address: Address) -> tuple[str, ...]:
    town = f"{address.city}, {address.state} {address.postal_code}"
    return tuple(line for line in (address.line1, address.line2, town) if line)


def _phone(e164: str) -> str:
    """`(202) 555-0147` for a number of the North American plan; another stays as it is."""
    if len(e164) == len("+12025550147") and e164.startswith("+1"):
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    return e164
