"""What a run found of the front desk, and its figures under the names by which others read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.desk.bookings import Bookings
from bench.desk.day_view import DayViews
from bench.desk.plans import Planned

AIM_CHAIRS, AIM_FILL, AIM_MS = 20, 0.80, 200


@dataclass(frozen=True, slots=True)
class Results:
    """One run, whole."""

    at: datetime
    took_s: float
    quick: bool
    machine: Mapping[str, str]
    plans: tuple[Planned, ...]
    bookings: Bookings
    day_views: DayViews

    @property
    def aimed_at(self) -> Planned:
        """The size of place that the planner's aim speaks of."""
        [found] = (p for p in self.plans if (p.chairs, p.fill) == (AIM_CHAIRS, AIM_FILL))
        return found

    def figures(self) -> dict[str, Any]:
        """Their part of `docs/benchmarks.json`."""
        ours, theirs = self.bookings.scheduling, self.bookings.check_then_insert
        small, large = self.day_views.delays
        return {
            "planner": {
                f"{planned.chairs}_chairs_{planned.fill:.0%}": {
                    "p50_ms": round(planned.whole.p50_ms, 1),
                    "p99_ms": round(planned.whole.p99_ms, 1),
                }
                for planned in self.plans
            },
            "bookings": {
                "series_per_s": round(ours.rate.median, 1),
                "check_then_insert_series_per_s": round(theirs.rate.median, 1),
                "ratio": round(self.bookings.ratio, 2),
                "double_bookings": ours.double,
                "check_then_insert_double_bookings": theirs.double,
            },
            "day_view": {
                "p50_ms": round(large.p50_ms, 1),
                "p99_ms": round(large.p99_ms, 1),
                "p50_ms_small": round(small.p50_ms, 1),
                "p99_ms_small": round(small.p99_ms, 1),
                "ratio": round(self.day_views.ratio, 2),
            },
        }
