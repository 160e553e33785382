"""Every query of scheduling, and the only place that seals and opens what patients entrust.

Locks are taken in one order, so that no two requests wait for each other: the patient's row, then
a place's days where nurses are counted, then chairs by their id. Whoever changes anything of a
patient's course holds that patient's row.
"""

from __future__ import annotations

from services.scheduling.store.clinic import (
    chairs_at,
    clinician_card,
    find_clinician,
    find_location,
    has_chair_named,
    location_card,
    lock_chairs,
)
from services.scheduling.store.courses import (
    Course,
    add_series,
    complete_series,
    diagnoses_of,
    find_course,
    find_infusion,
    has_open_series,
    lock_course,
    stop_series,
    visits_of,
)
from services.scheduling.store.patients import (
    add_patient,
    change_card,
    concerns_of,
    find_patient,
    lock_patient,
    patient_card,
    record_clearance,
)
from services.scheduling.store.policy import (
    add_opening_hours,
    add_roster,
    catalogue_on,
    figures_at,
    find_closure,
    has_hours_from,
    has_roster_from,
    policy_of,
    protocol_rows,
    visit_type_rows,
    withdraw_closure,
)
from services.scheduling.store.visits import (
    BY_START,
    HeldVisit,
    add_visit,
    change_visit,
    driver_of,
    lock_days,
    lock_visit,
    seal_driver,
    taken_slots,
    visits_between,
)

__all__ = [
    "BY_START",
    "Course",
    "HeldVisit",
    "add_opening_hours",
    "add_patient",
    "add_roster",
    "add_series",
    "add_visit",
    "catalogue_on",
    "chairs_at",
    "change_card",
    "change_visit",
    "clinician_card",
    "complete_series",
    "concerns_of",
    "diagnoses_of",
    "driver_of",
    "figures_at",
    "find_clinician",
    "find_closure",
    "find_course",
    "find_infusion",
    "find_location",
    "find_patient",
    "has_chair_named",
    "has_hours_from",
    "has_open_series",
    "has_roster_from",
    "location_card",
    "lock_chairs",
    "lock_course",
    "lock_days",
    "lock_patient",
    "lock_visit",
    "patient_card",
    "policy_of",
    "protocol_rows",
    "record_clearance",
    "seal_driver",
    "stop_series",
    "taken_slots",
    "visit_type_rows",
    "visits_between",
    "visits_of",
    "withdraw_closure",
]
