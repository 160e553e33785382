"""Intake: what may be recorded of a patient, and what holds one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum

from shared.refusals import Broken


class Concern(StrEnum):
    """What "may require a more in-depth clearance" (FAQ: "Is there anything that excludes me")."""

    ACTIVE_LIVER_DISEASE = "active_liver_disease"
    HEART_DISEASE = "heart_disease"
    UNCONTROLLED_BLOOD_PRESSURE = "uncontrolled_blood_pressure"


def needs_clearance(concerns: Collection[Concern]) -> bool:
    """Whether no infusion may start before a clinician records a clearance."""
    return bool(concerns)


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


def broken_by_clearance(*, held: bool) -> list[Broken]:
    if held:
        return []
    return [
        Broken(
            "not_held",
            "The patient is not held; a clearance ends a hold that screening set.",
            "FAQ: concerns that may require a more in-depth clearance",
            "patient_id",
        )
    ]
