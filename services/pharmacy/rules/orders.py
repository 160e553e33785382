"""What the partner pharmacy's orders mean for a prescription.

Notices come late, twice, out of order or not at all, so none is believed: the order is read, and
what its history tells and we have not said yet is said, in order. An older view of the same order
tells nothing new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.pharmacy.rules.states import State
from services.pharmacy.values import Order

MILESTONES = (State.ACCEPTED, State.SHIPPED, State.DELIVERED)

_REACHED = {"accepted": 1, "compounding": 1, "shipped": 2, "delivered": 3}
"""How many milestones a status stands for: who compounds has accepted, who delivers has shipped."""

_OVER = frozenset({"rejected", "cancelled"})

ASKED_AFTER = {State.SENT: timedelta(hours=1)}
ASKED_EVERY = timedelta(days=1)
"""A pharmacy that accepts does so within the hour; compounding and the post take days."""


@dataclass(frozen=True, slots=True)
class OneOrder:
    """The order that counts, and the others under the same reference that must not be filled."""

    kept: Order
    twins: tuple[Order, ...]


def one_order(orders: Sequence[Order]) -> OneOrder | None:
    """Keep the oldest order that lives, or the oldest of all; whoever looks chooses the same.

    The pharmacy lists the oldest first, which decides between two of one instant.
    """
    by_age = sorted(orders, key=_received_at)
    live = [order for order in by_age if lives(order)]
    if not by_age:
        return None
    return OneOrder((live or by_age)[0], tuple(live[1:]))


def lives(order: Order) -> bool:
    """Whether an order is filled, or may yet be."""
    return order.status not in _OVER


def _received_at(order: Order) -> datetime:
    return min((step.at for step in order.history), default=order.status_at)


def news(state: State, order: Order) -> list[tuple[State, datetime]]:
    """The milestones that an order has reached and that come after `state`, each with its time.

    One that the pharmacy skipped is reached when the next one is.
    """
    said = MILESTONES.index(state) + 1 if state in MILESTONES else 0
    found = []
    for number, milestone in enumerate(MILESTONES[said:], start=said + 1):
        times = [step.at for step in order.history if _REACHED.get(step.status, 0) >= number]
        if times:
            found.append((milestone, min(times)))
    return found


def refusal(state: State, order: Order) -> str | None:
    """Why an order will not be filled; `None` while it may be, or when it is already under way."""
    if not lives(order) and state in {State.SIGNED, State.SENT, State.ACCEPTED}:
        return f"{order.status}_by_pharmacy"
    return None


def ask_again_at(state: State, now: datetime) -> datetime:
    """When to ask if nothing is heard until then."""
    return now + ASKED_AFTER.get(state, ASKED_EVERY)
