"""How old a patient is at least, by what a visit gives."""

from __future__ import annotations

from datetime import date

from services.scheduling.rules.clinic.policy import VisitFigures
from shared.refusals import Broken


def years_old(birth_date: date, day: date) -> int:
    """Whole years. Who was born on 29 February is a year older from 1 March on in other years."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (not had_birthday)


def broken_by_age(
    figures: VisitFigures, birth_date: date, day: date, field: str = "patient_id"
) -> list[Broken]:
    """Whether a patient is old enough on the day of a visit. No type of visit needs an age."""
    least = figures.least_age_years
    if least is None or years_old(birth_date, day) >= least:
        return []
    return [
        Broken(
            "too_young",
            f"The patient is not {least} years old on {day}; such a visit is for those who are, or"
            " a prescriber of the practice records another least age with its source.",
            figures.sources["least_age_years"],
            field,
        )
    ]
