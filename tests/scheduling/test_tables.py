"""What the database itself refuses, whoever writes, and what it never shows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.scheduling.tables import Base
from shared.db import drift, sqlstate
from tests.scheduling.conftest import PATIENT, Clinic

COPY = """
    INSERT INTO appointments (appointment_id, patient_id, series_id, sequence_no, location_id,
                              chair_id, visit_type, starts_at, ends_at, state, revision)
    SELECT :id, coalesce(CAST(:patient AS uuid), patient_id), series_id, 9, location_id,
           coalesce(CAST(:chair AS uuid), chair_id), visit_type, starts_at + interval '49 minutes',
           ends_at + interval '49 minutes', 'booked', 0
      FROM appointments WHERE appointment_id = :like
"""


async def test_tables_in_code_and_in_the_migrated_database_agree(clinic: Clinic) -> None:
    assert await drift(clinic.engine, Base.metadata) == []


async def copy_beside(clinic: Clinic, visit: dict[str, Any], **other: str | None) -> str | None:
    """Write a visit beside another that overlaps it by a minute. The SQLSTATE, if refused."""
    values = {"id": uuid4(), "like": visit["appointment_id"], "patient": None, "chair": None}
    try:
        async with clinic.engine.begin() as connection:
            await connection.execute(text(COPY), values | other)
    except DBAPIError as error:
        return sqlstate(error)
    return None


async def test_no_writer_at_all_puts_a_chair_or_a_patient_into_two_visits(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    patient, chair = await clinic.patient(), await clinic.chair()
    assert await copy_beside(clinic, visit, patient=patient) == "23P01"
    assert await copy_beside(clinic, visit, chair=chair) == "23P01"
    assert await copy_beside(clinic, visit, patient=patient, chair=chair) is None


@pytest.mark.parametrize(
    "change",
    [
        "state = 'arrived'",
        "starts_at = ends_at",
        "state = 'running'",
        "ride_mode = 'bicycle'",
        "driver = 'sealed'",
        "stopped_at = now()",
        "no_drive_until = now()",
        "infusion_id = gen_random_uuid(), started_at = now(), clinician_id = :clinician,"
        " state = 'running', fasted = true",
        "infusion_id = gen_random_uuid(), started_at = now(), clinician_id = :clinician,"
        " state = 'running', ride_mode = 'rideshare'",
        "infusion_id = gen_random_uuid(), started_at = now(), clinician_id = :clinician,"
        " state = 'running', ride_mode = 'rideshare', fasted = false",
        "infusion_id = gen_random_uuid(), started_at = now(), clinician_id = :clinician,"
        " state = 'completed', ride_mode = 'rideshare', fasted = true,"
        " stopped_at = now() - interval '1 second'",
    ],
)
async def test_no_writer_at_all_stores_a_visit_that_cannot_be(clinic: Clinic, change: str) -> None:
    visit = (await clinic.series())["appointments"][0]
    query = f"UPDATE appointments SET {change} WHERE appointment_id = :id"
    values = {"id": visit["appointment_id"]}
    if ":clinician" in change:
        values["clinician"] = clinic.clinician_id
    async with clinic.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="violates check constraint"):
            await connection.execute(text(query), values)


async def test_no_writer_at_all_opens_two_series_of_one_patient(clinic: Clinic) -> None:
    series = await clinic.series()
    query = (
        "INSERT INTO series SELECT gen_random_uuid(), patient_id, prescriber_id, location_id,"
        " visit_type, diagnoses, planned_infusions, state, booked_at FROM series"
        " WHERE series_id = :id"
    )
    async with clinic.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="uq_series_open"):
            await connection.execute(text(query), {"id": series["series_id"]})


async def test_nothing_of_a_patient_is_readable_in_any_table(clinic: Clinic) -> None:
    patient_id = await clinic.patient(concerns=["heart_disease"])
    await clinic.clear_patient(patient_id, note="Canary's heart was looked at.")
    series = await clinic.series(patient_id=patient_id, diagnoses=["F33.1"])
    ride = {"mode": "driver", "driver_name": "Testa Driver", "driver_phone": "+12025550111"}
    await clinic.step(series["appointments"][0], "ride", ride)
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Canary moves away."})
    tables = await clinic.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    secrets = [
        *(str(value) for name, value in PATIENT.items() if name != "address"),
        "Canary",
        "heart",
        "F33.1",
        "Driver",
        "+12025550111",
        "moves away",
    ]
    assert len(tables) > 10
    for (table,) in tables:
        for (row,) in await clinic.rows(f"SELECT t::text FROM {table} AS t"):
            for secret in secrets:
                assert secret not in row, table
                assert secret.encode().hex() not in row, table
