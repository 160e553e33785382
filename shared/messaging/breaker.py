"""A circuit breaker per vendor: when a vendor keeps failing, its work stays in the table.

Closed: calls are made. After `threshold` failures in a row it opens, and no work of that vendor is
leased for `rest_s` of real time. Then one call probes: if it works the breaker closes, if it fails
it opens again.

A vendor that does not accept our key has it open at once and hold: only a call that works closes
it. One probes after `held_rest_s`, and each that is refused doubles that, up to `held_rest_cap_s`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from shared.errors import KeyRefused


@dataclass(frozen=True, slots=True)
class Held:
    """Why a breaker holds, since when in practice time, and how often a call was refused."""

    refused: KeyRefused
    since: datetime
    times: int = 1


@dataclass(slots=True)
class Breaker:
    threshold: int = 8
    rest_s: float = 5.0
    held_rest_s: float = 1.0
    held_rest_cap_s: float = 60.0
    failures: int = 0
    opened_at: float | None = None
    held: Held | None = None

    @property
    def closed(self) -> bool:
        return self.opened_at is None

    def room(self, at_once: int, running: int) -> int:
        """How many calls may be started now, where `running` are being made."""
        if self.opened_at is None:
            return at_once - running
        rested = monotonic() - self.opened_at >= self._rest_s()
        return 1 - running if rested else 0

    def _rest_s(self) -> float:
        if self.held is None:
            return self.rest_s
        return min(self.held_rest_cap_s, self.held_rest_s * 2.0 ** min(self.held.times - 1, 10))

    def worked(self) -> None:
        self.failures = 0
        self.opened_at = None
        self.held = None

    def failed(self) -> None:
        self.failures += 1
        if self.failures >= self.threshold or self.held:
            self.opened_at = monotonic()

    def hold(self, refused: KeyRefused, now: datetime) -> bool:
        """The vendor does not accept our key; whether that is news."""
        self.opened_at = monotonic()
        if self.held is None:
            self.held = Held(refused, now)
            return True
        self.held = Held(refused, self.held.since, self.held.times + 1)
        return False
