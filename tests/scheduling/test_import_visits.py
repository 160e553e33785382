"""Visits that were agreed elsewhere come in as they are, each series whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.scheduling.conftest import (
    NOON,
    NOW,
    Clinic,
    every,
)
from tests.scheduling.imported import (
    FHIR_PATIENT,
    advice,
    bring,
    bundle,
    elsewhere,
    fhir_visit,
    finish,
    look,
    person,
    problems,
    sheet,
    tally,
    visit,
)

__all__ = ["elsewhere"]


async def test_a_series_comes_in_whole_with_its_visits_and_is_heard(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 3))]
    found = await bring(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"applied": 3}
    listed = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    assert [each["starts_at"][:10] for each in listed] == ["2026-10-07", "2026-10-10", "2026-10-13"]
    series = await elsewhere.get(f"/series/{listed[0]['series_id']}")
    assert series["diagnoses"] == ["F33.1", "F41.1"]
    assert series["prescriber_id"]
    kinds = await elsewhere.kinds_said(series["patient_id"])
    assert kinds == ["PatientRegistered", "SeriesBooked", *["AppointmentBooked"] * 3]


async def test_a_gap_that_was_agreed_elsewhere_is_named_in_the_dry_run_and_watched(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    days = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=50)]
    content = sheet([visit(elsewhere, n, at) for n, at in enumerate(days)])
    found = await look(elsewhere, "appointments", content)
    assert tally(found) == {"ready": 3}
    assert await problems(elsewhere, found) == []
    named = [(3, "starts_at", "series_gap"), (4, "starts_at", "series_gap")]
    assert await advice(elsewhere, found) == named
    await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
    await finish(elsewhere)
    assert await advice(elsewhere, found) == named
    await elsewhere.let_fall_due()
    [(looks_again,)] = await elsewhere.rows(
        "SELECT due_at FROM due_work WHERE kind = 'WatchGaps' AND payload->>'series_id' IN"
        " (SELECT series_id::text FROM series WHERE location_id = :here)",
        here=elsewhere.location_id,
    )
    assert looks_again == elsewhere.clock.now() + timedelta(days=1)


async def test_a_series_with_one_wrong_visit_comes_in_not_at_all(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 3))]
    rows[1]["chair"] = "Chair 9"
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "series_source_id", "series_wrong"),
        (3, "chair", "unknown_chair"),
        (4, "series_source_id", "series_wrong"),
    ]
    rows[1] = visit(elsewhere, 1, "the day after")
    found = await look(elsewhere, "appointments", sheet(rows))
    path = f"/imports/{found['import_id']}/apply"
    assert await elsewhere.refused(path, {"skip_wrong": True}) == [("nothing_right", "import_id")]
    assert tally(found) == {"wrong": 3}


async def test_a_chair_and_a_patient_are_never_in_two_visits_at_once(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    booked = await elsewhere.series()
    assert booked["appointments"][0]["chair_id"] == elsewhere.chair_id
    tomorrow = NOON + timedelta(days=1)
    rows = [
        visit(elsewhere, 1, NOON + timedelta(minutes=30)),
        visit(elsewhere, 2, tomorrow, patient_source_id="p2", series_source_id="s2"),
        visit(elsewhere, 3, tomorrow, series_source_id="s3"),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "chair", "chair_taken"),
        (4, "chair", "chair_taken"),
    ], "the third row by the second, which is in the same file"


async def test_what_was_taken_since_the_dry_run_is_found_when_it_is_applied(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    found = await look(elsewhere, "appointments", sheet([visit(elsewhere, 1, NOON)]))
    assert tally(found) == {"ready": 1}
    await elsewhere.series()
    await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
    await finish(elsewhere)
    assert await problems(elsewhere, found) == [(2, "chair", "chair_taken")]


async def test_visits_are_at_the_time_that_the_clinics_clock_shows(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    times = ["2026-10-30 12:00", "2026-11-02T12:00", "2026-11-05T12:00:00-05:00"]
    rows = [visit(elsewhere, n, at) for n, at in enumerate(times)]
    await bring(elsewhere, "appointments", sheet(rows))
    listed = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    hours = [datetime.fromisoformat(each["starts_at"]).astimezone(UTC).hour for each in listed]
    assert hours == [16, 17, 17]


async def test_visits_that_cannot_be_are_told(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    far = (NOW + timedelta(days=400)).isoformat()
    rows = [
        visit(elsewhere, 1, "2026-11-01 01:30", series_source_id="a"),  # the clock shows it twice
        visit(elsewhere, 2, "2026-02-30 12:00", series_source_id="b"),
        visit(elsewhere, 3, NOW - timedelta(days=1), series_source_id="c"),
        visit(elsewhere, 4, far, series_source_id="d"),
        visit(elsewhere, 5, NOON, series_source_id="e", patient_source_id="nobody"),
        visit(elsewhere, 6, NOON, series_source_id="f", clinician_npi="1000000004"),
        visit(elsewhere, 7, NOON, series_source_id="g", diagnoses="sad"),
        visit(elsewhere, 8, NOON, series_source_id=""),
        visit(elsewhere, 9, NOON, series_source_id="h", visit_type="massage"),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, "starts_at", "import_column"),
        (3, "starts_at", "import_column"),
        (4, "starts_at", "bookable_time"),
        (5, "starts_at", "bookable_time"),
        (6, "patient_source_id", "patient_missing"),
        (7, "clinician_npi", "unknown_clinician"),
        (8, "diagnoses", "import_column"),
        (9, "series_source_id", "import_column"),
        (10, "visit_type", "unknown_visit_type"),
    ]


async def test_a_bundle_brings_patients_and_their_visits_in_any_order(elsewhere: Clinic) -> None:
    content = bundle(fhir_visit(1, NOON), FHIR_PATIENT, fhir_visit(2, NOON + timedelta(days=3)))
    found = await look(elsewhere, "fhir_bundle", content)
    assert tally(found) == {"ready": 3}
    found = await bring(elsewhere, "fhir_bundle", content)
    assert tally(found) == {"applied": 3}
    listed = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    assert len({each["series_id"] for each in listed}) == 1
    exported = await elsewhere.get(f"/fhir/Patient/{listed[0]['patient_id']}")
    assert exported["name"][0]["family"] == "Canary"
    assert tally(await bring(elsewhere, "fhir_bundle", content)) == {"known": 3}


async def test_a_visit_of_a_bundle_that_is_over_is_told(elsewhere: Clinic) -> None:
    content = bundle(FHIR_PATIENT, fhir_visit(1, NOON, status="fulfilled"))
    found = await look(elsewhere, "fhir_bundle", content)
    assert await problems(elsewhere, found) == [(2, "status", "visit_status")]


async def test_a_session_comes_in_with_its_leader(elsewhere: Clinic) -> None:
    figures = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await elsewhere.send("/visit-types/preparation/figures", figures)
    await bring(elsewhere, "patients", sheet([person(1)]))
    session = {"visit_type": "preparation", "chair": "", "series_source_id": "", "diagnoses": ""}
    rows = [
        visit(elsewhere, 1, NOON + timedelta(days=149), **session),
        visit(elsewhere, 2, NOON + timedelta(days=149, minutes=30), **session),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    told = await problems(elsewhere, found)
    assert (3, "starts_at", "leader_taken") in told, "one leader, two sessions at once"
    found = await bring(elsewhere, "appointments", sheet(rows[:1]))
    assert tally(found) == {"applied": 1}
    [listed] = (await elsewhere.get("/appointments", location_id=elsewhere.location_id))["items"]
    assert listed["led_by"]


async def test_an_import_books_nothing_that_no_nurse_watches(elsewhere: Clinic) -> None:
    await elsewhere.chair(name="Chair 2")
    await elsewhere.has_nurses(1, 1)
    await elsewhere.series(every(3, 6, NOON + timedelta(days=3)))
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    rows = [
        visit(elsewhere, n, at, chair="Chair 2")
        for n, at in enumerate(every(3, 6, NOON + timedelta(minutes=30)), start=1)
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"wrong": 6}
    busy = [each for each in await problems(elsewhere, found) if each[2] == "nurses_busy"]
    assert [line for line, *_ in busy] == [3, 4, 5, 6, 7]


async def test_two_series_of_one_file_share_the_nurses_that_there_are(elsewhere: Clinic) -> None:
    await elsewhere.chair(name="Chair 2")
    await elsewhere.has_nurses(1, 1)
    await bring(elsewhere, "patients", sheet([person(1), person(2)]))
    other = {"chair": "Chair 2", "patient_source_id": "p2", "series_source_id": "s2"}
    starts = every(3, 6)
    rows = [visit(elsewhere, n, at) for n, at in enumerate(starts)]
    rows += [visit(elsewhere, 10 + n, at, **other) for n, at in enumerate(starts)]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert tally(found) == {"ready": 6, "wrong": 6}
    assert {each[2] for each in await problems(elsewhere, found)} == {"nurses_busy"}


async def test_a_series_of_a_child_is_not_imported(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1, birth_date="2012-01-01")]))
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 6))]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert ("patient_source_id", "too_young") in [
        each[1:] for each in await problems(elsewhere, found)
    ]


async def test_a_row_brings_what_its_type_has_by_the_catalogue(elsewhere: Clinic) -> None:
    await bring(elsewhere, "patients", sheet([person(1)]))
    bare = {"chair": "", "series_source_id": "", "diagnoses": ""}
    rows = [
        visit(elsewhere, 1, NOON, visit_type="preparation"),
        visit(elsewhere, 2, NOON + timedelta(days=1), series_source_id="s2", visit_type="nobodys"),
        visit(elsewhere, 3, NOON + timedelta(days=2), **bare),
    ]
    found = await look(elsewhere, "appointments", sheet(rows))
    told = await problems(elsewhere, found)
    assert (2, "chair", "import_column") in told
    assert (3, "visit_type", "unknown_visit_type") in told
    assert (4, "chair", "import_column") in told
