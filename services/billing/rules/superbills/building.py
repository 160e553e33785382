"""The superbill of one infusion, built from its record, what was paid and the codes of its day.

`document` puts together what a superbill of any service has.

All dates are the clinic's own. Nothing is judged here: `superbill_lint` reads what was built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.billing.rules.as_printed import address_lines, as_dialled
from services.billing.rules.charges.coverage import stamps_for
from services.billing.rules.superbills import coding
from services.billing.rules.superbills.additions import NOTHING_ADDED, Additions
from services.billing.rules.superbills.codebook import CodeBook
from services.billing.rules.superbills.document import (
    LETTERS,
    PAID_BY,
    BillingEntity,
    Diagnosis,
    Drug,
    Issue,
    Line,
    Paid,
    Patient,
    Payment,
    PlaceOfService,
    Receipt,
    Refund,
    RenderingProvider,
    Superbill,
    Visit,
)
from services.billing.rules.superbills.wording import standing_of
from shared.claims import ConsultRecord, DrugGiven, InfusionRecord

POINTERS_MAX = 4  # CMS-1500 item 24E holds four pointers per line

_MICROGRAMS_PER_MG = 1000


ServiceRecord = InfusionRecord | ConsultRecord


def served_on(record: ServiceRecord) -> date:
    """The date of service: the day on which it began, where it was rendered."""
    return record.started_at.astimezone(ZoneInfo(record.location.zone)).date()


def build(
    record: InfusionRecord,
    paid: Paid,
    book: CodeBook,
    issue: Issue,
    added: Additions = NOTHING_ADDED,
) -> Superbill:
    """The superbill of an infusion that has started and stopped."""
    assert record.stopped_at is not None, "lint holds what has no stop time"
    infusion_min = coding.minutes_between(record.started_at, record.stopped_at)
    visit = visit_of(record, record.stopped_at, added, infusion_min=infusion_min)
    diagnoses = diagnoses_of(record, book, added)
    drug, codes = record.drug, book.of_infusion(record.visit_type, record.drug_name)
    assert codes is not None, "lint holds what has no codes"
    coded = coding.code_infusion(
        infusion_min,
        paid.amount_cents,
        codes,
        is_compounded=drug is not None and drug.is_compounded,
    )
    lines = tuple(
        Line(
            visit_no=1,
            date_of_service=visit.date_of_service,
            place_of_service=codes.place,
            code=one.code,
            modifiers=(),
            words=book.words_for(one.code),
            pointers=pointers_to(diagnoses),
            units=one.units,
            charge_cents=one.charge_cents,
            reduced_cents=0,
            why=one.why,
            drug=_drug(drug) if drug is not None and one.is_drug else None,
        )
        for one in coded
    )
    places = places_of(lines, book)
    return document(record, visit, diagnoses, lines, places, paid, issue, added)


def document(
    record: ServiceRecord,
    visit: Visit,
    diagnoses: tuple[Diagnosis, ...],
    lines: tuple[Line, ...],
    places: tuple[PlaceOfService, ...],
    paid: Paid,
    issue: Issue,
    added: Additions,
) -> Superbill:
    """One visit's superbill: who rendered it to whom, its lines, and the money.

    What was given up of the charge is spread over the lines here.
    """
    location, patient, zone = record.location, record.patient, ZoneInfo(record.location.zone)
    paid_cents = sum(one.amount_cents for one in paid.payments)
    refunded_cents = sum(one.amount_cents for one in paid.refunds)
    total_cents = sum(line.charge_cents for line in lines)
    balance_cents = total_cents - paid.reduced_cents - (paid_cents - refunded_cents)
    standing = standing_of(
        balance_cents=balance_cents,
        net_paid_cents=paid_cents - refunded_cents,
        reduced_cents=paid.reduced_cents,
    )
    words = issue.wording.statements[standing]
    return Superbill(
        number=issue.number,
        version=issue.version,
        replaces=issue.replaces,
        standing=standing,
        title=words.title,
        month=None,
        gathers=(),
        issued_on=issue.issued_at.astimezone(zone).date(),
        entity=BillingEntity(
            legal_name=location.legal_name,
            ein=location.ein,
            npi=location.npi,
            phone=as_dialled(location.phone),
            email=added.clinic.email,
            address=address_lines(location.address),
        ),
        patient=Patient(
            name=f"{patient.first_name} {patient.last_name}",
            birth_date=patient.birth_date,
            sex=added.patient.sex,
            phone=as_dialled(patient.phone),
            address=address_lines(patient.address),
            insurance=None if added.coverage is None else added.coverage.plan,
        ),
        referrer=added.patient.referrer,
        diagnoses=diagnoses,
        visits=(visit,),
        lines=tuple(_reduced(lines, paid.reduced_cents)),
        places_of_service=places,
        currency="USD",
        total_cents=total_cents,
        payments=tuple(
            Payment(one.at.astimezone(zone).date(), *_told(one)) for one in paid.payments
        ),
        refunds=tuple(Refund(one.at.astimezone(zone).date(), *_told(one)) for one in paid.refunds),
        paid_cents=paid_cents,
        refunded_cents=refunded_cents,
        net_paid_cents=paid_cents - refunded_cents,
        reduced_cents=paid.reduced_cents,
        balance_cents=balance_cents,
        notice=words.notice,
        assertion=words.assertion,
        stamps=stamps_for(added.coverage),
    )


def _reduced(lines: Iterable[Line], reduced_cents: int) -> Iterator[Line]:
    """Each line with its share, by its charge, of what was given up. Shares sum to it exactly."""
    lines = tuple(lines)
    total_cents = sum(line.charge_cents for line in lines)
    so_far_cents = given_cents = 0
    for line in lines:
        so_far_cents += line.charge_cents
        share_cents = reduced_cents * so_far_cents // max(total_cents, 1) - given_cents
        given_cents += share_cents
        yield replace(line, reduced_cents=share_cents)


def places_of(lines: Iterable[Line], book: CodeBook) -> tuple[PlaceOfService, ...]:
    """What the places' codes on the lines stand for."""
    codes = sorted({line.place_of_service for line in lines})
    known = {code: book.places.get(code) for code in codes}
    return tuple(PlaceOfService(code, one.words if one else "") for code, one in known.items())


def diagnoses_of(record: ServiceRecord, book: CodeBook, added: Additions) -> tuple[Diagnosis, ...]:
    """The record's diagnoses under their letters, in the words of the book where they are told."""

    def words_for(code: str) -> str | None:
        known = book.diagnoses.get(code)
        return known.words if known is not None and added.patient.tells_diagnoses else None

    return tuple(
        Diagnosis(letter, code, words_for(code))
        for letter, code in zip(LETTERS, record.diagnoses, strict=False)
    )


def pointers_to(diagnoses: tuple[Diagnosis, ...]) -> tuple[str, ...]:
    """As many letters as one line holds."""
    return tuple(diagnosis.pointer for diagnosis in diagnoses[:POINTERS_MAX])


def visit_of(
    record: ServiceRecord, ended_at: datetime, added: Additions, *, infusion_min: int | None
) -> Visit:
    """The visit by the clinic's clock, and who rendered it."""
    rendering, zone = record.rendering, ZoneInfo(record.location.zone)
    return Visit(
        date_of_service=served_on(record),
        place=record.location.name,
        rendering=RenderingProvider(
            name=rendering.name,
            credential=rendering.credential,
            npi=rendering.npi,
            license_number=rendering.license_number,
            license_state=added.clinician.license_state,
            taxonomy=added.clinician.taxonomy,
            supervising=added.clinician.supervising,
        ),
        started_at=record.started_at.astimezone(zone),
        stopped_at=ended_at.astimezone(zone),
        infusion_min=infusion_min,
        signed=f"Signature on file: {rendering.name}, {rendering.credential}",
    )


def _drug(given: DrugGiven) -> Drug:
    return Drug(
        name=given.name,
        route=given.route,
        dose=_dose(given),
        strength=given.strength,
        ndc=given.ndc,
        ndc_unit=given.ndc_unit,
        ndc_quantity=given.ndc_quantity,
    )


def _dose(given: DrugGiven) -> str | None:
    """In the drug's own unit; of records of before it was named, in milligrams."""
    if given.dose is not None:
        return given.dose
    return None if given.dose_ug is None else f"{_plain(given.dose_ug)} mg"


def _plain(micrograms: int) -> str:
    """Milligrams without trailing zeros: `35`, `35.5`."""
    whole, odd = divmod(micrograms, _MICROGRAMS_PER_MG)
    return f"{whole}.{odd:03d}".rstrip("0").rstrip(".")


def _told(one: Receipt) -> tuple[str, str, int]:
    return PAID_BY[one.tender], one.reference, one.amount_cents
