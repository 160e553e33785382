"""Answers to the questions of screening come in as they were given, and screen nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.conftest import PATIENT, Clinic
from tests.scheduling.imported import (
    FHIR_PATIENT,
    bring,
    bundle,
    elsewhere,
    look,
    person,
    problems,
    sheet,
    source_of,
    tally,
)

__all__ = ["elsewhere"]

LIVER, HEART, PRESSURE = "active_liver_disease", "heart_disease", "uncontrolled_blood_pressure"


async def screening_of(clinic: Clinic, source_id: str = "p1") -> dict[str, Any]:
    named = {"identifier": f"urn:practice:source:{source_of(clinic)}|{source_id}"}
    known = await clinic.get("/fhir/Patient", **named)
    patient_id = known["entry"][0]["resource"]["id"]
    return dict(await clinic.get(f"/patients/{patient_id}/screening"))


async def test_what_was_asked_and_denied_is_on_file_and_nobody_is_screened_by_it(
    elsewhere: Clinic,
) -> None:
    rows = [
        person(1, active_liver_disease="no", heart_disease="No"),
        person(2, active_liver_disease="no", heart_disease="YES"),
        person(3, active_liver_disease="", heart_disease=""),
    ]
    assert tally(await bring(elsewhere, "patients", sheet(rows))) == {"applied": 3}
    asked = await screening_of(elsewhere, "p1")
    assert (asked["screening"], asked["held"]) == ("not_screened", False)
    [noted] = asked["screenings"]
    assert (noted["concerns"], noted["denied"]) == ([], [LIVER, HEART])
    assert (noted["clinician_id"], noted["recorded_by"]) == (None, None)
    held = await screening_of(elsewhere, "p2")
    assert (held["screening"], held["held"]) == ("concern", True)
    [noted] = held["screenings"]
    assert (noted["concerns"], noted["denied"]) == ([HEART], [LIVER])
    assert (await screening_of(elsewhere, "p3"))["screenings"] == []


async def test_an_answer_that_is_none_or_says_both_is_wrong(elsewhere: Clinic) -> None:
    rows = [
        person(1, heart_disease="unknown"),
        person(2, heart_disease="no", concerns="heart_disease"),
        person(3, heart_disease="yes", concerns="heart_disease"),
    ]
    found = await look(elsewhere, "patients", sheet(rows))
    assert await problems(elsewhere, found) == [
        (2, HEART, "import_column"),
        (3, HEART, "import_column"),
    ]
    listed = (await elsewhere.get(f"/imports/{found['import_id']}/problems"))["items"]
    told = listed[0]["problems"][0]["detail"]
    assert "yes or no, as the patient answered" in told
    assert "unknown" not in told


def response(authored: str, *answers: tuple[str, object]) -> dict[str, Any]:
    items = [{"linkId": name, "answer": [{"valueBoolean": said}]} for name, said in answers]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "authored": authored,
        "item": [{"linkId": "safety", "item": items}, {"linkId": "else"}],
    }


async def test_a_bundle_tells_the_answers_in_a_questionnaire_and_the_last_word_counts(
    elsewhere: Clinic,
) -> None:
    content = bundle(
        response("2026-03-01", (HEART, True), (LIVER, "maybe")),
        response("2026-01-01", (HEART, False), (PRESSURE, False)),
        FHIR_PATIENT,
    )
    assert tally(await bring(elsewhere, "fhir_bundle", content)) == {"applied": 1}
    [noted] = (await screening_of(elsewhere))["screenings"]
    assert (noted["concerns"], noted["denied"]) == ([HEART], [PRESSURE])


async def test_the_desk_notes_what_was_denied_too(clinic: Clinic) -> None:
    patient_id = await clinic.patient(screened=False, denied=[PRESSURE], concerns=[LIVER])
    [noted] = (await clinic.get(f"/patients/{patient_id}/screening"))["screenings"]
    assert (noted["concerns"], noted["denied"]) == ([LIVER], [PRESSURE])


@pytest.mark.parametrize("both", [[HEART], [HEART, LIVER]])
async def test_what_is_a_concern_is_not_denied(clinic: Clinic, both: list[str]) -> None:
    answer = await clinic.send("/patients", PATIENT | {"concerns": [HEART], "denied": both})
    assert answer.status_code == 422
    assert [each["rule"] for each in answer.json()["violations"]] == ["answered_twice"]
