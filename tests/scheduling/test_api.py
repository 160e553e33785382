"""Scheduling's routes keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from shared.auth import Role, development_token
from tests.scheduling.conftest import NOW, SECRET, Clinic, every
from tests.scheduling.forms import form, record
from tests.scheduling.imported import person, sheet
from tests.scheduling.test_course_api import ROUTES as COURSE
from tests.scheduling.test_outcome_api import ROUTES as OUTCOMES
from tests.scheduling.test_standards_api import ROUTES as STANDARDS
from tests.support.documented import strays
from tests.support.serving import serving


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real socket."""
    async with serving(app) as url:
        yield url


async def has_session(clinic: Clinic, patient_id: str) -> str:
    figures = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await clinic.post("/visit-types/preparation/figures", figures)
    session = await clinic.post(f"/patients/{patient_id}/sessions", {
        "location_id": clinic.location_id,
        "led_by": clinic.clinician_id,
        "visit_type": "preparation",
        "starts_at": (NOW + timedelta(hours=1)).isoformat(),
    })  # fmt: skip
    await clinic.step(session, "check-in")
    return str(session["appointment_id"])


@pytest.fixture
async def on_record(clinic: Clinic) -> dict[str, object]:
    """What is asked about is on file, so that more than a 404 is tried."""
    await clinic.opens()
    series = await clinic.series()
    patient_id, at = series["patient_id"], f"/series/{series['series_id']}"
    visit = series["appointments"][0]
    proposed = await clinic.post(f"{at}/replans", {"change": {
        "kind": "cancel",
        "appointment_id": series["appointments"][1]["appointment_id"],
        "reason": "patient_asked",
    }})  # fmt: skip
    signed = await clinic.post(f"{at}/overrides", {
        "rule": "series_gap",
        "gap_min_days": 1,
        "clinician_id": clinic.clinician_id,
        "reason": "Made up.",
    })  # fmt: skip
    plan = clinic.wish(await clinic.patient(), every(3, 6), chair_id=await clinic.chair())
    del plan["prescriber_id"], plan["diagnoses"]
    hold = await clinic.post("/holds", plan)
    session_id = await has_session(clinic, patient_id)
    wish = {"location_id": clinic.location_id, "clinician_id": clinic.clinician_id}
    link = await clinic.post(f"/patients/{patient_id}/booking-links", wish)
    to_revoke = await clinic.post(f"/patients/{patient_id}/booking-links", wish)
    recorded = await record(clinic, patient_id, form("phq9", 12, item_9=1))
    opened = await clinic.post("/imports", {
        "kind": "patients",
        "source": "old",
        "location_id": clinic.location_id,
        "content": sheet([person(1), person(2, state="?")]),
    })  # fmt: skip
    consent = await clinic.consent(patient_id)
    closed = {"first_on": "2026-12-24", "last_on": "2026-12-25", "reason": "Holidays"}
    closure = await clinic.post(f"/locations/{clinic.location_id}/closures", closed)
    return {
        "path.patient_id": patient_id,
        "path.appointment_id": session_id,
        "path.series_id": series["series_id"],
        "path.replan_id": proposed["replan_id"],
        "path.override_id": signed["override_id"],
        "path.hold_id": hold["hold_id"],
        "path.slot_id": visit["appointment_id"],
        "path.schedule_id": visit["chair_id"],
        "path.chair_id": visit["chair_id"],
        "query.cursor": "WzFd",  # behind line 1
        "path.token": link["path"].removeprefix("/book/"),
        "path.link_id": to_revoke["link_id"],
        "path.location_id": clinic.location_id,
        "path.clinician_id": clinic.clinician_id,
        "path.practitioner_id": clinic.clinician_id,
        "path.import_id": opened["import_id"],
        "path.outcome_id": recorded["outcome_id"],
        "path.review_id": recorded["reviews"][0]["review_id"],
        "path.consent_id": consent["consent_id"],
        "path.closure_id": closure["closure_id"],
    }


TOKEN = development_token(SECRET, env="development", subject="staff-1", roles=set(Role))


async def test_schemathesis_finds_nothing(
    url: str, tmp_path: Path, on_record: dict[str, object]
) -> None:
    found = await strays(url, tmp_path, token=TOKEN, on_record=on_record, phases="examples,fuzzing")
    assert not found, found


async def test_schemathesis_goes_round_every_field_and_finds_nothing(
    url: str, tmp_path: Path, on_record: dict[str, object]
) -> None:
    """Each edge of what a field may be, and what it may not; an infusion's, not a session's.

    What other files of this folder go round is left to them.
    """
    infusion = {"path.appointment_id": on_record["path.slot_id"]}
    found = await strays(
        url,
        tmp_path,
        token=TOKEN,
        on_record=on_record | infusion,
        phases="coverage",
        beside=f"{COURSE}|{OUTCOMES}|{STANDARDS}",
    )
    assert not found, found
