"""One infusion's place among those of its series: what the gaps say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.scheduling.handlers.shown import standing, unsettled_of
from services.scheduling.rules.series import gaps
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol
from services.scheduling.rules.visits.life import broken_by_unsettled
from services.scheduling.tables import Appointment
from shared.refusals import Broken

UNNUMBERED = 99
"""The number of an infusion that is only thought of."""


@dataclass(frozen=True, slots=True)
class Placing:
    """An infusion between the visits of its series that come before it and after it."""

    before: list[Appointment]
    after: list[Appointment]
    new: Infusion
    now: datetime
    zone: ZoneInfo

    @property
    def infusions(self) -> list[Infusion]:
        """The series with this infusion in it."""
        before, after = self._standing()
        return [*before, self.new, *after]

    def broken_by_gaps(self, protocol: InfusionProtocol) -> list[Broken]:
        """What forbids it this place.

        A visit of which nobody said what became of it may have been given or not: no gap is too
        long because it was not, and none too short because it was.
        """
        before, after = self._standing()
        broken = gaps.broken_by_place(protocol, [*before, self.new, *after], len(before), self.zone)
        maybe = unsettled_of([*self.before, *self.after], self.now, self.zone)
        if not maybe:
            return broken
        all_before = sorted([*before, *maybe], key=lambda each: each.starts_at)
        broken += [
            wrong
            for wrong in gaps.broken_by_place(
                protocol, [*all_before, self.new, *after], len(all_before), self.zone
            )
            if wrong not in broken
        ]
        if broken:
            broken += broken_by_unsettled([each.sequence_no for each in maybe])
        return broken

    def _standing(self) -> tuple[list[Infusion], list[Infusion]]:
        return (
            standing(self.before, self.now, self.zone),
            standing(self.after, self.now, self.zone),
        )
