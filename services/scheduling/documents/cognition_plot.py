"""Cognition over a series, as a part of its picture: a row per task of the Creyos battery.

Each row goes from the task's figure at the baseline to its newest, on one scale of standard scores.
Figures of different tasks are neither added up nor joined: they measure different things.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.scheduling.documents.outcome_days import LEFT, PLOT, Days, shown
from services.scheduling.forms.outcomes import Trend, TrendPoint
from services.scheduling.rules.outcomes.creyos import TASKS

NAME = "Creyos · cognition"
ROW, AXIS = 22, 26
MEAN, NARROWEST = 100, 40
"""Standard scores lie around 100; less than 40 to each side is not drawn, or noise looks large."""

STEP = 20
FIGURES = 106
"""How much room the words of a row need beside its points, with the space between."""

STYLE = """
.task { font-size: 11px }
.moved { stroke: #1d5c96; stroke-width: 2.5; stroke-linecap: round }
.between { fill: #94a3b8 }
.mean { stroke: #64748b }
.figure { font-weight: 600; fill: #12355b; paint-order: stroke; stroke: #fff; stroke-width: 4px;
  stroke-linejoin: round }
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One task: its figures first to last, each with when it was tested, and the baseline's."""

    task: str
    figures: tuple[tuple[datetime, float], ...]
    baseline: float | None

    @property
    def newest(self) -> float:
        return self.figures[-1][1]

    @property
    def said(self) -> str:
        """The newest figure, and by how much it stands above or below the baseline."""
        words = f"{self.newest:g}"
        if self.baseline is None or len(self.figures) == 1:
            return words
        change = round(self.newest - self.baseline, 1)
        sign = "\u2212" if change < 0 else "+" if change > 0 else "±"
        return f"{words} ({sign}{abs(change):g})"


def rows_of(trend: Trend) -> list[Row]:
    """The tasks that were tested, in the battery's order."""
    return [
        Row(
            task,
            tuple((point.taken_at, point.score.parts[task]) for point in _with(trend, task)),
            next(
                (
                    point.score.parts[task]
                    for point in _with(trend, task)
                    if point.outcome_id == trend.baseline_id
                ),
                None,
            ),
        )
        for task in TASKS
        if _with(trend, task)
    ]


def _with(trend: Trend, task: str) -> list[TrendPoint]:
    return [point for point in trend.points if task in point.score.parts]


def height(trend: Trend) -> int:
    return ROW * len(rows_of(trend)) + AXIS


def draw_cognition(trend: Trend, days: Days, top: int) -> Iterator[str]:
    """The part of the picture that begins at `top`, its name above it."""
    rows = rows_of(trend)
    scale = _Scale.over(rows)
    bottom = top + ROW * len(rows)
    tested = list(dict.fromkeys(shown(days.day(point.taken_at)) for point in trend.points))
    yield f'<text class="name" x="{LEFT}" y="{top - 12}">{NAME}</text>'
    yield (
        f'<text class="news" x="{LEFT + PLOT}" y="{top - 12}">standard score,'
        f" {' to '.join(dict.fromkeys((tested[0], tested[-1])))}</text>"
    )
    for number in range(len(rows)):
        shade = "odd" if number % 2 else "even"
        yield (
            f'<rect class="{shade}" x="{LEFT}" y="{top + ROW * number}" width="{PLOT}"'
            f' height="{ROW}"/>'
        )
    for mark in range(scale.least, scale.most + 1, STEP):
        kind, x = "mean" if mark == MEAN else "grid", scale.x(mark)
        yield (
            f'<line class="{kind}" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>'
            f'<text class="day" x="{x}" y="{bottom + 18}">{mark}</text>'
        )
    for number, row in enumerate(rows):
        yield from _drawn(row, days, scale, top + ROW * number + ROW // 2)


def _drawn(row: Row, days: Days, scale: _Scale, y: int) -> Iterator[str]:
    places = [scale.x(figure) for _, figure in row.figures]
    yield f"<g><title>{heard_row(row, days)}</title>"
    yield f'<text class="task" x="{LEFT + PLOT + 12}" y="{y + 4}">{words(row.task)}</text>'
    if row.baseline is not None:
        start = scale.x(row.baseline)
        yield f'<line class="moved" x1="{start}" x2="{places[-1]}" y1="{y}" y2="{y}"/>'
        places.append(start)
    ends = {row.newest, row.baseline}
    for place in (scale.x(figure) for _, figure in row.figures if figure not in ends):
        yield f'<circle class="between" cx="{place}" cy="{y}" r="3"/>'
    yield f'<circle class="point" cx="{scale.x(row.newest)}" cy="{y}" r="5"/>'
    if row.baseline is not None and row.baseline != row.newest:
        yield f'<circle class="baseline" cx="{scale.x(row.baseline)}" cy="{y}" r="5"/>'
    at, anchor = _beside(min(places), max(places))
    yield (
        f'<text class="figure" x="{round(at, 1)}" y="{y + 4}" text-anchor="{anchor}">'
        f"{row.said}</text></g>"
    )


def _beside(first: float, last: float) -> tuple[float, str]:
    """Where the words of a row have room: behind its points, before them, or on their line."""
    if last + FIGURES <= LEFT + PLOT:
        return last + 12, "start"
    if first - FIGURES >= LEFT:
        return first - 12, "end"
    return (first + last) / 2, "middle"


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a figure stands, left to right. Every figure of every task has its place."""

    least: int
    most: int

    @classmethod
    def over(cls, rows: list[Row]) -> _Scale:
        found = [figure for row in rows for _, figure in row.figures]
        least, most = min(MEAN - NARROWEST, *found), max(MEAN + NARROWEST, *found)
        return cls(int(least // STEP) * STEP, int(-(-most // STEP)) * STEP)

    def x(self, figure: float) -> float:
        share = (figure - self.least) / (self.most - self.least)
        return round(LEFT + 20 + (PLOT - 40) * share, 1)


def heard_cognition(trend: Trend, days: Days) -> str:
    """The same in words, every figure of it."""
    return f"{NAME}: {' '.join(f'{heard_row(row, days)}.' for row in rows_of(trend))}"


def heard_row(row: Row, days: Days) -> str:
    figures = "; ".join(f"{figure:g} on {shown(days.day(at))}" for at, figure in row.figures)
    return f"{words(row.task)}: {figures}"


def words(task: str) -> str:
    return task.replace("_", " ")
