"""A patient whose every field is found again wherever it turns up, and in whatever dress."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from urllib.parse import quote

from deploy.local.export.records import Address, Clinic, Concern

FIELDS = {
    "first name": "Testacanary",
    "last name": "Quillbirdsen",
    "birth date": "1979-05-17",
    "birth date, compact": "19790517",
    "birth date, as printed": "05/17/1979",
    "phone": "2025550147",
    "e-mail": "quill.canary@example.org",
    "street": "47 Canaryfeather Row",
    "second line": "Perch 12b-Canary",
    "city": "Canarysburgh",
    "postal code": "20599-7391",
    "diagnosis": "F33.2",
    "concern": "heart_disease",
    "clearance": "Canarysound echo reviewed",
    "driver": "Drivecanary Finchley",
    "phone of the driver": "2025550148",
}


def as_canary(clinic: Clinic, patient: str) -> Clinic:
    """The clinic with only this patient, every field of theirs a canary."""
    only = clinic.only(patient)
    one = only.patients[patient]
    assert one.clearance is not None, "the patient was held, so that the concern is on file"
    bird = replace(
        one,
        first_name=FIELDS["first name"],
        last_name=FIELDS["last name"],
        birth_date=date.fromisoformat(FIELDS["birth date"]),
        phone=f"+1{FIELDS['phone']}",
        email=FIELDS["e-mail"],
        address=Address(
            line1=FIELDS["street"],
            line2=FIELDS["second line"],
            city=FIELDS["city"],
            state="VA",
            postal_code=FIELDS["postal code"],
        ),
        concerns=(Concern(FIELDS["concern"]),),
        clearance=replace(one.clearance, note=FIELDS["clearance"]),
    )
    series = {
        key: replace(course, diagnoses=(FIELDS["diagnosis"],))
        for key, course in only.series.items()
    }
    visits = {
        key: replace(
            visit,
            course=visit.course
            and replace(
                visit.course,
                ride=replace(
                    visit.course.ride,
                    name=FIELDS["driver"],
                    phone=f"+1{FIELDS['phone of the driver']}",
                ),
            ),
        )
        for key, visit in only.visits.items()
    }
    return replace(only, patients={patient: bird}, series=series, visits=visits)


def _dresses(value: str) -> Iterator[bytes]:
    """How a value may look once it is encoded by one thing or another."""
    plain = value.lower().encode()
    yield plain
    yield quote(value).lower().encode()
    yield json.dumps(value).strip('"').lower().encode()
    for case in {value, value.lower(), value.upper()}:
        raw = case.encode()
        yield raw.hex().encode()
        for shift in range(3):  # base64 depends on what stands before
            encoded = base64.b64encode(b"\0" * shift + raw)
            yield encoded[shift + 1 : -4].lower()


_MARKS = {
    name: {mark for mark in _dresses(value) if len(mark) > 4} for name, value in FIELDS.items()
}


def found_in(said: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Where a field of the canary shows: place and field."""
    return [
        (place, name)
        for place, content in said.items()
        for lowered in [content.lower()]
        for name, marks in _MARKS.items()
        if any(mark in lowered for mark in marks)
    ]
