"""What the overview counts and lists: the newest of each kind, with a word about the rest."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.local.outside.pages.html import Cell, Column, section, table

MOST_ROWS = 200


def counted(number: int, noun: str) -> tuple[str, str]:
    """A figure, and its noun in the right number."""
    return str(number), noun if number == 1 else f"{noun}s"


def count(number: int, noun: str) -> str:
    return " ".join(counted(number, noun))


def newest_first(
    anchor: str,
    heading: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    sub: str,
    none: str,
) -> str:
    """A section with the newest rows first, and a word about those left out."""
    newest = list(reversed(rows))[:MOST_ROWS]
    left = len(rows) - len(newest)
    told = f"{sub} The {left} oldest are not shown." if left else sub
    return section(anchor, heading, told, table(anchor, columns, newest, none))
