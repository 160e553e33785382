"""The life of a prescription."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    DRAFTING = "drafting"
    DRAFTED = "drafted"
    AWAITING_SIGNATURE = "awaiting_signature"
    SIGNED = "signed"
    SENT = "sent"
    ACCEPTED = "accepted"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    SIGNATURE_DECLINED = "signature_declined"
    REFUSED = "refused"


MOVES: dict[State, frozenset[State]] = {
    State.DRAFTING: frozenset({State.DRAFTED, State.REFUSED}),
    State.DRAFTED: frozenset(
        {State.AWAITING_SIGNATURE, State.SIGNED, State.SIGNATURE_DECLINED, State.REFUSED}
    ),
    State.AWAITING_SIGNATURE: frozenset(
        {State.DRAFTED, State.SIGNED, State.SIGNATURE_DECLINED, State.REFUSED}
    ),
    State.SIGNED: frozenset({State.SENT, State.REFUSED}),
    State.SENT: frozenset({State.ACCEPTED, State.REFUSED}),
    State.ACCEPTED: frozenset({State.SHIPPED, State.REFUSED}),
    State.SHIPPED: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
    State.SIGNATURE_DECLINED: frozenset(),
    State.REFUSED: frozenset(),
}
"""Which state may follow which. Back to drafted: the day turned, or the patient's data changed."""

UNSIGNED = frozenset({State.DRAFTING, State.DRAFTED, State.AWAITING_SIGNATURE})
"""The content may still change."""

AT_PHARMACY = frozenset({State.SENT, State.ACCEPTED, State.SHIPPED})
"""The pharmacy has more to say."""
