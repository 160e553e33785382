"""What a run found, and its figures under the names by which others read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.growth import Grown, Growth
from bench.pipeline import Pipelines
from bench.relay import Relayed
from bench.story import Story


@dataclass(frozen=True, slots=True)
class Results:
    """One run, whole."""

    at: datetime
    took_s: float
    quick: bool
    machine: Mapping[str, str]
    pipeline: Pipelines
    relay: Relayed
    story: Story
    growth: Growth
    ready_s: float

    def figures(self) -> dict[str, Any]:
        """`docs/benchmarks.json`."""
        return {
            "pipeline": {
                "events_per_s": round(self.pipeline.seam.median),
                "ratio_plain_faststream": round(self.pipeline.ratio_plain_faststream, 1),
                "ratio_handwritten": round(self.pipeline.ratio_handwritten, 2),
            },
            "relay": {"added_p99_ms": round(self.relay.added_p99_ms, 2)},
            "story": {
                "charge_p99_ms": round(self.story.busiest.charge.p99_ms, 1),
                "message_p99_ms": round(self.story.busiest.message.p99_ms, 1),
            },
            "growth": {
                "pipeline_by_backlog": _pair(self.growth.backlog, self.growth.backlog.pipeline),
                "pipeline_by_tables": _pair(self.growth.tables, self.growth.tables.pipeline),
                "relay_by_backlog": _pair(self.growth.backlog, self.growth.backlog.relay),
                "relay_by_tables": _pair(self.growth.tables, self.growth.tables.relay),
                "relay_p99_ms_by_tables": _pair(
                    self.growth.tables,
                    (self.growth.relay_delay[0].p99_ms, self.growth.relay_delay[1].p99_ms),
                ),
            },
            "memory": {
                f"{name}_mb": round(resident) for name, resident in self.story.memory_mb.items()
            },
            "ready_s": round(self.ready_s, 1),
        }


def _pair(grown: Grown, found: tuple[float, float]) -> dict[str, float]:
    small, large = found
    return {
        str(grown.sizes[0]): round(small, 1),
        str(grown.sizes[1]): round(large, 1),
        "ratio": round(large / small, 2),
    }
