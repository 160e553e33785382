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
    """When a vendor is back nobody waits longer than this."""
    attempts: int = 400
    """With the rests between them four days: a vendor that is away from a Friday evening over a
    long weekend to Tuesday costs no piece of work."""
    lost_leases: int = 40
    """In a row, by work that ends whoever does it. Answers that failed are none."""
    bug_attempts: int = 5

    def rest_s(self, attempts: int) -> float:
        """How long work rests that failed so often."""
        return min(self.backoff_cap_s, self.backoff_s * 2.0 ** min(attempts - 1, 20))


@dataclass(slots=True)
class Tally:
    """What the workers did, for metrics and for knowing when all is at rest."""

    running: int = 0
    done: int = 0
    lateness_s: float = 0.0
    breakers: dict[str, Breaker] = field(default_factory=dict)
