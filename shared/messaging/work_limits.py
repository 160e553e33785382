"""How much due work is done at once, how long before giving up, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.messaging.breaker import Breaker


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """How much at once (calls: per vendor), and how long before giving up. Real time."""

    at_once: int = 16
    timers_at_once: int = 200
    poll_s: float = 0.25
    gathers_s: float = 0.01
    """What falls due within it is taken in one statement, and not each piece in its own."""
    lease_s: float = 45.0
    backoff_s: float = 0.5
    backoff_cap_s: float = 900.0
    attempts: int = 40
    bug_attempts: int = 5


@dataclass(slots=True)
class Tally:
    """What the workers did, for metrics and for knowing when all is at rest."""

    running: int = 0
    done: int = 0
    lateness_s: float = 0.0
    breakers: dict[str, Breaker] = field(default_factory=dict)
