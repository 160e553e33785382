"""How soon a visit is offered to somebody who is only now told of it, and may have just eaten."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import VisitFigures, on_the_wall
from shared.refusals import Broken


def soonest(figures: VisitFigures, told_at: datetime) -> datetime:
    """From when on a patient can be given such a visit who is told of it at this moment."""
    return told_at + timedelta(minutes=figures.fasting_min)


def too_soon(figures: VisitFigures, told_at: datetime, zone: ZoneInfo, field: str) -> Broken:
    return Broken(
        "fasting_notice",
        f"Such a visit is fasted for {figures.fasting_min} minutes, and whoever is told of it now"
        f" may have just eaten; from {on_the_wall(soonest(figures, told_at), zone)} on there is"
        " time.",
        figures.sources["fasting_min"],
        field,
    )
