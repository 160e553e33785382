"""What waits for a person, and the word of the one who looked."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Row

from services.scheduling.forms.outcomes import AcknowledgeReview, ReviewAnswer
from services.scheduling.handlers.outcomes.shown import show_review
from services.scheduling.rules.outcomes import reviews as rules
from services.scheduling.store import outcomes as kept
from services.scheduling.tables.outcomes import Review
from shared import audit
from shared.auth import Actor, Role
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


async def list_reviews(
    open_: bool,  # noqa: FBT001  # a query's parameter
    patient_id: UUID | None,
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[ReviewAnswer] | Refused:
    """Reviews, the one that waits longest first. Each patient shown is in the audit log."""

    def item(row: Row[tuple[object, ...]]) -> ReviewAnswer:
        review = Review.model_validate(row, from_attributes=True)
        audit.append(
            tx,
            reader,
            action="read",
            entity="review",
            entity_id=str(review.review_id),
            patient_id=review.patient_id,
        )
        return show_review(tx, review)

    rows = kept.reviews_raised(open_=open_, patient_id=patient_id)
    return await page(tx, rows, by=kept.BY_RAISED, asked=asked, item=item)


async def acknowledge_review(
    review_id: UUID, wish: AcknowledgeReview, by: Actor, tx: Transaction
) -> ReviewAnswer | Refused:
    """Note who looked, when, and what was done. The same word again changes nothing."""
    review = await kept.lock_review(tx, review_id)
    if review is None:
        return Refused.not_found("review", "review_id")
    matter = kept.matter_of(tx, review)
    forbidden = rules.broken_by_reviewer(matter, prescribes=Role.PRESCRIBER in by.roles)
    if forbidden:
        refused = Refused.by_rules(forbidden, "Another role is needed")
        return refused.model_copy(update={"status": 403})
    if (review.acknowledged_by, kept.done_of(tx, review)) == (by.subject, wish.done):
        return show_review(tx, review)
    broken = rules.broken_by_acknowledged(acknowledged=review.acknowledged_at is not None)
    if broken:
        return Refused.by_rules(broken, "The review is not acknowledged")
    return show_review(tx, await kept.acknowledge_review(tx, review, by.subject, wish.done))
