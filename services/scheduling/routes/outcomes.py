"""Outcomes: forms, Creyos summaries, what they show over a series, and what waits for a person.

Those who treat record and read them; nobody else.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from services.scheduling.forms.outcomes import (
    AcknowledgeReview,
    ImportCreyos,
    OutcomeAnswer,
    OutcomeRecorded,
    RecordOutcome,
    ReviewAnswer,
    SeriesOutcomes,
    Taken,
    WithdrawOutcome,
)
from services.scheduling.handlers.outcomes import creyos, forms, reviews, trends
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["outcomes"], dependencies=[allow(Role.NURSE, Role.PRESCRIBER)])


@router.post("/patients/{patient_id}/outcomes")
async def record_outcome(patient_id: UUID, wish: RecordOutcome, desk: AtDesk) -> OutcomeRecorded:
    """A form at intake, before an infusion or after a series, scored by its newest rule."""
    return await desk.decide(forms.record_outcome, patient_id, wish, desk.actor)


@router.post("/patients/{patient_id}/outcomes/creyos")
async def import_creyos(patient_id: UUID, wish: ImportCreyos, desk: AtDesk) -> OutcomeRecorded:
    """Record the summary of a Creyos report."""
    return await desk.decide(creyos.import_summary, patient_id, wish, desk.actor)


@router.post("/patients/{patient_id}/outcomes/creyos.csv")
async def import_creyos_csv(
    patient_id: UUID,
    taken: Annotated[Taken, Query()],
    sheet: Annotated[bytes, Body(media_type="text/csv", min_length=1)],
    desk: AtDesk,
) -> OutcomeRecorded:
    """A summary as exported: a first row with `task`, `standard_score` and `percentile`."""
    return await desk.decide(creyos.import_csv, patient_id, taken, sheet, desk.actor)


@router.get("/patients/{patient_id}/outcomes")
async def list_outcomes(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[OutcomeAnswer]:
    """A patient's forms, the newest first, those withdrawn included."""
    return await desk.read(forms.list_outcomes, patient_id, asked, purpose="treatment")


@router.get(
    "/patients/{patient_id}/outcomes.svg",
    response_class=Response,
    responses={200: {"description": "The plot", "content": {"image/svg+xml": {}}}},
)
async def draw_outcomes(patient_id: UUID, desk: AtDesk, series_id: UUID | None = None) -> Response:
    """The scores over a series, the newest unless one is named, with its infusions marked."""
    return await desk.document(trends.draw_outcomes, patient_id, series_id, purpose="treatment")


@router.post("/outcomes/{outcome_id}/withdraw")
async def withdraw_outcome(outcome_id: UUID, wish: WithdrawOutcome, desk: AtDesk) -> OutcomeAnswer:
    """Take a mistaken record out of all figures. It stays on file, and so do its reviews."""
    return await desk.decide(forms.withdraw_outcome, outcome_id, wish, desk.actor)


@router.get("/series/{series_id}/outcomes")
async def read_trends(series_id: UUID, desk: AtDesk) -> SeriesOutcomes:
    """Change from the baseline, response, remission, and how the fourth infusion stands."""
    return await desk.read(trends.read_trends, series_id, purpose="treatment")


@router.get("/reviews")
async def list_reviews(
    desk: AtDesk,
    asked: AskedPage,
    open_: Annotated[bool, Query(alias="open")] = True,  # noqa: FBT002  # a query's parameter
    patient_id: UUID | None = None,
) -> Page[ReviewAnswer]:
    """What a person must look at, the one that waits longest first; or what was looked at."""
    return await desk.read(
        reviews.list_reviews, open_, patient_id, asked, desk.actor, purpose="treatment"
    )


@router.post("/reviews/{review_id}/acknowledge")
async def acknowledge_review(
    review_id: UUID, wish: AcknowledgeReview, desk: AtDesk
) -> ReviewAnswer:
    """Acknowledge that an answer which waits for a person was seen."""
    return await desk.decide(reviews.acknowledge_review, review_id, wish, desk.actor)
