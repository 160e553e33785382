"""Who else may have to pay, as staff record it: answers, standing with Medicare, signed papers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.charges.gates import have_looked_at
from services.billing.handlers.listing import as_item
from services.billing.rules.charges import coverage as rules
from services.billing.rules.charges.coverage import (
    Coverage,
    CoverageKind,
    InsurancePlan,
    MedicareStatus,
    Paper,
    PaperKind,
    Standing,
)
from services.billing.rules.clinic import clinic_day
from services.billing.store import coverage as store
from services.billing.store import held_charges
from services.billing.tables import ClinicianStanding, CoveragePaper, PatientCoverage
from shared.claims import PRINTABLE
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

Source = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=200, pattern=PRINTABLE),
]


PlanWords = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=PRINTABLE)
]


class Plan(BaseModel):
    """As it stands on the insurance card. Superbills print it."""

    payer: PlanWords
    member_id: PlanWords
    group_number: PlanWords | None = None


class CoverageAnswers(BaseModel):
    """What a patient answered when asked, and from which day on it is so."""

    kinds: Annotated[set[CoverageKind], Field(min_length=1)]
    intends_to_submit_claim: bool
    plan: Plan | None = None
    effective_from: Day


class CoverageRecorded(CoverageAnswers):
    coverage_id: UUID
    patient_id: UUID
    recorded_by: str


async def record_coverage(
    patient_id: UUID, wish: CoverageAnswers, by: str, tx: Transaction
) -> CoverageRecorded | Refused:
    """Keep a patient's answers. They count for charges to come and for those that are held."""
    if broken := rules.broken_by_answers(wish.kinds, wish.effective_from, clinic_day(tx.now)):
        return Refused.by_rules(broken)
    coverage_id = new_id()
    plan = None if wish.plan is None else InsurancePlan(**wish.plan.model_dump())
    answered = Coverage(frozenset(wish.kinds), wish.intends_to_submit_claim, plan)
    tx.insert(
        PatientCoverage,
        coverage_id=coverage_id,
        patient_id=patient_id,
        effective_from=wish.effective_from,
        sealed=store.seal(tx, coverage_id, answered),
        recorded_by=by,
        recorded_at=tx.now,
    )
    have_looked_at(tx, await held_charges.of_patient(tx, patient_id))
    return CoverageRecorded(
        coverage_id=coverage_id, patient_id=patient_id, recorded_by=by, **wish.model_dump()
    )


class NewStanding(BaseModel):
    """How a clinician stands with Medicare from a day on. An opt-out names its last day."""

    status: MedicareStatus
    from_on: Day
    until_on: Day | None = None
    source: Source


class StandingRecorded(NewStanding):
    standing_id: UUID
    clinician_id: UUID
    recorded_by: str


async def record_standing(
    clinician_id: UUID, wish: NewStanding, by: str, tx: Transaction
) -> StandingRecorded | Refused:
    """Add a standing. None is ever changed; one with the same first day takes its place."""
    standing = Standing(wish.status, wish.from_on, wish.until_on)
    if broken := rules.broken_by_standing(standing, clinic_day(tx.now)):
        return Refused.by_rules(broken)
    standing_id = new_id()
    tx.insert(
        ClinicianStanding,
        standing_id=standing_id,
        clinician_id=clinician_id,
        recorded_by=by,
        recorded_at=tx.now,
        **wish.model_dump() | {"status": wish.status.value},
    )
    have_looked_at(tx, await held_charges.of_clinician(tx, clinician_id))
    return StandingRecorded(
        standing_id=standing_id, clinician_id=clinician_id, recorded_by=by, **wish.model_dump()
    )


class NewPaper(BaseModel):
    """A signed paper, by the id of the document as it is filed; its text is not kept here."""

    document_id: UUID
    kind: PaperKind
    clinician_id: UUID | None = None
    signed_on: Day
    until_on: Day | None = None


class PaperRecorded(NewPaper):
    paper_id: UUID
    patient_id: UUID
    recorded_by: str


async def record_paper(
    patient_id: UUID, wish: NewPaper, by: str, tx: Transaction
) -> PaperRecorded | Refused:
    """File a paper's id, and look again at the charges that may wait for it."""
    paper = Paper(wish.kind, wish.clinician_id, wish.signed_on, wish.until_on)
    is_filed = await store.is_filed(tx, wish.document_id)
    if broken := rules.broken_by_paper(paper, clinic_day(tx.now), is_filed=is_filed):
        return Refused.by_rules(broken)
    paper_id = new_id()
    tx.insert(
        CoveragePaper,
        paper_id=paper_id,
        patient_id=patient_id,
        recorded_by=by,
        recorded_at=tx.now,
        **wish.model_dump() | {"kind": wish.kind.value},
    )
    have_looked_at(tx, await held_charges.of_patient(tx, patient_id))
    return PaperRecorded(
        paper_id=paper_id, patient_id=patient_id, recorded_by=by, **wish.model_dump()
    )


class Answered(BaseModel):
    """The answers that count today."""

    kinds: list[CoverageKind]
    intends_to_submit_claim: bool
    plan: Plan | None
    effective_from: date
    recorded_at: datetime


class PaperShown(BaseModel):
    document_id: UUID
    kind: PaperKind
    clinician_id: UUID | None
    signed_on: date
    until_on: date | None


class CoverageShown(BaseModel):
    """A patient's answers, none before anybody asked, and the papers on file.

    `stamps` are what a superbill says on its face because of them.
    """

    patient_id: UUID
    answered: Answered | None
    stamps: list[str]
    papers: list[PaperShown]


async def show_coverage(patient_id: UUID, tx: Transaction) -> CoverageShown:
    row = await store.row_on(tx, patient_id, clinic_day(tx.now))
    found = None if row is None else store.unseal(tx, row.coverage_id, row.sealed)
    papers = await store.papers_of(tx, patient_id)
    return CoverageShown(
        patient_id=patient_id,
        answered=row
        and found
        and Answered(
            kinds=sorted(found.kinds),
            intends_to_submit_claim=found.intends_to_submit_claim,
            plan=found.plan and Plan(**asdict(found.plan)),
            effective_from=row.effective_from,
            recorded_at=row.recorded_at,
        ),
        stamps=list(rules.stamps_for(found)),
        papers=[PaperShown.model_validate(paper, from_attributes=True) for paper in papers],
    )


class Unasked(BaseModel):
    """A patient with a booked series or a charge whom nobody has asked about coverage."""

    patient_id: UUID
    waits_since: datetime


async def list_unasked(asked: Paging, tx: Transaction) -> Page[Unasked] | Refused:
    """Whom to ask, those that have waited longest first."""
    return await page(tx, store.unasked(), by=store.BY_WAIT, asked=asked, item=as_item(Unasked))
