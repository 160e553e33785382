"""Which file has which columns, in the order in which the shipped files have them."""

from __future__ import annotations

_ADDRESS = ("line1", "line2", "city", "state", "postal_code")
COLUMNS: dict[str, tuple[str, ...]] = {
    "locations.csv": ("location", "name", "zone", "legal_name", "ein", "npi", "phone", *_ADDRESS),
    "chairs.csv": ("chair", "location", "name"),
    "staff.csv": (
        *("staff", "role", "name", "credential", "npi", "license_number", "dea_number", "phone"),
        *_ADDRESS,
    ),
    "fees.csv": ("visit_type", "fee_usd", "effective_from"),
    "patients.csv": (
        *("patient", "first_name", "last_name", "birth_date", "phone", "email"),
        *_ADDRESS,
        *("location", "registered_at", "screened_at", "screened_by", "screened_until"),
        *("concerns", "cleared_at", "cleared_by", "cleared_until", "clearance_note", "coverage"),
    ),
    "cards.csv": ("patient", "card_number", "saved_at"),
    "series.csv": (
        *("series", "patient", "prescriber", "location", "visit_type", "diagnoses", "booked_at"),
        *("stopped_at", "stop_reason", "signed_at"),
    ),
    "visits.csv": (
        *("visit", "series", "chair", "starts_at", "moved_at", "moved_to", "nurse", "ride"),
        *("ride_name", "ride_phone", "ride_confirmed_at", "checked_in_at", "fasted", "drip_min"),
        *("weight_kg", "dose_mg", "lot"),
        *("discharged_after_min", "tender", "reference", "paid_at", "issuer_declines"),
        "tried_again_at",
    ),
    "faults.csv": (
        *("ordered_at", "location", "system", "kind", "route", "times", "status", "seconds"),
    ),
}

MAY_BE_MISSING = frozenset({"cards.csv", "faults.csv"})
