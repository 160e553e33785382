"""Estimates as staff read them, a page at a time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from services.billing.handlers.listing import Blocked, as_item
from services.billing.rules.estimates.items import EstimateState, in_words
from services.billing.store import estimate_courses, estimates
from services.billing.store.estimate_courses import CourseKind
from shared.events.billing import EstimateReason
from shared.events.scheduling import TypeCode
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class EstimateListed(BaseModel):
    """An estimate and where it stands today. `visits` is how many it covers."""

    estimate_id: UUID
    course_id: UUID
    number: str
    version: int
    reason: EstimateReason
    state: EstimateState
    visit_type: TypeCode
    visits: int
    total_cents: int
    expires_on: date
    drafted_at: datetime
    issued_at: datetime | None


async def list_estimates(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[EstimateListed] | Refused:
    """A patient's estimates with every version, oldest first."""
    rows = estimates.of_patient(patient_id, tx.now)
    return await page(tx, rows, by=estimates.BY_DRAFT, asked=asked, item=as_item(EstimateListed))


class EstimateDue(BaseModel):
    """An estimate that is not issued yet. Overdue ones have `overdue_at`; mend what blocks it."""

    course_id: UUID
    kind: CourseKind
    patient_id: UUID | None
    visit_type: TypeCode
    planned_infusions: int
    opened_at: datetime
    due_at: datetime
    reminded_at: datetime | None
    overdue_at: datetime | None
    blocked_by: list[Blocked]


async def list_due_estimates(asked: Paging, tx: Transaction) -> Page[EstimateDue] | Refused:
    """Estimates that are due or overdue, the most urgent first."""

    def item(row: Row[tuple[object, ...]]) -> EstimateDue:
        found = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
        blocked_by = [Blocked(**asdict(one)) for one in in_words(found.pop("blocked_by"))]
        return EstimateDue.model_validate(found | {"blocked_by": blocked_by})

    rows = estimate_courses.waited_for()
    return await page(tx, rows, by=estimate_courses.BY_DUE, asked=asked, item=item)
