"""Stripe in the bench: how long it takes, and the truth about what it took."""

from __future__ import annotations

from bench.practice import Stage

ANSWERS_IN_MS = 50
"""About what a call to Stripe takes, made the same for whatever is compared."""


async def slow_down(stage: Stage) -> None:
    """From now on every call to Stripe takes its time."""
    await stage.world.slow_down("stripe", ms=ANSWERS_IN_MS)


async def payments_taken(stage: Stage) -> list[str]:
    """The payments of every charge that went through, in their order."""
    charges = (await stage.world.truth())["stripe"]["charges"]
    return [str(charge["payment_intent"]) for charge in charges if charge["paid"]]
