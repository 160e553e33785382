"""The few shapes that every page is made of. Whatever comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from fastapi.responses import HTMLResponse

_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
_GUARD = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_GOOD = frozenset(
    {
        "accepted",
        "attached",
        "complete",
        "delivered",
        "paid",
        "received",
        "signed",
        "succeeded",
        "warning_closed",
        "won",
    }
)
_BAD = frozenset(
    {
        "canceled",
        "declined",
        "disputed",
        "dropped",
        "expired",
        "failed",
        "given_up",
        "lost",
        "rejected",
        "undelivered",
    }
)
_WAIT = frozenset(
    {
        "held",
        "in_transit",
        "needs_response",
        "on_hold",
        "open",
        "pending",
        "queued",
        "requires_action",
        "sent",
        "under_review",
        "warning_needs_response",
        "warning_under_review",
    }
)


@dataclass(frozen=True, slots=True)
class Markup:
    """Text that is HTML already."""

    html: str


Cell = str | Markup


def html_of(cell: Cell) -> str:
    return cell.html if isinstance(cell, Markup) else escape(cell)


def chip(word: str) -> Markup:
    """A status, told in words and shaded by what it means."""
    shade = (
        " good" if word in _GOOD else " bad" if word in _BAD else " wait" if word in _WAIT else ""
    )
    return Markup(f'<span class="chip{shade}">{escape(word.replace("_", " "))}</span>')


def ident(text: str) -> Markup:
    return Markup(f'<span class="id">{escape(text)}</span>')


def with_small(main: Cell, small: str) -> Markup:
    return Markup(f"{html_of(main)}<small>{escape(small)}</small>" if small else html_of(main))


def link(address: str, text: str) -> Markup:
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')


def lines(cells: Iterable[Cell]) -> Markup:
    return Markup("<br>".join(html_of(cell) for cell in cells))


def when(moment: datetime | str | None) -> Markup:
    """A moment in UTC, to the second."""
    if moment is None:
        return Markup('<span class="when">not yet</span>')
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    utc = at.astimezone(UTC)
    return Markup(
        f'<time class="when" datetime="{utc.isoformat()}">{utc:%d %b %Y, %H:%M:%S}</time>'
    )


def dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: its heading, and the class of its cells."""

    heading: str
    shape: str = ""


def section(anchor: str, heading: str, sub: str, inside: str) -> str:
    told = f'<p class="sub">{escape(sub)}</p>' if sub else ""
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-h"><div class="head">'
        f'<h2 id="{anchor}-h">{escape(heading)}</h2>{told}</div>{inside}</section>'
    )


def table(anchor: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], none: str) -> str:
    """A table that scrolls by itself when narrow; a sentence when there is nothing to show."""
    if not rows:
        return f'<p class="none">{escape(none)}</p>'
    head = "".join(
        f'<th scope="col" class="{column.shape}">{escape(column.heading)}</th>'
        for column in columns
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{column.shape}">{html_of(cell)}</td>'
            for column, cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" aria-labelledby="{anchor}-h" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def facts(pairs: Iterable[tuple[str, Cell]]) -> str:
    inside = "".join(f"<dt>{escape(name)}</dt><dd>{html_of(value)}</dd>" for name, value in pairs)
    return f'<dl class="facts">{inside}</dl>'


def page(title: str, sub: Cell, inside: str, *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        "<!doctype html>"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        '<a class="skip" href="#main">Skip to what it holds</a><div class="wrap">'
        f"<header><h1>{escape(title)}</h1><p>{html_of(sub)}</p></header>"
        f'<main id="main">{inside}</main>'
        "<footer><p>Simulated. Nobody real was charged, written to or sent anything.</p></footer>"
        "</div></body></html>",
        status_code=status,
        headers=_GUARD,
    )
