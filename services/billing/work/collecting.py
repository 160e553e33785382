"""What comes next to a charge that a card refused."""

from __future__ import annotations

from uuid import UUID

from shared.messaging import Work


class TakeStep(Work):
    """Try the card again, offer a page, or leave the charge to a person."""

    charge_id: UUID


def step_key(charge_id: UUID) -> str:
    """Under which a charge's next step waits."""
    return f"dunning:{charge_id}"
