"""A circuit breaker per vendor: when a vendor keeps failing, its work stays in the table.

Closed: calls are made. After `threshold` failures in a row it opens, and no work of that vendor is
leased for `rest_s` of real time. Then one call probes: if it works the breaker closes, if it fails
it opens again.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


@dataclass(slots=True)
class Breaker:
    threshold: int = 8
    rest_s: float = 5.0
    failures: int = 0
    opened_at: float | None = None

    @property
    def closed(self) -> bool:
        return self.opened_at is None

    def room(self, at_once: int, running: int) -> int:
        """How many calls may be started now, where `running` are being made."""
        if self.opened_at is None:
            return at_once - running
        rested = monotonic() - self.opened_at >= self.rest_s
        return 1 - running if rested else 0

    def worked(self) -> None:
        self.failures = 0
        self.opened_at = None

    def failed(self) -> None:
        self.failures += 1
        if self.failures >= self.threshold:
            self.opened_at = monotonic()
