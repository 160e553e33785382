"""The claim check: what a random id of an event is redeemed for at an internal API.

Events carry ids and no patient data. A service that must print a name or reach a phone asks for
it here, over an authenticated call that scheduling audits with its purpose, and keeps a sealed
copy of its own. These shapes are the contract of `/internal`; scheduling answers with them, and
billing with the addresses of pay links.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal, Protocol, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from shared.auth import Actor, Role, Tokens
from shared.errors import KeyRefused, Poison, Retry
from shared.events import Moment
from shared.events.scheduling import TypeCode
from shared.written import LEGIBLE, told

TIME_LIMIT_S = 5.0
TOKEN_LIVES = timedelta(minutes=5)

PRINTABLE = told(r"^[^\x00-\x1f\x7f]+$", "one line of text, without control characters")
"""No control characters: these texts are printed on one line, and PostgreSQL keeps no NUL."""

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=PRINTABLE),
    LEGIBLE,
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=30, pattern=PRINTABLE),
    LEGIBLE,
]
E164 = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^\+[1-9][0-9]{7,14}$", "a number with its country, such as +12025550123")
    ),
]
Email = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "an address such as ada@example.org"),
        max_length=254,
    ),
]
Npi = Annotated[
    str, StringConstraints(pattern=told(r"^[12][0-9]{9}$", "ten digits, the first a 1 or a 2"))
]
Ndc = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^[0-9]{5}-[0-9]{4}-[0-9]{2}$", "eleven digits such as 12345-6789-01")
    ),
]
Icd10 = Annotated[
    str,
    StringConstraints(
        pattern=told(r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$", "a code of ICD-10-CM such as F41.1")
    ),
]


class _Claim(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Address(_Claim):
    line1: Line
    line2: Line | None = None
    city: Name
    state: Annotated[
        str, StringConstraints(pattern=told(r"^[A-Z]{2}$", "two capital letters, such as VA"))
    ]
    postal_code: Annotated[
        str,
        StringConstraints(
            pattern=told(
                r"^[0-9]{5}(-[0-9]{4})?$", "five digits, such as 22314, or nine as in 22314-0000"
            )
        ),
    ]


class PatientCard(_Claim):
    """Who a patient is and how to reach them."""

    patient_id: UUID
    first_name: Name
    last_name: Name
    birth_date: date
    phone: E164
    email: Email
    address: Address


class ClinicianCard(_Claim):
    """Who renders or prescribes, as superbills and prescriptions print it."""

    clinician_id: UUID
    name: Line
    credential: Name
    npi: Npi
    license_number: Name
    dea_number: Name | None
    phone: E164
    address: Address


class LocationCard(_Claim):
    """A place with chairs, and the legal entity that bills for it."""

    location_id: UUID
    name: Line
    zone: str
    legal_name: Line
    ein: Annotated[
        str,
        StringConstraints(pattern=told(r"^[0-9]{2}-[0-9]{7}$", "nine digits such as 12-3456789")),
    ]
    npi: Npi
    phone: E164
    address: Address


class _OfPatient(_Claim):
    """What is claimed about one patient, whose card comes with it."""

    patient: PatientCard

    @property
    def patient_id(self) -> UUID:
        """Whom the record is about, for the audit log."""
        return self.patient.patient_id


class DrugGiven(_Claim):
    """What ran in an infusion, as far as it is on record. Payers take an NDC as 5-4-2 digits."""

    name: Line
    route: Name
    dose_ug: int | None = None
    dose: Name | None = None
    """As people read it, in the unit that the catalogue has for the drug: `35.5 mg`, `10 mL`."""
    strength: Name | None = None
    is_compounded: bool = False
    ndc: Ndc | None = None
    ndc_unit: Literal["ML", "UN", "GR", "F2"] | None = None
    ndc_quantity: (
        Annotated[
            str,
            StringConstraints(
                pattern=told(
                    r"^[0-9]{1,7}(\.[0-9]{1,3})?$",
                    "a number with at most three digits behind its point",
                )
            ),
        ]
        | None
    ) = None


class InfusionRecord(_OfPatient):
    """What a superbill needs to know of one completed infusion.

    Without `stopped_at` its record is open. `drug_name` is what its type of visit gives, where it
    gives a drug; `drug` is missing until what ran is recorded.
    """

    infusion_id: UUID
    rendering: ClinicianCard
    location: LocationCard
    visit_type: TypeCode
    diagnoses: tuple[Icd10, ...]
    started_at: Moment
    stopped_at: Moment | None
    drug_name: Line | None = None
    drug: DrugGiven | None = None


class Attendance(_Claim):
    """That a patient came and was treated, for a bank that doubts the payment: no word of why.

    `consent_id` names the consent that the drip was started on, as scheduling keeps it. Of a
    session `infusion_id` is its appointment's, and there is none: it starts on no consent.
    """

    infusion_id: UUID
    patient_id: UUID
    first_name: Name
    last_name: Name
    location: LocationCard
    started_at: Moment
    stopped_at: Moment
    consent_id: UUID | None = None
    consent_signed_at: Moment | None = None


class ConsultRecord(_OfPatient):
    """What a superbill needs to know of one session that took place."""

    appointment_id: UUID
    rendering: ClinicianCard
    location: LocationCard
    visit_type: TypeCode
    diagnoses: tuple[Icd10, ...]
    started_at: Moment
    ended_at: Moment


class SeriesRecord(_OfPatient):
    """What a prescription needs to know of one completed series."""

    series_id: UUID
    prescriber: ClinicianCard
    location: LocationCard


class PayLinkAddress(_Claim):
    """Where a patient pays one charge; no address once nobody can pay there any more."""

    pay_link_id: UUID
    patient_id: UUID
    url: (
        Annotated[
            str,
            StringConstraints(
                pattern=told(r"^https?://[^\s]+$", "an address that begins with https://"),
                max_length=2000,
            ),
        ]
        | None
    )
    expires_at: Moment


class PlannedVisit(_Claim):
    """A visit that was given or is still to be: when, and how long its drip is planned to run."""

    starts_at: Moment
    infusion_min: int


class _Plan(_OfPatient):
    """What an estimate needs to know. Visits that were lost are not in it."""

    prescriber: ClinicianCard
    location: LocationCard
    visit_type: TypeCode
    diagnoses: tuple[Icd10, ...]
    visits: tuple[PlannedVisit, ...]


class SeriesPlan(_Plan):
    """A series as it is planned, with all its visits."""

    series_id: UUID


class TreatmentPlan(_Plan):
    """A treatment or a session outside a series: one visit, or none once it is lost.

    `prescriber` ordered the treatment, or leads the session.
    """

    appointment_id: UUID


C = TypeVar("C", bound=_Claim)


class ClaimCheck(Protocol):
    """The gateway to scheduling's internal API.

    Every method raises `Retry` when scheduling cannot answer now and `Poison` when the id means
    nothing to it (`claim_unknown`) or the answer is not understood (`claim_not_understood`).
    """

    async def patient(self, patient_id: UUID, *, purpose: str) -> PatientCard: ...
    async def location(self, location_id: UUID, *, purpose: str) -> LocationCard: ...
    async def infusion(self, infusion_id: UUID, *, purpose: str) -> InfusionRecord: ...
    async def attendance(self, infusion_id: UUID, *, purpose: str) -> Attendance: ...
    async def session_attendance(self, appointment_id: UUID, *, purpose: str) -> Attendance: ...
    async def consult(self, appointment_id: UUID, *, purpose: str) -> ConsultRecord: ...
    async def series(self, series_id: UUID, *, purpose: str) -> SeriesRecord: ...
    async def plan(self, series_id: UUID, *, purpose: str) -> SeriesPlan: ...
    async def treatment(self, appointment_id: UUID, *, purpose: str) -> TreatmentPlan: ...


class PayLinkCheck(Protocol):
    """The gateway to billing's internal API. It raises as `ClaimCheck` does."""

    async def pay_link(self, pay_link_id: UUID, *, purpose: str) -> PayLinkAddress: ...


class _Claims:
    """Redeems ids over HTTP, as the service `service`, with tokens that it signs itself."""

    producer = ""

    def __init__(self, base_url: str, *, service: str, token_secret: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=TIME_LIMIT_S, trust_env=False, follow_redirects=False
        )
        self._actor = Actor(service, frozenset({Role.SERVICE}))
        self._tokens = Tokens(token_secret)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _redeem(self, claim: type[C], path: str, purpose: str) -> C:
        token = self._tokens.sign(self._actor, valid_for=TOKEN_LIVES)
        try:
            answer = await self._client.get(
                path, params={"purpose": purpose}, headers={"Authorization": f"Bearer {token}"}
            )
        except httpx.HTTPError as error:
            raise Retry(f"{self.producer}_unreachable") from error
        match answer.status_code:
            case 200:
                try:
                    return claim.model_validate_json(answer.content)
                except ValidationError:
                    raise Poison("claim_not_understood") from None
            case 404 | 422:
                raise Poison("claim_unknown")
            case 401:
                raise KeyRefused(
                    f"{self.producer}_refuses_token",
                    vendor=self.producer.capitalize(),
                    setting="PRACTICE_TOKEN_SECRET",
                )
            case status:  # 403 heals when the configuration does: nothing is lost meanwhile
                raise Retry(f"{self.producer}_refuses", f"status {status}")


class SchedulingClaims(_Claims):
    """`ClaimCheck` at scheduling."""

    producer = "scheduling"

    async def patient(self, patient_id: UUID, *, purpose: str) -> PatientCard:
        return await self._redeem(PatientCard, f"/internal/patients/{patient_id}", purpose)

    async def location(self, location_id: UUID, *, purpose: str) -> LocationCard:
        return await self._redeem(LocationCard, f"/internal/locations/{location_id}", purpose)

    async def infusion(self, infusion_id: UUID, *, purpose: str) -> InfusionRecord:
        return await self._redeem(InfusionRecord, f"/internal/infusions/{infusion_id}", purpose)

    async def attendance(self, infusion_id: UUID, *, purpose: str) -> Attendance:
        path = f"/internal/infusions/{infusion_id}/attendance"
        return await self._redeem(Attendance, path, purpose)

    async def session_attendance(self, appointment_id: UUID, *, purpose: str) -> Attendance:
        path = f"/internal/consults/{appointment_id}/attendance"
        return await self._redeem(Attendance, path, purpose)

    async def consult(self, appointment_id: UUID, *, purpose: str) -> ConsultRecord:
        return await self._redeem(ConsultRecord, f"/internal/consults/{appointment_id}", purpose)

    async def series(self, series_id: UUID, *, purpose: str) -> SeriesRecord:
        return await self._redeem(SeriesRecord, f"/internal/series/{series_id}", purpose)

    async def plan(self, series_id: UUID, *, purpose: str) -> SeriesPlan:
        return await self._redeem(SeriesPlan, f"/internal/series/{series_id}/plan", purpose)

    async def treatment(self, appointment_id: UUID, *, purpose: str) -> TreatmentPlan:
        path = f"/internal/treatments/{appointment_id}/plan"
        return await self._redeem(TreatmentPlan, path, purpose)


class BillingClaims(_Claims):
    """`PayLinkCheck` at billing."""

    producer = "billing"

    async def pay_link(self, pay_link_id: UUID, *, purpose: str) -> PayLinkAddress:
        return await self._redeem(PayLinkAddress, f"/internal/pay-links/{pay_link_id}", purpose)
