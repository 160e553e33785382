"""The days of a plot, left to right: the clinic's own, a long gap drawn short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

LEFT, PLOT = 64, 668
"""Where the plot begins and how wide it is."""

MARGIN = 20
LABEL = 52
MARK = 22
"""What an infusion's number takes, and a score's."""

SIDE_BY_SIDE = 18
"""How far apart scores of one day stand."""

LONGEST_GAP_DAYS = 7
"""A longer gap is drawn as a week, with a mark: FAQ, never more than 5-7 days between initial
infusions, so what is longer lies outside of the course."""


@dataclass(frozen=True, slots=True)
class Days:
    """Where the days of the picture stand, left to right, further apart the more days are between.

    Where many stand close, the nearest are drawn apart as far as a mark needs.
    """

    days: tuple[date, ...]
    zone: ZoneInfo

    @classmethod
    def of(cls, moments: Iterable[datetime], zone: ZoneInfo) -> Days:
        return cls(tuple(sorted({moment.astimezone(zone).date() for moment in moments})), zone)

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def x(self, day: date) -> float:
        return round(LEFT + MARGIN + sum(self._widths()[: self.days.index(day)]), 1)

    def beside(self, day: date, number: int, count: int) -> float:
        """Where the one of so many on a day stands: next to each other, no day reaches another."""
        room = min(self._widths(), default=PLOT) / count
        aside = min(SIDE_BY_SIDE, room) * (number - (count - 1) / 2)
        return round(min(max(self.x(day) + aside, LEFT), LEFT + PLOT), 1)

    def _widths(self) -> list[float]:
        """How wide each gap is drawn: by its days, but the shortest as wide as a mark needs."""
        gaps = [min(gap, LONGEST_GAP_DAYS) for gap in self._gaps()]
        if not gaps:
            return []
        width = PLOT - 2 * MARGIN
        least = max(min(MARK, width / len(gaps)), width * min(gaps) / sum(gaps))
        longer = sum(gaps) - len(gaps) * min(gaps)
        wider = (width - len(gaps) * least) / longer if longer else 0
        return [least + wider * (gap - min(gaps)) for gap in gaps]

    def _gaps(self) -> list[int]:
        return [(later - earlier).days for earlier, later in pairwise(self.days)]

    def labelled(self) -> Iterator[date]:
        """The days whose names have room beside each other."""
        free = 0.0
        for day in self.days:
            if self.x(day) >= free:
                yield day
                free = self.x(day) + LABEL

    def breaks(self) -> Iterator[tuple[float, int]]:
        """Where a long gap is drawn short, and of how many days it is."""
        for (earlier, later), gap in zip(pairwise(self.days), self._gaps(), strict=True):
            if gap > LONGEST_GAP_DAYS:
                yield (self.x(earlier) + self.x(later)) / 2, gap


def axis(days: Days, bottom: int) -> Iterator[str]:
    for day in days.labelled():
        yield f'<text class="day" x="{days.x(day)}" y="{bottom + 22}">{shown(day)}</text>'
    for x, gap in days.breaks():
        yield (
            f"<g><title>{gap} days, drawn as {LONGEST_GAP_DAYS}</title>"
            f'<path class="gap" d="M{x - 5:.1f} {bottom + 6}l4 -12m3 12l4 -12"/></g>'
        )


def shown(day: date) -> str:
    return f"{day:%b} {day.day}"


def dated(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
