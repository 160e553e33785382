"""Orders and prescriptions of a made-up patient, with keyword overrides."""

from __future__ import annotations

from typing import Any

ADDRESS = {
    "line1": "1 Made Up Street",
    "city": "Alexandria",
    "state": "VA",
    "postal_code": "22314",
}


def order(**changes: Any) -> dict[str, Any]:
    return {
        "reference": "rx-1",
        "patient": {
            "first_name": "Testa",
            "last_name": "Canary",
            "birth_date": "1980-01-31",
            "phone": "+12025550101",
            "address": ADDRESS,
        },
        "prescriber": {
            "name": "Dr. Made Up",
            "npi": "1234567893",
            "dea_number": "AB1234563",
            "phone": "+12025550100",
            "address": ADDRESS,
        },
        "drug": "Ketamine HCl nasal spray",
        "schedule": "C-III",
        "ingredients": [{"name": "Ketamine HCl", "quantity": "500", "unit": "mg"}],
        "strength": "100 mg/mL",
        "form": "nasal_spray",
        "quantity": "5",
        "quantity_unit": "mL",
        "days_supply": 30,
        "sig": "One spray in each nostril, twice a week. No driving for 4 hours.",
        "refills": 0,
        "date_written": "2026-11-23",
        "signature": signature(),
    } | changes


def signature(**changes: Any) -> dict[str, Any]:
    return {
        "signature_id": "sig_made_up",
        "signer_dea_number": "AB1234563",
        "signed_at": "2026-11-23T14:00:00+00:00",
        "factors": ["knowledge", "hard_token"],
        "sha256": "0" * 64,
    } | changes


def displayed(**changes: Any) -> dict[str, Any]:
    return {
        "issue_date": "2026-11-23",
        "patient_name": "Testa Canary",
        "patient_address": "1 Made Up Street, Alexandria, VA 22314",
        "drug": "Ketamine HCl nasal spray",
        "strength": "100 mg/mL",
        "form": "nasal spray",
        "quantity": "5 mL",
        "sig": "One spray in each nostril, twice a week. No driving for 4 hours.",
        "refills": 0,
        "prescriber_name": "Dr. Made Up",
        "prescriber_address": "2 Made Up Street, Alexandria, VA 22314",
        "dea_number": "AB1234563",
    } | changes
