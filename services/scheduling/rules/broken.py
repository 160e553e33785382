"""What every rule answers with when it says no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a request breaks.

    `detail` says what is wrong and what would be right, `source` where the rule comes from,
    `field` the part of the request or of the record that it is about.
    """

    rule: str
    detail: str
    source: str
    field: str


def unknown(what: str, field: str) -> Broken:
    """A request names something that is not on record."""
    return Broken(f"unknown_{what}", f"No {what} has this id.", "the clinic's records", field)


UNKNOWN_LOCATION = unknown("location", "location_id")
UNKNOWN_PATIENT = unknown("patient", "patient_id")
UNKNOWN_SERIES = unknown("series", "series_id")
UNKNOWN_APPOINTMENT = unknown("appointment", "appointment_id")
