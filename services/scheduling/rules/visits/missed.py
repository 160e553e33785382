"""Visits that were missed, or cancelled later than the house asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from shared.events.scheduling import CancelReason


class Missed(StrEnum):
    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"


def missed_by(
    reason: CancelReason, starts_at: datetime, now: datetime, late_cancel_h: int
) -> Missed | None:
    """How a cancellation counts for the patient. What the clinic cancels never does."""
    if reason is CancelReason.NO_SHOW:
        return Missed.NO_SHOW
    if reason is CancelReason.PATIENT_ASKED and starts_at - now < timedelta(hours=late_cancel_h):
        return Missed.LATE_CANCEL
    return None
