"""A good faith estimate: what a patient is going to be charged, itemised, before it is owed.

45 CFR 149.610(c)(1) says what stands in it. Its texts are the clinic's, from a day on each: see
`Wording`. Built whole or not at all: `lint` says what keeps one from being built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from services.billing.rules.as_printed import address_lines, as_dialled, is_shown
from services.billing.rules.superbills import coding, words
from services.billing.rules.superbills.codebook import CodeBook
from services.billing.rules.superbills.coding import Coded
from shared.claims import ClinicianCard, LocationCard
from shared.events.billing import EstimateReason
from shared.events.scheduling import TypeCode
from shared.identifiers import is_ein, is_npi
from shared.refusals import Broken

NO_FEE = Broken(
    "no_fee_in_force",
    "No fee is recorded for a day on which a visit is planned. Record it: POST /fees.",
    "45 CFR 149.610(c)(1): the expected charge of each item",
)
NO_WORDING = Broken(
    "no_wording_in_force",
    "The estimate's texts name no such visit. Record them: POST /estimate-wordings.",
    "45 CFR 149.610(c)(1): the primary service in plain words",
)
NO_CODE = Broken(
    "no_code_expected",
    "No code is on record for what such a visit gives. Record the one that is expected (POST"
    " /expected-codes) or, of an infusion, its drug (POST /visit-type-drugs).",
    "45 CFR 149.610(c)(1): the expected service codes",
)
NUMBERS = Broken(
    "provider_numbers",
    "An NPI or EIN of the clinic or of the clinician does not check. Correct it in scheduling.",
    "45 CFR 149.610(c)(1): NPI and TIN of each provider",
)
NOT_SHOWN = Broken(
    "letters_not_shown",
    "A name, an address or one of the clinic's texts has letters that a document cannot show, such"
    " as Chinese or Arabic ones. Enter it in Latin letters.",
    "45 CFR 149.610(e): an estimate is given in writing",
)

_BY_RULE = {one.rule: one for one in (NO_FEE, NO_WORDING, NO_CODE, NUMBERS, NOT_SHOWN)}


class EstimateState(StrEnum):
    """Where an estimate stands on a day. It follows from documents and days and is kept nowhere."""

    DRAFTED = "drafted"
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Wording:
    """The clinic's texts from a day on. `services` names each visit type in plain words."""

    wording_id: int
    services: Mapping[str, str]
    separately: tuple[str, ...]
    disclaimers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """One visit that is given or to come. Without a day it is not booked yet."""

    on: date | None
    infusion_min: int
    fee_cents: int | None


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    birth_date: date


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be done for whom, by whom and where, as scheduling knows it.

    `expected_code` is that of a session; an infusion's codes follow from its planned minutes and
    the drug that its type gives.
    """

    person: Person
    clinician: ClinicianCard | None
    location: LocationCard
    visit_type: TypeCode
    diagnoses: tuple[str, ...]
    visits: tuple[Expected, ...]
    expected_code: str | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.location.zone)

    @property
    def total_cents(self) -> int:
        return sum(visit.fee_cents or 0 for visit in self.visits)

    @property
    def is_free(self) -> bool:
        return all(visit.fee_cents == 0 for visit in self.visits)

    @property
    def last_on(self) -> date | None:
        return max((visit.on for visit in self.visits if visit.on), default=None)

    def next_on(self, today: date) -> date | None:
        """The next visit from today on."""
        return min((v.on for v in self.visits if v.on and v.on >= today), default=None)


@dataclass(frozen=True, slots=True)
class Scope:
    """What an estimate in force covers, as far as a change of it calls for another."""

    visit_type: str
    fees_cents: tuple[int, ...]
    expires_on: date


@dataclass(frozen=True, slots=True)
class Provider:
    """Who is expected to furnish a service, where, under which numbers."""

    name: str
    role: str
    npi: str
    tin: str
    place: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """An expected service: so many times on these days, at this charge each time."""

    words: str
    code: str
    units: int
    times: int
    days: tuple[date, ...]
    each_cents: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class Clinic:
    """The letterhead."""

    legal_name: str
    phone: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The document. Its items sum to its total."""

    number: str
    version: int
    replaces_version: int | None
    reason: EstimateReason
    issued_on: date
    expires_on: date
    clinic: Clinic
    patient: Person
    primary_service: str
    first_on: date | None
    diagnoses: tuple[str, ...]
    providers: tuple[Provider, ...]
    items: tuple[Item, ...]
    currency: str
    total_cents: int
    separately: tuple[str, ...]
    disclaimers: tuple[str, ...]
    wording_id: int


@dataclass(frozen=True, slots=True)
class Issue:
    """Under which number and for which reason a version is issued, from when to when it holds."""

    number: str
    version: int
    reason: EstimateReason
    issued_on: date
    expires_on: date


def lint(plan: Plan, wording: Wording | None, book: CodeBook) -> list[Broken]:
    """What keeps an estimate from being built."""
    broken = []
    if any(visit.fee_cents is None for visit in plan.visits):
        broken.append(NO_FEE)
    if wording is None or plan.visit_type not in wording.services:
        broken.append(NO_WORDING)
    if plan.expected_code is None and book.of_infusion(plan.visit_type, None) is None:
        broken.append(NO_CODE)
    npis = [plan.location.npi, *([plan.clinician.npi] if plan.clinician else [])]
    if not (all(map(is_npi, npis)) and is_ein(plan.location.ein)):
        broken.append(NUMBERS)
    if not all(is_shown(text) for text in _texts(plan, wording)):
        broken.append(NOT_SHOWN)
    return broken


def _texts(plan: Plan, wording: Wording | None) -> Iterator[str]:
    """What an estimate says in words that somebody typed."""
    location, clinician = plan.location, plan.clinician
    yield from (plan.person.name, location.legal_name, location.name)
    yield from address_lines(location.address)
    if clinician is not None:
        yield from (clinician.name, clinician.credential)
    if wording is not None:
        yield from (*wording.services.values(), *wording.separately, *wording.disclaimers)


def in_words(rules: Sequence[str]) -> list[Broken]:
    """What the names of broken rules stand for."""
    return [_BY_RULE[rule] for rule in rules if rule in _BY_RULE]


def why_anew(issued: Scope, plan: Plan) -> EstimateReason | None:
    """Why what is expected now calls for another estimate. A moved day alone does not."""
    if issued.visit_type != plan.visit_type:
        return EstimateReason.VISIT_TYPE_CHANGED
    if len(issued.fees_cents) != len(plan.visits):
        return EstimateReason.INFUSIONS_CHANGED
    if sorted(issued.fees_cents) != sorted(visit.fee_cents or 0 for visit in plan.visits):
        return EstimateReason.FEES_CHANGED
    if plan.last_on is not None and plan.last_on > issued.expires_on:
        return EstimateReason.TERM_PASSED
    return None


def number_of(year: int, count: int) -> str:
    """`GFE-2026-000001`: in order, without gaps; versions share it."""
    return f"GFE-{year}-{count:06d}"


def build(plan: Plan, wording: Wording, book: CodeBook, issue: Issue) -> Estimate:
    """The estimate of a plan in which lint finds nothing."""
    items = tuple(_items(plan, book))
    location = plan.location
    return Estimate(
        number=issue.number,
        version=issue.version,
        replaces_version=issue.version - 1 or None,
        reason=issue.reason,
        issued_on=issue.issued_on,
        expires_on=issue.expires_on,
        clinic=Clinic(
            location.legal_name, as_dialled(location.phone), address_lines(location.address)
        ),
        patient=plan.person,
        primary_service=wording.services[plan.visit_type],
        first_on=min((visit.on for visit in plan.visits if visit.on), default=None),
        diagnoses=plan.diagnoses,
        providers=tuple(_providers(plan)),
        items=items,
        currency="USD",
        total_cents=sum(item.total_cents for item in items),
        separately=wording.separately,
        disclaimers=wording.disclaimers,
        wording_id=wording.wording_id,
    )


def _items(plan: Plan, book: CodeBook) -> list[Item]:
    """Visits of one length and fee are one item for each of their codes."""

    def kind(visit: Expected) -> tuple[int, int]:
        return visit.infusion_min, visit.fee_cents or 0

    items = []
    for (infusion_min, fee_cents), visits in groupby(sorted(plan.visits, key=kind), key=kind):
        alike = list(visits)
        days = tuple(sorted(visit.on for visit in alike if visit.on))
        items += [
            Item(
                words=book.words_for(coded.code),
                code=coded.code,
                units=coded.units,
                times=len(alike),
                days=days,
                each_cents=coded.charge_cents,
                total_cents=coded.charge_cents * len(alike),
            )
            for coded in _coded(plan, book, infusion_min, fee_cents)
        ]
    return items


def _coded(plan: Plan, book: CodeBook, infusion_min: int, fee_cents: int) -> list[Coded]:
    """An infusion has the lines of its clock, its drug's as on a superbill; a session has one."""
    infusion = book.of_infusion(plan.visit_type, None)
    if infusion is not None:
        return coding.code_infusion(infusion_min, fee_cents, infusion)
    assert plan.expected_code is not None, "lint holds what has no code"
    return [Coded(plan.expected_code, ("The code that the clinic expects.",), fee_cents)]


def broken_by_expecting(visit_type: str, code: str, book: CodeBook) -> list[Broken]:
    """What forbids recording the code that is expected of sessions of a type."""
    if book.of_infusion(visit_type, None) is not None:
        return [
            Broken(
                "coded_by_clock",
                "Visits of this type are infusions: their codes follow from the planned minutes.",
                "CPT 96365: infusions are coded by time",
                "visit_type",
            )
        ]
    known = book.services.get(code)
    if known is None:
        return [words.CODE_UNKNOWN]
    return [] if known.is_billable else [words.CODE_NOT_BILLABLE]


def broken_by_free(fee_cents: int | None) -> list[Broken]:
    """What forbids asking for an estimate of visits at a fee, if one is in force."""
    if fee_cents != 0:
        return []
    return [
        Broken(
            "nothing_charged",
            "Nothing is charged for such a visit. Tell who asks that it is free.",
            "45 CFR 149.610(a)(2): an estimate is of expected charges",
            "wish.visit_type",
        )
    ]


def _providers(plan: Plan) -> list[Provider]:
    location = plan.location
    clinic = Provider(
        name=location.legal_name,
        role="Facility",
        npi=location.npi,
        tin=location.ein,
        place=location.name,
        address=address_lines(location.address),
    )
    if plan.clinician is None:
        return [clinic]
    clinician = Provider(
        name=f"{plan.clinician.name}, {plan.clinician.credential}",
        role="Clinician",
        npi=plan.clinician.npi,
        tin=location.ein,
        place=location.name,
        address=address_lines(location.address),
    )
    return [clinician, clinic]
