"""Locations, chairs, clinicians."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.scheduling.conftest import CLINICIAN, LOCATION, Clinic


async def test_a_location_is_answered_as_it_was_given(clinic: Clinic) -> None:
    answer = await clinic.post("/locations", LOCATION)
    assert {name: answer[name] for name in LOCATION if name != "address"} == {
        name: value for name, value in LOCATION.items() if name != "address"
    }
    assert answer["address"] == LOCATION["address"] | {"line2": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("zone", "Virginia/Alexandria"),
        ("zone", "../../etc/passwd"),
        ("ein", "123456789"),
        ("npi", "3234567893"),
        ("name", ""),
        ("name", "Old\u0000Town"),
        ("phone", "+1 202 555 0100"),
    ],
)
async def test_a_location_with_a_wrong_field_is_not_opened(
    clinic: Clinic, field: str, value: str
) -> None:
    answer = await clinic.send("/locations", LOCATION | {field: value})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == [field]


async def test_a_location_has_one_chair_of_a_name(clinic: Clinic) -> None:
    await clinic.chair(name="By the window")
    refused = await clinic.refused(
        f"/locations/{clinic.location_id}/chairs", {"name": "By the window"}
    )
    assert refused == [("chair_name_taken", "name")]


async def test_a_chair_stands_at_a_known_location(clinic: Clinic) -> None:
    answer = await clinic.send(f"/locations/{uuid4()}/chairs", {"name": "1"})
    assert answer.status_code == 404


@pytest.mark.parametrize("without", ["dea_number", None])
async def test_a_clinician_may_have_no_dea_number(clinic: Clinic, without: str | None) -> None:
    wish: dict[str, Any] = {name: value for name, value in CLINICIAN.items() if name != without}
    answer = await clinic.post("/clinicians", wish)
    assert answer["dea_number"] == (None if without else CLINICIAN["dea_number"])
