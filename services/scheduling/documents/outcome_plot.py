"""Scores over a series as SVG: a panel per form, one axis of days, each infusion marked.

What tests of cognition found stands under them (`cognition_plot`).
Drawn by hand, so that the service needs no plotting library. Days are the clinic's own. Whoever
cannot see it hears the title and a description with every figure; each score has its own title.
What the picture says by colour it also says by shape and in words. No text of a patient's is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from services.scheduling.documents import cognition_plot
from services.scheduling.documents.cognition_plot import draw_cognition, heard_cognition, height
from services.scheduling.documents.outcome_days import LEFT, PLOT, Days, axis, dated, shown
from services.scheduling.forms.outcomes import Trend, TrendPoint
from services.scheduling.rules.outcomes.forms import Instrument, Occasion, Scale
from services.scheduling.rules.outcomes.scales import scale_of

WIDTH = 880
TOP, STRIP, PANEL, HEAD, GAP, FOOT = 76, 40, 156, 34, 22, 28
KEY, KEYS_APART = 18, 180
"""What the line under a form's name takes, that says what its lines mean."""

STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
  fill: #475569 }
.title { font-size: 18px; font-weight: 600; fill: #0f172a }
.name { font-size: 14px; font-weight: 600; fill: #0f172a }
.news { fill: #0f172a; text-anchor: end }
.value { font-weight: 600; fill: #12355b; text-anchor: middle }
.name, .news, .value { paint-order: stroke; stroke: #fff;
  stroke-width: 4px; stroke-linejoin: round }
.tick { text-anchor: end; font-size: 11px }
.day { text-anchor: middle }
.band { font-size: 11px }
.grid { stroke: #e2e8f0 }
.even { fill: #f8fafc }
.odd { fill: #f1f5f9 }
.gap { fill: none; stroke: #64748b; stroke-width: 1.5; stroke-linecap: round }
.infusion { stroke: #94a3b8; stroke-dasharray: 1 3; stroke-linecap: round }
.drop { fill: #fff; stroke: #64748b }
.number { text-anchor: middle; font-size: 11px; font-weight: 600; fill: #334155 }
.line { fill: none; stroke: #1d5c96; stroke-width: 2.5; stroke-linejoin: round;
  stroke-linecap: round }
.point { fill: #1d5c96; stroke: #fff; stroke-width: 2 }
.baseline { fill: #fff; stroke: #1d5c96; stroke-width: 2.5 }
.remission, .remission-key { stroke: #0f766e; stroke-width: 1.5; stroke-dasharray: 6 4 }
.half, .half-key { stroke: #b45309; stroke-width: 1.5; stroke-dasharray: 2 4;
  stroke-linecap: round }
.remission-word { fill: #0f766e; font-size: 11px; font-weight: 600 }
.half-word { fill: #b45309; font-size: 11px; font-weight: 600 }
"""

NAMES = {
    "phq9": "PHQ-9 · depression",
    "gad7": "GAD-7 · anxiety",
    "pcl5": "PCL-5 · post-traumatic stress",
    "nrs": "NRS · pain",
}


@dataclass(frozen=True, slots=True)
class Given:
    """When the infusions of a series began, and the boosters after it."""

    infusions: Sequence[datetime]
    boosters: Sequence[datetime] = ()

    @property
    def moments(self) -> list[datetime]:
        return [*self.infusions, *self.boosters]

    @property
    def counted(self) -> str:
        told = _several(len(self.infusions), "infusion")
        return f"{told} · {_several(len(self.boosters), 'booster')}" if self.boosters else told


def _several(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def draw(trends: Sequence[Trend], given: Given, zone: ZoneInfo) -> str:
    """The picture of the trends, and of what was given meanwhile."""
    totalled = [trend for trend in trends if trend.instrument is not Instrument.CREYOS]
    tested = [trend for trend in trends if trend.instrument is Instrument.CREYOS]
    taken = [point.taken_at for trend in trends for point in trend.points]
    days = Days.of([*given.moments, *taken], zone)
    if not taken:
        return _framed(TOP + FOOT, "No form and no test has been recorded yet", [], [])
    body, bottom = _courses(totalled, given, zone) if totalled else ([], TOP - GAP)
    for trend in tested:
        body += draw_cognition(trend, days, bottom + GAP + HEAD)
        bottom += GAP + HEAD + height(trend)
    span = " to ".join(dict.fromkeys(dated(day) for day in (days.days[0], days.days[-1])))
    key = " · ○ baseline" if any(trend.baseline_id for trend in trends) else ""
    heard = [_heard(trend, days) for trend in totalled]
    heard += [heard_cognition(trend, days) for trend in tested]
    return _framed(bottom + FOOT, f"{span} · {given.counted}{key}", heard, body)


def _courses(totalled: Sequence[Trend], given: Given, zone: ZoneInfo) -> tuple[list[str], int]:
    """The panels of the forms, with one axis of days, and where they end."""
    taken = [point.taken_at for trend in totalled for point in trend.points]
    days = Days.of([*given.moments, *taken], zone)
    first = TOP + (STRIP if given.moments else 0) + HEAD + KEY
    tops = [first + number * (PANEL + GAP + HEAD + KEY) for number in range(len(totalled))]
    panels = list(zip(totalled, tops, strict=True))
    bottom = tops[-1] + PANEL
    body = [
        *(part for trend, top in panels for part in _ground(trend, top)),
        *_infusions(given, days, bottom),
        *(part for trend, top in panels for part in _course(trend, days, top)),
        *axis(days, bottom),
    ]
    return body, bottom + FOOT


def _framed(height: int, under: str, heard: Sequence[str], body: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
            f' width="{WIDTH}" height="{height}" role="img" aria-labelledby="title desc">',
            '<title id="title">Outcomes over the series</title>',
            f'<desc id="desc">{" ".join([f"{under}.", *heard])}</desc>',
            f"<style>{STYLE}{cognition_plot.STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
            f'<text class="title" x="{LEFT}" y="34">Outcomes over the series</text>',
            f'<text x="{LEFT}" y="54">{under}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def _infusions(given: Given, days: Days, bottom: int) -> Iterator[str]:
    """A line through all panels for each infusion, with its number on top; a booster has none."""
    if given.moments:
        yield f'<text class="tick" x="{LEFT - 8}" y="{TOP + 18}">Infusion</text>'
    named = [(f"Infusion {n}", str(n), each) for n, each in enumerate(given.infusions, start=1)]
    for name, mark, moment in [*named, *(("Booster", "+", each) for each in given.boosters)]:
        day = days.day(moment)
        x = days.x(day)
        yield (
            f"<g><title>{name}, {shown(day)}</title>"
            f'<line class="infusion" x1="{x}" x2="{x}" y1="{TOP + 26}" y2="{bottom}"/>'
            f'<circle class="drop" cx="{x}" cy="{TOP + 14}" r="10"/>'
            f'<text class="number" x="{x}" y="{TOP + 18}">{mark}</text></g>'
        )


def _scale(trend: Trend) -> Scale:
    found = scale_of(trend.instrument, trend.points[-1].rule_version)
    assert found is not None, "what has a total was scored by a scale"
    return found


def _height(scale: Scale, top: int) -> Callable[[float], float]:
    """Where a total stands in the panel that begins at `top`."""
    return lambda total: _tenth(top + PANEL * (1 - total / scale.most))


def _tenth(place: float) -> float:
    """As exact as anybody sees. A sum of tenths may have more digits, and is rounded again."""
    return round(place, 1)


def _ground(trend: Trend, top: int) -> Iterator[str]:
    """What lies under a course: the bands of severity, and where it would be well."""
    scale = _scale(trend)
    yield from _bands(scale, _height(scale, top))
    yield from _lines(trend, scale, top)


def _course(trend: Trend, days: Days, top: int) -> Iterator[str]:
    """A form's name, its newest figure, and every score."""
    y = _height(_scale(trend), top)
    yield f'<text class="name" x="{LEFT}" y="{top - 12 - KEY}">{NAMES[trend.instrument]}</text>'
    yield f'<text class="news" x="{LEFT + PLOT}" y="{top - 12 - KEY}">{_news(trend)}</text>'
    places = [(x, y(p.score.total or 0), p, below) for x, below, p in _side_by_side(trend, days)]
    yield f'<polyline class="line" points="{" ".join(f"{px},{py}" for px, py, *_ in places)}"/>'
    for px, py, point, below in places:
        at = _tenth(py + 22 if py <= top + 18 or (below and py < top + PANEL - 22) else py - 12)
        kind = "baseline" if point.outcome_id == trend.baseline_id else "point"
        yield (
            f"<g><title>{_said(point, days)}</title>"
            f'<circle class="{kind}" cx="{px}" cy="{py}" r="5"/>'
            f'<text class="value" x="{px}" y="{at}">{point.score.total}</text></g>'
        )


def _side_by_side(trend: Trend, days: Days) -> Iterator[tuple[float, bool, TrendPoint]]:
    """Where each score stands, those of one day next to each other, every other figure below."""
    for day, those in groupby(trend.points, lambda point: days.day(point.taken_at)):
        points = list(those)
        for number, point in enumerate(points):
            yield days.beside(day, number, len(points)), number % 2 == 1, point


def _bands(scale: Scale, y: Callable[[float], float]) -> Iterator[str]:
    """Severity from the bottom up, named on the right, where each begins on the left."""
    edges = [*(band.lowest for band in scale.bands[1:]), scale.most]
    for number, (band, edge) in enumerate(zip(scale.bands, edges, strict=True)):
        shade = "odd" if number % 2 else "even"
        middle = _tenth((y(band.lowest) + y(edge)) / 2 + 4)
        yield (
            f'<rect class="{shade}" x="{LEFT}" y="{y(edge)}" width="{PLOT}"'
            f' height="{_tenth(y(band.lowest) - y(edge))}"/>'
            f'<text class="band" x="{LEFT + PLOT + 12}" y="{middle}">{_words(band.name)}</text>'
        )
    for mark in (0, *edges):
        yield (
            f'<line class="grid" x1="{LEFT}" x2="{LEFT + PLOT}" y1="{y(mark)}" y2="{y(mark)}"/>'
            f'<text class="tick" x="{LEFT - 8}" y="{_tenth(y(mark) + 4)}">{mark}</text>'
        )


def _lines(trend: Trend, scale: Scale, top: int) -> Iterator[str]:
    """Where a response begins and where remission does; what they mean stands above the panel."""
    y, x = _height(scale, top), LEFT
    baseline = _baseline(trend)
    if baseline is not None and baseline >= scale.judged_from:
        fall_pct = trend.response_fall_pct
        at = y(baseline * (100 - fall_pct) / 100)
        yield from _line("half", f"{fall_pct} % below baseline", at, (x, top))
        x += KEYS_APART
    if trend.remission_below is not None:
        words = f"remission, below {trend.remission_below}"
        yield from _line("remission", words, y(trend.remission_below), (x, top))


def _line(kind: str, words: str, at: float, key: tuple[int, int]) -> Iterator[str]:
    x, top = key
    yield f'<line class="{kind}" x1="{LEFT}" x2="{LEFT + PLOT}" y1="{at}" y2="{at}"/>'
    yield f'<path class="{kind}-key" d="M{x} {top - 13}h22"/>'
    yield f'<text class="{kind}-word" x="{x + 28}" y="{top - 9}">{words}</text>'


def _baseline(trend: Trend) -> int | None:
    found = (p.score.total for p in trend.points if p.outcome_id == trend.baseline_id)
    return next(found, None)


def _news(trend: Trend) -> str:
    """How the newest score stands: from what, by how much, and what that is called."""
    last = trend.points[-1]
    if last.change is None or last.change_pct is None:
        return ""
    sign = "\u2212" if last.change < 0 else "+" if last.change > 0 else "±"
    words = f"{_baseline(trend)} to {last.score.total} ({sign}{abs(last.change_pct)} %)"
    called = [
        word for word, so in (("response", last.response), ("remission", last.remission)) if so
    ]
    return ", ".join([words, *called])


def _said(point: TrendPoint, days: Days) -> str:
    when = {
        Occasion.INTAKE: "at intake",
        Occasion.BEFORE_INFUSION: f"before infusion {point.infusions_before + 1}",
        Occasion.AFTER_SERIES: "after the series",
    }[point.occasion]
    band = _words(point.score.band or "")
    return f"{point.score.total} ({band}) {when}, {shown(days.day(point.taken_at))}"


def _heard(trend: Trend, days: Days) -> str:
    """A panel in words, every figure of it."""
    figures = "; ".join(_said(point, days) for point in trend.points)
    news = _news(trend)
    return f"{NAMES[trend.instrument]}: {figures}." + (f" From {news}." if news else "")


def _words(name: str) -> str:
    return name.replace("_", " ").replace("ptsd", "PTSD")
