"""The reports as SVG, drawn by hand, so that the service needs no plotting library.

Whoever cannot see a picture hears its title and a description with every figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from services.billing.rules.books.reports import Earned, Month, visit_types
from shared.money import dollars

WIDTH, HEIGHT = 880, 380
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 84, 320
PLOT = WIDTH - LEFT - RIGHT
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
PALETTE = ("#1d5c96", "#0f766e", "#b45309", "#7c3aed", "#be123c", "#64748b")

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


def draw_ageing(as_of: date, owed: Mapping[str, int]) -> str:
    """A column for each span of days; the older, the warmer."""
    total = sum(owed.values())
    shades = ("#1d5c96", "#3f7d8f", "#b98a2f", "#b45309", "#9f1d1d")
    top = _top(max(owed.values(), default=0))
    width = PLOT / len(owed)
    body = [*_grid(top)]
    for number, ((name, cents), shade) in enumerate(zip(owed.items(), shades, strict=True)):
        x, height = LEFT + number * width, _height(max(cents, 0), top)
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
    sums = {month: sum(max(0, net.get((month, kind), 0)) for kind in kinds) for month in months}
    top = _top(max(sums.values(), default=0))
    width = PLOT / len(months)
    body = [*_grid(top), *_legend(kinds)]
    for number, month in enumerate(months):
        x, y = LEFT + number * width, float(BOTTOM)
        for kind in kinds:
            cents = net.get((month, kind), 0)
            if not cents:
                continue
            height = _height(abs(cents), top)
            at = BOTTOM if cents < 0 else y - height
            y -= height if cents > 0 else 0
            body.append(
                f"<g><title>{_month(month)}, {_words(kind)}: {dollars(cents)}</title>"
                f'<rect x="{x + width * 0.15:.1f}" y="{at:.1f}" width="{width * 0.7:.1f}"'
                f' height="{max(height, 0.5):.1f}" fill="{_shade(kinds, kind)}"/></g>'
            )
        if sums[month] and width >= 48:  # noqa: PLR2004  # narrower columns have no room for it
            body.append(
                f'<text class="value" x="{x + width / 2:.1f}" y="{y - 8:.1f}">'
                f"{_short(sums[month])}</text>"
            )
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
    return _framed("Revenue by kind of visit", under, f"{under}. {heard or 'Nothing'}.", body)


def _framed(title: str, under: str, heard: str, body: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{title}</title>',
            f'<desc id="desc">{heard}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>',
            f'<text class="title" x="24" y="34">{title}</text>',
            f'<text x="24" y="54">{under}</text>',
            *body,
            f'<line class="base" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>',
            "</svg>",
            "",
        ]
    )


def _grid(top: int) -> Iterator[str]:
    for part in range(1, 5):
        cents = top * part // 4
        y = BOTTOM - _height(cents, top)
        yield (
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{LEFT - 10}" y="{y + 4:.1f}">{_short(cents)}</text>'
        )


def _legend(kinds: Sequence[str]) -> Iterator[str]:
    x = float(LEFT)
    for kind in kinds:
        yield (
            f'<rect x="{x:.0f}" y="{HEIGHT - 26}" width="12" height="12" rx="2"'
            f' fill="{_shade(kinds, kind)}"/>'
            f'<text x="{x + 18:.0f}" y="{HEIGHT - 16}">{_words(kind)}</text>'
        )
        x += 40 + 7 * len(_words(kind))


def _shade(kinds: Sequence[str], kind: str) -> str:
    """Beyond the palette's kinds, which are few and big, the rest share the last shade."""
    return PALETTE[min(kinds.index(kind), len(PALETTE) - 1)]


def _height(cents: int, top: int) -> float:
    return (BOTTOM - TOP) * cents / top


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
