"""What was put right, signed, is on one list, and stands as it was written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.scheduling.conftest import Clinic
from tests.scheduling.test_dose_amendments import amended
from tests.scheduling.test_drip_ends import correction, running
from tests.scheduling.test_treatments import book

WRITTEN_ONCE = {
    "end_corrections": "signed_by",
    "dose_amendments": "signed_by",
    "series_corrections": "signed_by",
    "visit_corrections": "signed_by",
}


async def corrected(clinic: Clinic) -> dict[str, Any]:
    """A visit whose end, dose and series were put right, each once."""
    visit = await running(clinic)
    clinic.clock.step(timedelta(minutes=40))
    await clinic.step(visit, "complete")
    ended_at = clinic.clock.now() - timedelta(minutes=5)
    await clinic.step(visit, "end-corrections", correction(clinic, ended_at))
    await clinic.give(visit)
    await clinic.step(visit, "dose/amendments", amended(clinic, lot="LOT-0002"))
    signed = {"clinician_id": clinic.clinician_id, "reason": "Typed from the wrong chart."}
    codes = signed | {"diagnoses": ["F41.1"]}
    await clinic.post(f"/series/{visit['series_id']}/corrections", codes)
    return visit


async def test_signed_corrections_are_listed_with_the_overrides(clinic: Clinic) -> None:
    visit = await corrected(clinic)
    of = {"patient_id": visit["patient_id"]}
    listed = (await clinic.get("/overrides", **of))["items"]
    assert [(each["kind"], each["reason"]) for each in listed] == [
        ("end_correction", "The wrong patient's button."),
        ("dose_amendment", "The vial was another one."),
        ("series_correction", "Typed from the wrong chart."),
    ]
    assert {each["signed_by"] for each in listed} == {clinic.subject}
    assert {each["series_id"] for each in listed} == {visit["series_id"]}
    visits = [each["appointment_id"] for each in listed]
    assert visits == [visit["appointment_id"], visit["appointment_id"], None]
    for each in listed:
        [same] = (await clinic.get("/overrides", kind=each["kind"], **of))["items"]
        assert same == each


async def test_no_correction_is_changed_or_taken_away_by_whoever_writes(clinic: Clinic) -> None:
    await corrected(clinic)
    booster = await book(clinic, clinic.clock.now() + timedelta(days=9, hours=3))
    asked = {"clinician_id": clinic.clinician_id, "diagnoses": ["F41.1"], "reason": "Mistyped."}
    await clinic.step(booster, "corrections", asked)
    for table, column in WRITTEN_ONCE.items():
        for change in (f"UPDATE {table} SET {column} = 'nobody'", f"DELETE FROM {table}"):
            with pytest.raises(IntegrityError, match=f"{table} is append-only"):
                async with clinic.engine.begin() as connection:
                    await connection.execute(text(change))
