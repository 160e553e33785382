"""Figures that are taken back before their first day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling.forms.figures import Day
from services.scheduling.forms.wish import Wish
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits.chart_words import WordKind
from services.scheduling.rules.visits.readings import Measure
from shared.claims import Line


class WithdrawNamed(Wish):
    """Figures of a visit type, its protocol, or one of the house, by name and first day.

    What a prescriber signed is taken back by one, `clinician_id`.
    """

    kind: Literal["visit_figures", "protocol", "house_figure"]
    name: Line
    effective_from: Day
    clinician_id: UUID | None = None


class WithdrawLimit(Wish):
    """A limit, by the word of a prescriber."""

    kind: Literal["limit"]
    visit_type: Line
    measure: Measure
    effective_from: Day
    clinician_id: UUID


class WithdrawSigning(Wish):
    """Who may sign an act, by the word of a prescriber."""

    kind: Literal["signing_rule"]
    act: Act
    effective_from: Day
    clinician_id: UUID


class WithdrawChartWord(Wish):
    """A word of the chart, by the word of a prescriber."""

    kind: Literal["chart_word"]
    of: WordKind
    word: Line
    effective_from: Day
    clinician_id: UUID


class WithdrawPlace(Wish):
    """Opening hours or a roster, by their id."""

    kind: Literal["opening_hours", "roster"]
    id: UUID


WithdrawFigure = Annotated[
    WithdrawNamed | WithdrawLimit | WithdrawSigning | WithdrawChartWord | WithdrawPlace,
    Field(discriminator="kind"),
]


class WithdrawnAnswer(BaseModel):
    """What is gone: it was to begin on `effective_from`, and never did."""

    kind: str
    effective_from: date
