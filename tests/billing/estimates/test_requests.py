"""Somebody asks what something will cost."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from shared.auth import Role
from shared.events.billing import EstimateIssued
from shared.ids import new_id
from tests.billing.courses import WISH, Course, words_in


async def test_a_patient_who_asks_has_an_estimate_without_a_booking(course: Course):
    billing, patient = course.billing, course.patient_id
    billing.scheduling.has_patient(patient)
    billing.scheduling.has_location(UUID(WISH["location_id"]))

    asked = await billing.told("POST", f"/patients/{patient}/estimates", {"wish": WISH})
    await billing.until_rest()

    assert datetime.fromisoformat(asked["due_at"]) == course.over(3)
    [issued] = await billing.said(EstimateIssued)
    assert (issued.course_id, issued.reason) == (UUID(asked["course_id"]), "requested")
    [one] = await course.listed()
    shown = await billing.told("GET", f"/estimates/{one['estimate_id']}")
    assert [each["role"] for each in shown["estimate"]["providers"]] == ["Facility"]
    assert shown["estimate"]["first_on"] is None


async def test_a_stranger_who_asks_has_a_document_at_the_desk_and_nobody_is_told(course: Course):
    billing = course.billing
    billing.scheduling.has_location(UUID(WISH["location_id"]))

    wish = WISH | {"name": "Testa Stranger", "birth_date": "1970-02-03"}
    asked = await billing.told("POST", "/price-inquiries", wish)
    await billing.until_rest()

    [row] = await billing.rows("SELECT estimate_id FROM estimates")
    answer = await billing.ask("GET", f"/estimates/{row.estimate_id}/pdf", role=Role.FRONT_DESK)
    assert "Testa Stranger" in words_in(answer.content)
    assert datetime.fromisoformat(asked["due_at"]) == course.over(3)
    assert await billing.said(EstimateIssued) == []
    [kept] = await billing.rows("SELECT c::text AS row FROM estimate_courses AS c")
    assert "Stranger" not in kept.row


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({}, "series_or_wish"),
        ({"series_id": str(new_id()), "wish": WISH}, "series_or_wish"),
        ({"series_id": str(new_id())}, "unknown_series"),
        ({"wish": WISH | {"first_on": "2026-11-22"}}, "first_day_past"),
        ({"wish": WISH | {"first_on": "2035-12-28"}}, "first_day_far_ahead"),
    ],
)
async def test_a_request_that_cannot_be_answered_says_what_to_do(
    course: Course, body: dict[str, object], rule: str
):
    answer = await course.billing.ask("POST", f"/patients/{course.patient_id}/estimates", body)
    assert answer.status_code in {404, 409, 422}
    [violation] = answer.json()["violations"]
    assert violation["rule"] == rule
    assert violation["detail"]


async def test_what_is_free_is_told_at_once_and_not_estimated(unpriced: Course):
    await unpriced.billing.set_fee(visit_type="preparation", amount_cents=0)
    wish = {"wish": WISH | {"visit_type": "preparation"}}
    path = f"/patients/{unpriced.patient_id}/estimates"
    answer = await unpriced.billing.ask("POST", path, wish)
    assert answer.json()["violations"][0]["rule"] == "nothing_charged"
