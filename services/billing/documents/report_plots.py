"""The reports as SVG, drawn by hand, so that the service needs no plotting library.

Whoever cannot see a picture hears its title and a description with every figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.billing.rules.books.reports import Earned, Month, visit_types
from shared.money import dollars

WIDTH, HEIGHT = 880, 380
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 84, 320
ROW = 20
PLOT = WIDTH - LEFT - RIGHT
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
PALETTE = ("#1d5c96", "#0f766e", "#b45309", "#7c3aed", "#be123c", "#64748b")
OTHERS = "others"

STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
  fill: #475569 }
.title { font-size: 18px; font-weight: 600; fill: #0f172a }
.value { font-weight: 600; fill: #12355b; text-anchor: middle }
.tick { text-anchor: end; font-size: 11px }
.under { text-anchor: middle }
.grid { stroke: #e2e8f0 }
.base { stroke: #94a3b8 }
"""


@dataclass(frozen=True, slots=True)
class _Axis:
    """From so many steps below nothing to so many above it, each of an amount in cents."""

    step: int
    up: int
    down: int

    @classmethod
    def over(cls, most: int, least: int = 0) -> _Axis:
        """Steps that hold the most above nothing and below it, there with room for its amount."""
        step = _top(max(most, -least)) // 4
        return cls(step, max(1, -(-most // step)), -((least + least // 8) // step))

    @property
    def base(self) -> float:
        """Where nothing is."""
        return BOTTOM - self.height(self.step * self.down)

    def height(self, cents: int) -> float:
        return (BOTTOM - TOP) * cents / (self.step * (self.up + self.down))

    def lines(self) -> Iterator[str]:
        for part in range(-self.down, self.up + 1):
            if part == 0:
                continue
            cents = self.step * part
            y = self.base - self.height(cents)
            yield (
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick" x="{LEFT - 10}" y="{y + 4:.1f}">{_short(cents)}</text>'
            )


def draw_ageing(as_of: date, owed: Mapping[str, int]) -> str:
    """A column for each span of days; the older, the warmer."""
    total = sum(owed.values())
    shades = ("#1d5c96", "#3f7d8f", "#b98a2f", "#b45309", "#9f1d1d")
    axis = _Axis.over(max(owed.values(), default=0))
    width = PLOT / len(owed)
    body = [*axis.lines()]
    for number, ((name, cents), shade) in enumerate(zip(owed.items(), shades, strict=True)):
        x, height = LEFT + number * width, axis.height(max(cents, 0))
        body.append(
            f"<g><title>{name} days: {dollars(cents)}</title>"
            f'<rect x="{x + width * 0.18:.1f}" y="{BOTTOM - height:.1f}" width="{width * 0.64:.1f}"'
            f' height="{height:.1f}" rx="3" fill="{shade}"/>'
            f'<text class="value" x="{x + width / 2:.1f}" y="{BOTTOM - height - 8:.1f}">'
            f"{dollars(cents)}</text>"
            f'<text class="under" x="{x + width / 2:.1f}" y="{BOTTOM + 20}">{name} days</text></g>'
        )
    heard = "; ".join(f"{name} days: {dollars(cents)}" for name, cents in owed.items())
    under = f"{dollars(total)} owed by patients at the end of {as_of:%B} {as_of.day}, {as_of.year}"
    return _framed("Receivables by age", under, f"{under}. {heard}.", body)


def draw_revenue(months: Sequence[Month], earned: Sequence[Earned]) -> str:
    """A column for each month, net of discounts and refunds; a colour for each kind of visit.

    A kind that gave back more in a month than it brought stands below the line.
    """
    kinds = visit_types(earned)
    net = {(one.month, one.visit_type): one.net_cents for one in earned}
    gained = {month: sum(max(0, net.get((month, kind), 0)) for kind in kinds) for month in months}
    lost = {month: sum(min(0, net.get((month, kind), 0)) for kind in kinds) for month in months}
    axis = _Axis.over(max(gained.values(), default=0), min(lost.values(), default=0))
    legend, rows = _legend(kinds)
    width = PLOT / len(months)
    body = [*axis.lines(), *legend]
    for number, month in enumerate(months):
        x = LEFT + number * width
        above = below = axis.base
        for kind in kinds:
            cents = net.get((month, kind), 0)
            if not cents:
                continue
            height = axis.height(abs(cents))
            at = below if cents < 0 else above - height
            above, below = (above, below + height) if cents < 0 else (at, below)
            body.append(
                f"<g><title>{_month(month)}, {_words(kind)}: {dollars(cents)}</title>"
                f'<rect x="{x + width * 0.15:.1f}" y="{at:.1f}" width="{width * 0.7:.1f}"'
                f' height="{max(height, 0.5):.1f}" fill="{_shade(kinds, kind)}"/></g>'
            )
        if width >= 48:  # noqa: PLR2004  # narrower columns have no room for it
            if gained[month]:
                body.append(_value(x + width / 2, above - 8, gained[month]))
            if lost[month]:
                body.append(_value(x + width / 2, below + 14, lost[month]))
        if number % max(1, round(len(months) / 12)) == 0:
            body.append(
                f'<text class="under" x="{x + width / 2:.1f}" y="{BOTTOM + 20}">'
                f"{month.first:%b} {month.year % 100:02d}</text>"
            )
    total = sum(net.values())
    under = f"{_month(months[0])} to {_month(months[-1])}: {dollars(total)} net"
    heard = "; ".join(
        f"{_month(one.month)}, {_words(one.visit_type)}: {dollars(one.net_cents)}" for one in earned
    )
    heard = f"{under}. {heard or 'Nothing'}."
    return _framed("Revenue by kind of visit", under, heard, body, base=axis.base, rows=rows)


def _framed(
    title: str,
    under: str,
    heard: str,
    body: Sequence[str],
    *,
    base: float = BOTTOM,
    rows: int = 1,
) -> str:
    """The whole picture. `base` is where nothing is, `rows` how many its legend has."""
    height = HEIGHT + (rows - 1) * ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
            f' width="{WIDTH}" height="{height}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{title}</title>',
            f'<desc id="desc">{heard}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
            f'<text class="title" x="24" y="34">{title}</text>',
            f'<text x="24" y="54">{under}</text>',
            *body,
            f'<line class="base" x1="{LEFT}" x2="{WIDTH - RIGHT}"'
            f' y1="{base:.1f}" y2="{base:.1f}"/>',
            "</svg>",
            "",
        ]
    )


def _legend(kinds: Sequence[str]) -> tuple[list[str], int]:
    """What each colour stands for, and in how many rows."""
    named = [*kinds[: len(PALETTE) - 1], OTHERS] if len(kinds) > len(PALETTE) else kinds
    drawn, x, row = [], float(LEFT), 0
    for shade, kind in zip(PALETTE, named, strict=False):
        width = 40 + 7 * len(_words(kind))
        if x > LEFT and x + width > WIDTH:
            x, row = float(LEFT), row + 1
        y = HEIGHT - 26 + row * ROW
        drawn.append(
            f'<rect x="{x:.0f}" y="{y}" width="12" height="12" rx="2" fill="{shade}"/>'
            f'<text x="{x + 18:.0f}" y="{y + 10}">{_words(kind)}</text>'
        )
        x += width
    return drawn, row + 1


def _value(x: float, y: float, cents: int) -> str:
    return f'<text class="value" x="{x:.1f}" y="{y:.1f}">{_short(cents)}</text>'


def _shade(kinds: Sequence[str], kind: str) -> str:
    """Beyond the palette's kinds, which are few and big, the rest share the last shade."""
    return PALETTE[min(kinds.index(kind), len(PALETTE) - 1)]


def _top(most: int) -> int:
    """A round amount above the largest, in cents, that four lines divide evenly."""
    unit = 400
    while True:
        for step in STEPS:
            if most <= unit * step:
                return int(unit * step)
        unit *= 10


def _short(cents: int) -> str:
    """`$1,200` on an axis."""
    return dollars(cents).removesuffix(".00")


def _month(month: Month) -> str:
    return f"{month.first:%B} {month.year}"


def _words(kind: str) -> str:
    return kind.replace("_", " ").replace("iv ", "IV ")
