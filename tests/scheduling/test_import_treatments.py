"""Treatments outside a series come in from a file as they were ordered elsewhere."""

from __future__ import annotations

from datetime import timedelta

from tests.scheduling.conftest import CLINICIAN, NOON, Clinic, every
from tests.scheduling.imported import (
    FHIR_PATIENT,
    Row,
    bring,
    bundle,
    elsewhere,
    fhir_visit,
    look,
    person,
    problems,
    sheet,
    tally,
    visit,
)

__all__ = ["elsewhere"]

DAY = timedelta(days=1)


def treatment(clinic: Clinic, n: int, at: object, **fields: str) -> Row:
    booster = {"visit_type": "ketamine_maintenance", "series_source_id": "", "source_id": f"t{n}"}
    return visit(clinic, n, at, **(booster | fields))  # type: ignore[arg-type]  # a moment


async def only_visit(clinic: Clinic) -> dict[str, object]:
    [found] = (await clinic.get("/appointments", location_id=clinic.location_id))["items"]
    return dict(found)


async def test_a_treatment_comes_in_with_who_ordered_it_and_is_heard(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    found = await bring(elsewhere, "appointments", sheet([treatment(elsewhere, 1, NOON)]))
    assert tally(found) == {"applied": 1}
    booked = await only_visit(elsewhere)
    assert (booked["series_id"], booked["chair_id"]) == (None, elsewhere.chair_id)
    patient_id = str(booked["patient_id"])
    assert await elsewhere.kinds_said(patient_id) == ["PatientRegistered", "AppointmentBooked"]
    [row] = await elsewhere.rows(
        "SELECT npi, diagnoses IS NOT NULL AS has_codes FROM appointments JOIN clinicians"
        " ON clinicians.clinician_id = ordered_by WHERE patient_id = CAST(:id AS uuid)",
        id=patient_id,
    )
    assert (row.npi, row.has_codes) == (CLINICIAN["npi"], True)
    again = await bring(elsewhere, "appointments", sheet([treatment(elsewhere, 1, NOON)]))
    assert tally(again) == {"known": 1}


async def test_a_treatment_of_a_bundle_is_a_visit_in_a_chair_without_a_series(
    elsewhere: Clinic,
) -> None:
    booster = fhir_visit(
        1, NOON, identifier=[], serviceType=[{"coding": [{"code": "ketamine_maintenance"}]}]
    )
    found = await bring(elsewhere, "fhir_bundle", bundle(FHIR_PATIENT, booster))
    assert tally(found) == {"applied": 2}
    assert (await only_visit(elsewhere))["series_id"] is None


async def test_a_treatment_that_is_too_near_to_another_takes_a_signature_that_no_file_brings(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    await bring(elsewhere, "appointments", sheet([treatment(elsewhere, 1, NOON)]))
    near = sheet([treatment(elsewhere, 2, NOON + DAY)])
    found = await look(elsewhere, "appointments", near)
    assert await problems(elsewhere, found) == [(2, "starts_at", "drug_gap")]


async def test_a_treatment_beside_a_series_of_the_same_file_is_no_second_series(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [treatment(elsewhere, 9, NOON + 60 * DAY)]
    rows += [visit(elsewhere, n, at) for n, at in enumerate(every(3, 6))]
    found = await bring(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"applied": 7}


async def test_a_row_brings_the_series_that_its_type_needs_and_no_other(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [
        treatment(elsewhere, 1, NOON, visit_type="ketamine_mood"),
        treatment(elsewhere, 2, NOON + DAY, series_source_id="s9"),
        treatment(elsewhere, 3, NOON + 2 * DAY, diagnoses=""),
        treatment(elsewhere, 4, NOON + 60 * DAY, clinician_npi="1000000004"),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "series_source_id", "import_column"),
        (3, "series_source_id", "type_not_in_series"),
        (4, "diagnoses", "import_column"),
        (5, "clinician_npi", "unknown_clinician"),
    ]


async def test_a_controlled_drug_is_ordered_by_a_clinician_with_a_dea_number(
    elsewhere: Clinic,
) -> None:
    await elsewhere.clinician(npi="1245319599", dea_number=None)
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [treatment(elsewhere, 1, NOON, clinician_npi="1245319599")]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert [each[1:] for each in await problems(elsewhere, found)] == [
        ("clinician_npi", "dea_number_missing")
    ]
