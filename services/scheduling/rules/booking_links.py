"""A booking link's life: open until it is used, revoked or over."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.refusals import Broken


class LinkState(StrEnum):
    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


def state_of(
    *, used: bool, revoked_at: datetime | None, expires_at: datetime, now: datetime
) -> LinkState:
    """What a link was used for shows until it expires."""
    if revoked_at is not None:
        return LinkState.REVOKED
    if now >= expires_at:
        return LinkState.EXPIRED
    return LinkState.USED if used else LinkState.OPEN


def broken_by_revoking(state: LinkState) -> list[Broken]:
    if state is LinkState.OPEN:
        return []
    return [
        Broken(
            "link_state",
            f"The link is {state.value}; only an open one can be revoked. A session that was booked"
            " by it is cancelled like any visit.",
            "a booking link's life: open, then used, revoked or expired",
            "link_id",
        )
    ]
