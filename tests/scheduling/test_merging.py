"""Two files of one person: one is closed with nothing lost, or the merge is refused with why."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from fhir.resources.R4B.patient import Patient as FhirPatient

from shared.auth import Role
from tests.scheduling.conftest import NOON, Clinic, bearer, every
from tests.scheduling.imported import bring, elsewhere, person, sheet, tally, visit
from tests.scheduling.races import nobody_deadlocks
from tests.scheduling.test_people import newcomer
from tests.scheduling.test_treatments import wish as treatment

__all__ = ["elsewhere", "nobody_deadlocks"]


async def two_files(clinic: Clinic, **fields: Any) -> tuple[str, str]:
    """One too many, and the one that stays: of the same name and birth date."""
    who = newcomer() | fields
    stays = await clinic.patient(**who)
    return await clinic.patient(consents=False, screened=False, **who), stays


def merge(into: str, **fields: object) -> dict[str, Any]:
    return {"into_patient_id": into, "reason": "Registered twice at the desk."} | fields


async def merged(clinic: Clinic, one_too_many: str, into: str, **fields: object) -> Any:
    return await clinic.post(f"/patients/{one_too_many}/merge", merge(into, **fields))


async def refused(clinic: Clinic, one_too_many: str, into: str, **fields: object) -> list[str]:
    path = f"/patients/{one_too_many}/merge"
    return [rule for rule, _ in await clinic.refused(path, merge(into, **fields))]


async def redeemed(clinic: Clinic, patient_id: str) -> dict[str, Any]:
    answer = await clinic.client.get(
        f"/internal/patients/{patient_id}",
        params={"purpose": "patient_messages"},
        headers=bearer(Role.SERVICE, subject="notifications"),
    )
    assert answer.is_success, answer.text
    return dict(answer.json())


async def test_a_file_that_is_one_too_many_points_to_the_one_that_stays(clinic: Clinic) -> None:
    duplicate, stays = await two_files(clinic)
    await clinic.client.patch(
        f"/patients/{stays}", json={"phone": "+12025550177"}, headers=clinic.headers
    )
    answer = await merged(clinic, duplicate, stays)
    assert answer["patient_id"] == stays
    assert (await redeemed(clinic, duplicate))["patient_id"] == stays
    assert (await redeemed(clinic, duplicate))["phone"] == "+12025550177"
    closed, goes_on = [await clinic.get(f"/patients/{each}") for each in (duplicate, stays)]
    assert (closed["merged_into"], closed["merged_from"]) == (stays, [])
    assert (goes_on["merged_into"], goes_on["merged_from"]) == (None, [duplicate])
    said = await clinic.said(duplicate)
    assert [kind for kind, _ in said] == ["PatientRegistered", "PatientMerged", "PatientUpdated"]
    assert said[1][1]["into_patient_id"] == stays
    assert "desk" not in str(said)
    [(reason, by)] = await clinic.rows(
        "SELECT reason, merged_by FROM file_merges WHERE patient_id = :id", id=duplicate
    )
    assert b"Registered" not in bytes(reason)
    assert by == clinic.subject
    fhir = FhirPatient.model_validate(await clinic.get(f"/fhir/Patient/{duplicate}"))
    assert (fhir.active, fhir.link[0].type) == (False, "replaced-by")
    assert fhir.link[0].other.reference == f"Patient/{stays}"


async def test_nothing_is_done_under_a_closed_file(clinic: Clinic) -> None:
    await clinic.opens()
    duplicate, stays = await two_files(clinic)
    await merged(clinic, duplicate, stays)
    mine = f"/patients/{duplicate}"
    plan = clinic.wish(duplicate, every(3, 6))
    place = {"location_id": clinic.location_id}
    session = {"led_by": clinic.clinician_id, "starts_at": NOON.isoformat()}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("/series", plan),
        ("/holds", {k: v for k, v in plan.items() if k not in {"prescriber_id", "diagnoses"}}),
        ("/plans", place | {"patient_id": duplicate, "visit_type": "ketamine_mood"}),
        (f"{mine}/treatments", treatment(clinic)),
        (f"{mine}/sessions", place | session | {"visit_type": "preparation"}),
        (f"{mine}/booking-links", place | {"clinician_id": clinic.clinician_id}),
        (f"{mine}/consents", clinic.form()),
        (f"{mine}/clearance", clinic.clearance()),
        (
            f"{mine}/screenings",
            {
                "clinician_id": clinic.clinician_id,
                "concerns": [],
                "valid_until": clinic.in_days(300),
            },
        ),
        (
            "/waitlist",
            place
            | {
                "patient_id": duplicate,
                "visit_type": "ketamine_mood",
                "windows": [{"from": NOON.isoformat(), "until": "2026-11-30T12:00:00Z"}],
            },
        ),
        (f"{mine}/merge", merge(stays)),
    ]
    for path, body in requests:
        assert ("file_merged", "patient_id") in await clinic.refused(path, body), path
    patched = await clinic.refused(mine, {"phone": "+12025550178"}, method="PATCH")
    assert patched == [("file_merged", "patient_id")]
    other = await clinic.patient()
    assert await refused(clinic, other, duplicate) == ["file_merged"]
    await clinic.series(patient_id=stays)


async def test_consents_and_concerns_go_with_the_patient(clinic: Clinic) -> None:
    """What the closed file alone knew holds the patient; a form that they signed is signed."""
    duplicate, stays = await two_files(clinic)
    form = await clinic.consent(duplicate)
    await clinic.screen(duplicate, "heart_disease")
    before = await clinic.get(f"/patients/{stays}")
    assert not before["held"]
    after = await merged(clinic, duplicate, stays)
    assert (after["held"], after["screening"]) == (True, "concern")
    assert (await clinic.said(stays))[-1][0] == "PatientHeld"
    consents = await clinic.get(f"/patients/{stays}/consents")
    assert form["consent_id"] in [each["consent_id"] for each in consents]
    screened = await clinic.get(f"/patients/{stays}/screening")
    assert screened["screenings"][0]["concerns"] == ["heart_disease"]


async def test_a_clearance_of_the_same_concern_stands(clinic: Clinic) -> None:
    duplicate, stays = await two_files(clinic)
    for each in (duplicate, stays):
        await clinic.screen(each, "heart_disease")
    await clinic.clear_patient(stays)
    assert not (await merged(clinic, duplicate, stays))["held"]


async def test_what_stands_under_a_file_is_ended_first_and_all_of_it_is_named(
    clinic: Clinic,
) -> None:
    duplicate, stays = await two_files(clinic)
    await clinic.screen(duplicate)
    series = await clinic.series(patient_id=duplicate)
    assert await refused(clinic, duplicate, stays) == ["visits_to_come", "series_open"]
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Two files."})
    await merged(clinic, duplicate, stays)
    again = await clinic.series(patient_id=stays)
    assert again["patient_id"] == stays


async def test_a_plan_that_is_held_is_released_first(clinic: Clinic) -> None:
    duplicate, stays = await two_files(clinic)
    plan = clinic.wish(duplicate, every(3, 6))
    wish = {k: v for k, v in plan.items() if k not in {"prescriber_id", "diagnoses"}}
    hold = await clinic.post("/holds", wish)
    assert await refused(clinic, duplicate, stays) == ["visits_to_come"]
    await clinic.post(f"/holds/{hold['hold_id']}/release", {})
    await merged(clinic, duplicate, stays)


async def test_a_file_with_a_history_is_the_one_that_stays(clinic: Clinic) -> None:
    treated, other = await two_files(clinic)
    await clinic.consent(treated)
    await clinic.screen(treated)
    series = await clinic.series(patient_id=treated)
    await clinic.infuse(series["appointments"][0])
    await clinic.discharge(series["appointments"][0])
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Two files."})
    assert await refused(clinic, treated, other) == ["file_has_history"]
    await merged(clinic, other, treated)


async def test_two_files_with_a_history_are_both_kept(clinic: Clinic) -> None:
    """Scored counts as much as given: a trend is read from where it was recorded."""
    one, other = await two_files(clinic)
    pain = {"instrument": "nrs", "occasion": "intake", "answers": [7]}
    for each in (one, other):
        await clinic.post(f"/patients/{each}/outcomes", pain)
    answer = await clinic.send(f"/patients/{one}/merge", merge(other))
    [violation] = answer.json()["violations"]
    assert violation["rule"] == "file_has_history"
    assert violation["detail"].startswith("Both files have a history")


async def test_who_looks_different_is_merged_by_an_explicit_word(clinic: Clinic) -> None:
    one, other = await clinic.patient(**newcomer()), await clinic.patient(**newcomer())
    assert await refused(clinic, one, other) == ["not_alike"]
    assert await refused(clinic, one, one) == ["merged_with_itself"]
    await merged(clinic, one, other, other_name_is_same_person=True)
    nobody = await clinic.send(f"/patients/{uuid4()}/merge", merge(other))
    assert nobody.status_code == 404
    nowhere = await clinic.send(f"/patients/{other}/merge", merge(str(uuid4())))
    assert nowhere.status_code == 404


async def test_a_chain_of_files_ends_at_the_last_one(clinic: Clinic) -> None:
    first, second = await two_files(clinic)
    card = await clinic.get(f"/patients/{second}")
    who = {name: card[name] for name in ("first_name", "last_name", "birth_date")}
    third = await clinic.patient(**who)
    await merged(clinic, first, second)
    await merged(clinic, second, third)
    assert (await redeemed(clinic, first))["patient_id"] == third
    assert set((await clinic.get(f"/patients/{third}"))["merged_from"]) == {first, second}
    await clinic.post(f"/patients/{third}", {"phone": "+12025550179"}, method="PATCH")
    for each in (first, second):
        assert (await clinic.said(each))[-1][0] == "PatientUpdated"
        assert (await redeemed(clinic, each))["phone"] == "+12025550179"


async def test_a_closed_file_is_nobodys_look_alike(clinic: Clinic) -> None:
    who = newcomer()
    stays = (await clinic.post("/patients", who))["patient_id"]
    duplicate = await clinic.patient(**who)
    await merged(clinic, duplicate, stays)
    answer = await clinic.send("/patients", who)
    detail = answer.json()["violations"][0]["detail"]
    assert stays in detail
    assert duplicate not in detail


async def test_what_is_imported_for_a_closed_file_comes_to_the_one_that_stays(
    elsewhere: Clinic,
) -> None:
    await bring(elsewhere, "patients", sheet([person()]))
    [row] = await elsewhere.rows(
        "SELECT object_id FROM imported JOIN patients ON patient_id = object_id"
        " ORDER BY imported_at DESC, object_id DESC LIMIT 1"
    )
    duplicate = str(row.object_id)
    card = await elsewhere.get(f"/patients/{duplicate}")
    who = {name: card[name] for name in ("first_name", "last_name", "birth_date")}
    stays = await elsewhere.patient(**who)
    await merged(elsewhere, duplicate, stays)
    rows = [visit(elsewhere, n, at) for n, at in enumerate(every(3, 6))]
    done = await bring(elsewhere, "appointments", sheet(rows))
    assert tally(done) == {"applied": 6}
    [(count,)] = await elsewhere.rows(
        "SELECT count(*) FROM appointments WHERE patient_id = :id", id=stays
    )
    assert count == 6


@pytest.mark.parametrize("books_first", [True, False])
async def test_a_file_is_booked_or_closed_never_both(
    clinic: Clinic,
    books_first: bool,  # noqa: FBT001  # a table's column
) -> None:
    duplicate, stays = await two_files(clinic)
    both = [
        clinic.send("/series", clinic.wish(duplicate, every(3, 6))),
        clinic.send(f"/patients/{duplicate}/merge", merge(stays)),
        clinic.send(f"/patients/{stays}/merge", merge(duplicate)),
    ]
    answers = await asyncio.gather(*(both if books_first else reversed(both)))
    assert {each.status_code for each in answers} <= {201, 409}
    [(wrong,)] = await clinic.rows(
        "SELECT count(*) FROM appointments JOIN patients USING (patient_id)"
        " WHERE merged_into IS NOT NULL AND patient_id IN (:a, :b)",
        a=duplicate,
        b=stays,
    )
    assert wrong == 0
    closed = await clinic.rows(
        "SELECT 1 FROM patients WHERE merged_into IS NOT NULL AND patient_id IN (:a, :b)",
        a=duplicate,
        b=stays,
    )
    assert len(closed) <= 1
