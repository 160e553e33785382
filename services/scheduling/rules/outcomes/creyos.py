"""Creyos summaries: what is read of an export, task by task.

Only three columns are read. What else an export carries, a name perhaps, is not kept. The figures
are Creyos' own: each task comes with its standing among the norm's people, and none of them is
added up with another, because tasks measure different things.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from services.scheduling.rules.outcomes.forms import Score
from shared.refusals import Broken

VERSION = 1

TASKS = (
    "spatial_span",
    "monkey_ladder",
    "token_search",
    "paired_associates",
    "rotations",
    "polygons",
    "odd_one_out",
    "spatial_planning",
    "feature_match",
    "grammatical_reasoning",
    "double_trouble",
    "digit_span",
)
"""The battery's twelve tasks: Hampshire et al., Neuron 2012;76:1225; Cambridge Brain Sciences,
tasks overview. The FAQ names working memory, visuospatial processing and verbal recall."""

HIGHEST_STANDARD_SCORE = 200
"""The house's limit, for a mistyped figure: standard scores lie around 100."""

HIGHEST_PERCENTILE = 100

MISTYPED = 10**6

COLUMNS = ("task", "standard_score", "percentile")
MAX_ROWS = 100

SOURCE = "Creyos summary: a row per task with its standard score and percentile"


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task's figures, as the summary prints them; None where a sheet has no number."""

    task: str
    standard_score: float | None
    percentile: float | None


UNREADABLE = [
    Broken("csv_unreadable", "This is no sheet of CSV in UTF-8; export it again.", SOURCE, "body")
]


def read_csv(sheet: str) -> list[TaskScore] | list[Broken]:
    """The tasks of a summary as CSV. The columns may stand in any order, among others."""
    try:
        rows = [row for row in csv.reader(sheet.splitlines()) if any(cell.strip() for cell in row)]
    except csv.Error:
        return UNREADABLE
    names = [task_of(cell) for cell in rows[0]] if rows else []
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        detail = f"The first row names no {' and no '.join(missing)}; right would be a first row"
        detail += f" with {', '.join(COLUMNS)}."
        return [_broken("csv_columns", detail, "rows.0")]
    twice = [column for column in COLUMNS if names.count(column) > 1]
    if twice:
        detail = f"The first row names {' and '.join(twice)} twice; keep the one that is meant."
        return [_broken("csv_columns", detail, "rows.0")]
    if len(rows) > MAX_ROWS:
        return [_broken("csv_rows", f"A summary has at most {MAX_ROWS} rows.", "body")]
    places = [names.index(column) for column in COLUMNS]
    tasks = []
    for row in rows[1:]:
        task, *figures = [row[place] if place < len(row) else "" for place in places]
        tasks.append(TaskScore(task_of(task), *map(_figure, figures)))
    return tasks


def task_of(name: str) -> str:
    """A task's name as the house writes it: "Spatial Span" is `spatial_span`."""
    return re.sub(r"[\s_-]+", "_", name.strip().removeprefix("\ufeff")).casefold()


def _figure(cell: str) -> float | None:
    try:
        figure = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return float(round(figure, 1)) if figure.is_finite() and abs(figure) < MISTYPED else None


def broken_by_tasks(tasks: Sequence[TaskScore], *, in_sheet: bool = False) -> list[Broken]:
    """What of a summary cannot be, task by task; in a sheet they stand below its first row."""
    if not tasks:
        return [_broken("no_tasks", "The summary has no task; it needs at least one.", "tasks")]
    broken: list[Broken] = []
    names = [each.task for each in tasks]
    for number, each in enumerate(tasks):
        at = f"rows.{number + 1}" if in_sheet else f"tasks.{number}"
        if each.task not in TASKS:
            detail = f"No task has this name; the battery has {', '.join(TASKS)}."
            broken.append(_broken("unknown_task", detail, f"{at}.task"))
        elif each.task in names[:number]:
            detail = f"{each.task} stands here twice; keep the one that was meant."
            broken.append(_broken("task_twice", detail, f"{at}.task"))
        for column, figure, highest in (
            ("standard_score", each.standard_score, HIGHEST_STANDARD_SCORE),
            ("percentile", each.percentile, HIGHEST_PERCENTILE),
        ):
            if figure is None:
                broken.append(_no_number(column, f"{at}.{column}"))
            elif not 0 <= figure <= highest:
                detail = f"The {column} is out of range; right would be 0 to {highest}."
                broken.append(_broken("task_range", detail, f"{at}.{column}"))
    return broken


def score(tasks: Sequence[TaskScore]) -> Score:
    """The standard score of each task. A summary has no total."""
    return Score(
        total=None,
        band=None,
        parts={each.task: each.standard_score for each in tasks if each.standard_score is not None},
        criteria_met=None,
    )


def _no_number(column: str, field: str) -> Broken:
    return _broken("no_number", f"The {column} is not a number; a task has both figures.", field)


def _broken(rule: str, detail: str, field: str) -> Broken:
    return Broken(rule, detail, SOURCE, field)
