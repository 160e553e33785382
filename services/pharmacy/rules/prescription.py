"""What a prescription says: its content checked, displayed, hashed, and put on an order form.

"1306.05" is 21 CFR 1306.05(a): dated as of, and signed on, the day when issued; the patient's full
name and address; drug name, strength, dosage form, quantity, directions; the practitioner's name,
address and registration number. Va. Code 54.1-3408.01 adds the practitioner's telephone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.pharmacy.values import Content, Displayed, Evidence
from shared.claims import Address
from shared.identifiers import is_dea_number, is_npi
from shared.refusals import Broken

C_III = "C-III"
MOST_REFILLS_C_III = 5  # 21 CFR 1306.22(a)
NO_DRIVING = "4 hours"  # FAQ: "You are not to drive for 4 hours after using the nasal spray"


def issue_day(now: datetime, zone: str) -> date:
    """The clinic's civil day at an instant."""
    return now.astimezone(ZoneInfo(zone)).date()


def day_ends_at(day: date, zone: str) -> datetime:
    """The first instant after the clinic's civil day."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))
    return midnight.astimezone(UTC)


def displayed(content: Content, issue_date: date) -> Displayed:
    """What the prescriber sees and signs: 1306.05 and 21 CFR 1311.120(b)(9)."""
    item, prescriber, patient = content.item, content.prescriber, content.patient
    return {
        "issue_date": issue_date.isoformat(),
        "patient_name": f"{patient.first_name} {patient.last_name}",
        "patient_birth_date": patient.birth_date.isoformat(),
        "patient_address": _one_line(patient.address),
        "drug": item.drug,
        "schedule": item.schedule,
        "strength": item.strength,
        "form": item.form.replace("_", " "),
        "quantity": f"{item.quantity} {item.quantity_unit}",
        "days_supply": item.days_supply,
        "sig": item.sig,
        "refills": item.refills,
        "clinical_difference": item.clinical_difference,
        "prescriber_name": _prescriber_name(content),
        "prescriber_address": _one_line(prescriber.address),
        "prescriber_phone": prescriber.phone,
        "prescriber_npi": prescriber.npi,
        "dea_number": prescriber.dea_number or "",
        "pharmacy_name": content.partner.name,
    }


def sha256_of(shown: Displayed) -> str:
    """The vendor's hash of what it displays: JSON, keys sorted, no spaces, UTF-8."""
    canonical = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def order_form(
    prescription_id: UUID, content: Content, issue_date: date, signature: Evidence | None
) -> dict[str, Any]:
    """The partner pharmacy's order. Its reference is how an order is found again."""
    item, prescriber, patient = content.item, content.prescriber, content.patient
    return {
        "reference": str(prescription_id),
        "patient": {
            "first_name": patient.first_name,
            "last_name": patient.last_name,
            "birth_date": patient.birth_date.isoformat(),
            "phone": patient.phone,
            "address": patient.address.model_dump(),
        },
        "prescriber": {
            "name": _prescriber_name(content),
            "npi": prescriber.npi,
            "dea_number": prescriber.dea_number,
            "phone": prescriber.phone,
            "address": prescriber.address.model_dump(),
        },
        "drug": item.drug,
        "schedule": item.schedule,
        "ingredients": [ingredient.model_dump() for ingredient in item.ingredients],
        "strength": item.strength,
        "form": item.form,
        "quantity": item.quantity,
        "quantity_unit": item.quantity_unit,
        "days_supply": item.days_supply,
        "sig": item.sig,
        "refills": item.refills,
        "date_written": issue_date.isoformat(),
        "clinical_difference": item.clinical_difference,
        "signature": None if signature is None else signature.model_dump(mode="json"),
    }


def forbidden_by(content: Content) -> list[Broken]:
    """Rules that no correction of a record mends: what is prescribed itself breaks them."""
    return list(_unlawful(content))


def to_correct(content: Content) -> list[Broken]:
    """What somebody has to correct before a signature is asked for.

    After the signature nothing may be changed or cut.
    """
    form = order_form(UUID(int=0), content, date.min, None)
    return [*_wrong_prescriber(content), *_too_long(form, content)]


def _unlawful(content: Content) -> Iterator[Broken]:
    item = content.item
    if item.schedule == C_III and item.refills > MOST_REFILLS_C_III:
        yield Broken(
            "too_many_refills",
            f"{item.refills} refills; a C-III drug may have at most {MOST_REFILLS_C_III}.",
            "21 CFR 1306.22(a)",
            "refills",
        )
    if item.form == "nasal_spray" and NO_DRIVING not in item.sig:
        yield Broken(
            "driving_rule_missing",
            f"The directions of a spray must forbid driving for {NO_DRIVING}.",
            "FAQ: You are not to drive for 4 hours after using the nasal spray",
            "sig",
        )


def _wrong_prescriber(content: Content) -> Iterator[Broken]:
    number, npi = content.prescriber.dea_number, content.prescriber.npi
    if number is None:
        yield Broken(
            "dea_number_missing",
            "The prescriber has no DEA number on record. A controlled substance needs one: two"
            " letters and seven digits.",
            "21 CFR 1306.05(a)",
            "prescriber.dea_number",
        )
    elif not is_dea_number(number):
        yield Broken(
            "dea_number_wrong",
            "The prescriber's DEA number does not check. It has two letters and seven digits, the"
            " last of them a check digit.",
            "21 CFR 1306.05(a)",
            "prescriber.dea_number",
        )
    if not is_npi(npi):
        yield Broken(
            "npi_wrong",
            "The prescriber's NPI does not check. It has ten digits, the last of them a check"
            " digit.",
            "45 CFR 162.406",
            "prescriber.npi",
        )


def _too_long(form: Mapping[str, Any], content: Content) -> Iterator[Broken]:
    for path, text in _texts(form):
        most = content.partner.limits.get(path)
        if most is not None and len(text) > most:
            yield Broken(
                "too_long",
                f"{len(text)} characters; at most {most} fit. Shorten it on record: a text that"
                " is cut makes the prescription void.",
                "the partner pharmacy's order form; 21 CFR 1311.170(e)",
                path,
            )


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a form with its path; the items of a list share one path."""
    match value:
        case str():
            yield path, value
        case Mapping():
            for name, inner in value.items():
                yield from _texts(inner, f"{path}.{name}" if path else name)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner, path)


def _prescriber_name(content: Content) -> str:
    return f"{content.prescriber.name}, {content.prescriber.credential}"


def _one_line(address: Address) -> str:
    street = " ".join(filter(None, (address.line1, address.line2)))
    return f"{street}, {address.city}, {address.state} {address.postal_code}"
