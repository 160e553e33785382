"""How figures are drawn from samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per second over several rounds."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def least(self) -> float:
        return min(self.rounds)

    @property
    def most(self) -> float:
        return max(self.rounds)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, by nearest rank: a percentile is a sample that was seen."""

    samples_ms: tuple[float, ...]

    @classmethod
    def of_seconds(cls, samples_s: Sequence[float]) -> Latency:
        return cls(tuple(sorted(sample * 1000 for sample in samples_s)))

    @property
    def p50_ms(self) -> float:
        return self.rank(0.50)

    @property
    def p99_ms(self) -> float:
        return self.rank(0.99)

    def rank(self, share: float) -> float:
        return self.samples_ms[ceil(share * len(self.samples_ms)) - 1]
