"""A made-up place, clinician and patient, as the front desk would enter them."""

from __future__ import annotations

from typing import Any

ADDRESS: dict[str, Any] = {
    "line1": "1 Made Up Street",
    "city": "Alexandria",
    "state": "VA",
    "postal_code": "22314",
}
LOCATION: dict[str, Any] = {
    "name": "Made Up Clinic",
    "zone": "America/New_York",
    "legal_name": "Made Up Clinic LLC",
    "ein": "12-3456789",
    "npi": "1245319599",
    "phone": "+12025550100",
    "address": ADDRESS,
}
CLINICIAN: dict[str, Any] = {
    "name": "Nora Madeup",
    "credential": "NP",
    "npi": "1987654328",
    "license_number": "0024000000",
    "dea_number": "AT1234563",
    "phone": "+12025550101",
    "address": ADDRESS,
}
PATIENT: dict[str, Any] = {
    "first_name": "Testa",
    "last_name": "Canary",
    "birth_date": "1980-01-31",
    "phone": "+12025550101",
    "email": "testa.canary@example.com",
    "address": ADDRESS,
    "same_name_is_another_person": True,
}
