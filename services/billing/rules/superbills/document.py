"""A superbill: what was done, why, by whom, and that it is paid, in the form that payers take.

The shape of the document. `building` makes one, `wording` has what it says of itself, `lint` says
what keeps it from being issued. Field list: Osmind, "Introduction to superbills", and CMS-1500 for
codes, pointers and units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.billing.rules.charges.coverage import InsurancePlan
from services.billing.rules.superbills.additions import NamedProvider, Sex
from services.billing.rules.superbills.wording import Standing, Wording
from shared.events.billing import TenderKind
from shared.refusals import Broken

LETTERS = "ABCDEFGHIJKL"

PAID_BY = {
    TenderKind.CARD: "Card",
    TenderKind.HSA_CARD: "Health savings card",
    TenderKind.CARE_CREDIT: "CareCredit",
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Check",
    TenderKind.PREPAID: "Prepaid package",
}


class CorrectionReason(StrEnum):
    """Why a superbill has another version."""

    REFUND = "refund"
    RECORD = "record"
    VISIT = "visit"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class BillingEntity:
    """The legal entity that was paid."""

    legal_name: str
    ein: str
    npi: str
    phone: str
    email: str | None
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenderingProvider:
    """`supervising` is named where it is another person."""

    name: str
    credential: str
    npi: str
    license_number: str
    license_state: str | None
    taxonomy: str | None
    supervising: NamedProvider | None


@dataclass(frozen=True, slots=True)
class Patient:
    """`insurance` is the plan that the patient hands it in to, where the clinic was told."""

    name: str
    birth_date: date
    sex: Sex | None
    phone: str
    address: tuple[str, ...]
    insurance: InsurancePlan | None


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
class Drug:
    """What the drug line informs of. `ndc` is as payers take it, 5-4-2."""

    name: str
    route: str
    dose: str | None
    strength: str | None
    ndc: str | None
    ndc_unit: str | None
    ndc_quantity: str | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One infusion or session by the clock, and who rendered it.

    `infusion_min` is how long the drip ran; a session has none. `signed` is the clinician's
    signature.
    """

    date_of_service: date
    place: str
    rendering: RenderingProvider
    started_at: datetime
    stopped_at: datetime
    infusion_min: int | None
    signed: str


@dataclass(frozen=True, slots=True)
class Line:
    """One service line. `why` has a line of explanation for each unit.

    `visit_no` counts the document's visits from 1: its clock and its clinician are the line's.
    `reduced_cents` is the part of the charge that the clinic gave up.
    """

    visit_no: int
    date_of_service: date
    place_of_service: str
    code: str
    modifiers: tuple[str, ...]
    words: str
    pointers: tuple[str, ...]
    units: int
    charge_cents: int
    reduced_cents: int
    why: tuple[str, ...]
    drug: Drug | None


@dataclass(frozen=True, slots=True)
class Payment:
    paid_on: date
    method: str
    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back, to the tender that it came by."""

    refunded_on: date
    method: str
    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """The version that this one takes the place of, and why."""

    version: int
    issued_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Superbill:
    """The document. Its lines sum to the total, its payments pay it, its balance is zero.

    Only a version that replaces another has one: a payment did not come after all. `standing`
    follows from the money, and what the document says of itself from that.
    That of a month, `2026-11`, gathers the superbills of its visits and names their numbers.
    `stamps` name the programs that take no claim for it.
    """

    number: str
    version: int
    replaces: Replaced | None
    standing: Standing
    title: str
    month: str | None
    gathers: tuple[str, ...]
    issued_on: date
    entity: BillingEntity
    patient: Patient
    referrer: NamedProvider | None
    diagnoses: tuple[Diagnosis, ...]
    visits: tuple[Visit, ...]
    lines: tuple[Line, ...]
    places_of_service: tuple[PlaceOfService, ...]
    currency: str
    total_cents: int
    payments: tuple[Payment, ...]
    refunds: tuple[Refund, ...]
    paid_cents: int
    refunded_cents: int
    net_paid_cents: int
    reduced_cents: int
    balance_cents: int
    notice: str
    assertion: str
    stamps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of one tender, come or gone. `reference` is a receipt's, or the payment's own id."""

    tender: TenderKind
    reference: str
    amount_cents: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """A charge that was paid: what came for it, and what was given back.

    `amount_cents` is the fee as it was charged. `reduced_cents` is what the clinic gave up of it,
    before it was paid or with a refund; the rest was owed, and paid.
    """

    charge_id: UUID
    amount_cents: int
    payments: tuple[Receipt, ...]
    refunds: tuple[Receipt, ...] = ()
    reduced_cents: int = 0


@dataclass(frozen=True, slots=True)
class Issue:
    """Which document it will be, in the words of its day.

    `replaces` names the version before, from the second on.
    """

    number: str
    issued_at: datetime
    wording: Wording
    replaces: Replaced | None = None

    @property
    def version(self) -> int:
        return 1 if self.replaces is None else self.replaces.version + 1


@dataclass(frozen=True, slots=True)
class Billed:
    """How far a charge has come on its way to a superbill."""

    patient_id: UUID
    is_paid: bool
    is_given_up: bool
    superbill_id: UUID | None
    is_printed: bool
    held_correction: CorrectionReason | None = None


def broken_by_asking(billed: Billed) -> list[Broken]:
    """What forbids asking for a charge's superbill."""
    if billed.is_printed and billed.held_correction is None:
        return [
            Broken(
                "superbill_issued",
                f"The superbill of this charge is issued: GET /superbills/{billed.superbill_id}.",
                "one superbill per charge",
            )
        ]
    if billed.is_given_up and billed.superbill_id is None:
        return [
            Broken(
                "charge_given_up",
                "Nothing was paid of this charge and kept: it was given up, and there is nothing"
                " that an insurer could reimburse. A statement shows it:"
                f" POST /patients/{billed.patient_id}/statements.",
                "a superbill is a statement of what was paid",
            )
        ]
    if not billed.is_paid:
        return [
            Broken(
                "charge_not_paid",
                "A superbill says that its charge is paid, and this one is not yet. Take what is"
                f" owed (GET /patients/{billed.patient_id}/charges); the superbill then makes"
                " itself.",
                "FAQ: a superbill for your insurance; payers reject one with a balance",
            )
        ]
    return []


BEING_PRINTED = Broken(
    "superbill_not_issued",
    "The newest version is not printed yet. Wait for it, or ask for the charge's superbill.",
    "what is corrected was issued",
)


def broken_by_correcting(*, is_printed: bool, latest_id: UUID, asked_id: UUID) -> list[Broken]:
    """What forbids having a version corrected."""
    if latest_id != asked_id:
        return [
            Broken(
                "superbill_replaced",
                f"A later version took its place. Correct that one: GET /superbills/{latest_id}.",
                "corrections follow one another",
            )
        ]
    if not is_printed:
        return [BEING_PRINTED]
    return []


def says_the_same(one: Superbill, other: Superbill) -> bool:
    """Whether two versions differ in nothing but which version they are."""
    return (
        replace(
            one,
            number=other.number,
            version=other.version,
            replaces=other.replaces,
            issued_on=other.issued_on,
        )
        == other
    )


def number_of(year: int, count: int) -> str:
    """`SB-2026-000001`: in order, without gaps, never used again."""
    return f"SB-{year}-{count:06d}"
