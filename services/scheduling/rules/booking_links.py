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
    """A used link shows when and with whom its session is, so it may be taken back as well."""
    if state in {LinkState.OPEN, LinkState.USED}:
        return []
    return [
        Broken(
            "link_state",
            f"The link is {state.value} already, and shows nothing any more.",
            "a booking link's life: open, perhaps used, then revoked or expired",
            "link_id",
        )
    ]
