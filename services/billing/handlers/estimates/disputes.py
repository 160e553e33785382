"""Disputes of estimates: recorded with their hold on collecting, closed, and the hold ended."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.collecting import holds
from services.billing.handlers.collecting.holds import HoldReason, OpenHold
from services.billing.handlers.listing import as_item
from services.billing.rules.clinic import clinic_day
from services.billing.rules.estimates import disputes as rules
from services.billing.rules.estimates.disputes import Outcome
from services.billing.store import estimate_disputes as store
from services.billing.store import estimates
from services.billing.tables import EstimateDispute
from shared.claims import PRINTABLE
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

Reference = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=PRINTABLE)
]
OwedCents = Annotated[int, Field(ge=0, le=100_000_000)]


class OpenEstimateDispute(BaseModel):
    """`reference` is that of the federal notice, where it has come; it began today if not told."""

    billed_on: Day
    begun_on: Day | None = None
    reference: Reference | None = None


class EstimateDisputeOpened(BaseModel):
    """Nothing is collected from the patient while the hold is open."""

    billed_on: date
    begun_on: date
    reference: str | None
    dispute_id: UUID
    estimate_id: UUID
    patient_id: UUID
    hold_id: UUID


async def open_dispute(
    estimate_id: UUID, wish: OpenEstimateDispute, by: str, tx: Transaction
) -> EstimateDisputeOpened | Refused:
    """Record a dispute. From now on nothing is collected from the patient."""
    kept = await estimates.find(tx, estimate_id)
    if kept is None:
        return Refused.not_found("estimate")
    today = clinic_day(tx.now)
    known = wish.model_dump() | {"begun_on": wish.begun_on or today}
    broken = rules.broken_by_opening(
        is_issued=kept.document is not None,
        is_patients=kept.patient_id is not None,
        is_open=await store.is_open_of(tx, estimate_id),
        today=today,
        **known,
    )
    if broken:
        return Refused.by_rules(broken)
    assert kept.patient_id is not None, "the rule looked"
    stop = OpenHold(patient_id=kept.patient_id, reason=HoldReason.ESTIMATE_DISPUTE)
    hold = await holds.open_hold(stop, by, tx)
    if isinstance(hold, Refused):
        return hold
    dispute_id = new_id()
    tx.insert(
        EstimateDispute,
        dispute_id=dispute_id,
        estimate_id=estimate_id,
        patient_id=kept.patient_id,
        hold_id=hold.hold_id,
        recorded_by=by,
        recorded_at=tx.now,
        **known,
    )
    return EstimateDisputeOpened(
        dispute_id=dispute_id,
        estimate_id=estimate_id,
        patient_id=kept.patient_id,
        hold_id=hold.hold_id,
        **known,
    )


class CloseEstimateDispute(BaseModel):
    """`owed_cents` is what is owed instead of what was billed, where somebody decided that."""

    outcome: Outcome
    owed_cents: OwedCents | None = None


class EstimateDisputeClosed(CloseEstimateDispute):
    dispute_id: UUID
    patient_id: UUID


async def close_dispute(
    dispute_id: UUID, wish: CloseEstimateDispute, by: str, tx: Transaction
) -> EstimateDisputeClosed | Refused:
    """Note how a dispute ended, and end its hold: what is owed still is collected again."""
    dispute = await store.lock(tx, dispute_id)
    if dispute is None:
        return Refused.not_found("dispute")
    broken = rules.broken_by_closing(
        is_closed=dispute.is_closed,
        billed_cents=await store.billed_cents(tx, dispute.course_id),
        **wish.model_dump(),
    )
    if broken:
        return Refused.by_rules(broken)
    await store.close(tx, dispute_id, wish.outcome, wish.owed_cents, by)
    ended = await holds.end_hold(dispute.hold_id, by, tx)
    if isinstance(ended, Refused):
        return ended
    return EstimateDisputeClosed(
        dispute_id=dispute_id, patient_id=dispute.patient_id, **wish.model_dump()
    )


class EstimateDisputeListed(BaseModel):
    """A dispute of an estimate that is not closed. Nothing is collected from the patient."""

    dispute_id: UUID
    estimate_id: UUID
    patient_id: UUID
    hold_id: UUID
    billed_on: date
    begun_on: date
    reference: str | None
    recorded_by: str
    recorded_at: datetime


async def list_disputes(asked: Paging, tx: Transaction) -> Page[EstimateDisputeListed] | Refused:
    """Open disputes, oldest first."""
    rows = store.open_disputes()
    return await page(
        tx, rows, by=store.BY_RECORD, asked=asked, item=as_item(EstimateDisputeListed)
    )
