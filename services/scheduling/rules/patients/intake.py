"""Intake: what may be recorded of a patient, and what screening looks for."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from shared.refusals import Broken


class Concern(StrEnum):
    """What "may require a more in-depth clearance" (FAQ: "Is there anything that excludes me")."""

    ACTIVE_LIVER_DISEASE = "active_liver_disease"
    HEART_DISEASE = "heart_disease"
    UNCONTROLLED_BLOOD_PRESSURE = "uncontrolled_blood_pressure"


def broken_by_birth_date(birth_date: date, today: date) -> list[Broken]:
    if birth_date <= today:
        return []
    return [
        Broken(
            "birth_date",
            "This birth date is yet to come; a patient is born before intake.",
            "the calendar",
            "birth_date",
        )
    ]
