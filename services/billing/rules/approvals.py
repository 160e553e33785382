"""Four eyes: what one person enters by hand above a limit, another one looks at first."""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum

from services.billing.rules.clinic import CLINIC_ZONE
from shared.events.billing import AdjustmentKind
from shared.refusals import Broken


class Entry(StrEnum):
    """What is entered by hand. A write-off gives up what is charged, a write-down before it is."""

    OUTSIDE_PAYMENT = "outside_payment"
    REFUND = "refund"
    DISCOUNT = "discount"
    WRITE_OFF = "write_off"
    DISPUTE_ANSWER = "dispute_answer"
    WRITE_DOWN = "write_down"
    PACKAGE_PAYMENT = "package_payment"
    SUSPENSE = "suspense"


ADJUSTING = {
    AdjustmentKind.DISCOUNT: Entry.DISCOUNT,
    AdjustmentKind.WRITE_OFF: Entry.WRITE_OFF,
}


class ApprovalState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


def needs_second_person(amount_cents: int, before_cents: int, limit_cents: int) -> bool:
    """Up to the limit one person is enough, for all that they enter and not for each part of it.

    `before_cents` is what the same person entered alone, of the same kind, for the same thing at
    any time or on the same day for the same patient, or for none.
    """
    return before_cents + amount_cents > limit_cents


def day_begins(now: datetime) -> datetime:
    """The clinic's midnight before."""
    return datetime.combine(now.astimezone(CLINIC_ZONE).date(), time.min, CLINIC_ZONE)


def broken_by_approving(state: ApprovalState, *, asked_by: str, by: str) -> list[Broken]:
    """What forbids a person to approve an entry."""
    if broken := broken_by_refusing(state):
        return broken
    if asked_by == by:
        return [
            Broken(
                "same_person",
                "You asked for this yourself. Another person approves it, or you refuse it to take"
                " it back.",
                "four eyes above the limit: GET /approval-limits",
            )
        ]
    return []


def broken_by_refusing(state: ApprovalState) -> list[Broken]:
    if state is ApprovalState.PENDING:
        return []
    return [
        Broken(
            "approval_decided",
            f"This is {state.value} already. Ask for it anew if it is still wanted.",
            "an entry is decided once",
        )
    ]
