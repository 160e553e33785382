"""What an estimate says of a service: its words, its lines and their codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.events.billing import SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.courses import WISH, Course, due


async def test_a_new_wording_stands_on_the_next_estimate_and_on_none_before(course: Course):
    await course.book()
    [first] = await course.listed()
    wording = {
        "effective_from": str(course.monday),
        "services": [{"visit_type": "ketamine_mood", "words": "A made-up service"}],
        "separately": [],
        "disclaimers": ["A made-up disclaimer."],
        "source": "a test",
    }
    assert (await course.billing.told("POST", "/estimate-wordings", wording))["wording_id"] == 4
    await course.lose(2)
    await course.after_the_hour()

    [_, second] = await course.listed()
    shown = [
        (await course.billing.told("GET", f"/estimates/{one['estimate_id']}"))["estimate"]
        for one in (first, second)
    ]
    assert [one["wording_id"] for one in shown] == [3, 4]
    assert shown[1]["disclaimers"] == ["A made-up disclaimer."]


async def asked_about(billing: Billing, visit_type: str) -> dict[str, Any]:
    """What a patient is told that one visit of a type costs, with the texts as shipped."""
    billing.scheduling.has_location(UUID(WISH["location_id"]))
    patient = new_id()
    billing.scheduling.has_patient(patient)
    wish = {"wish": WISH | {"visit_type": visit_type, "planned_infusions": 1}}
    await billing.told("POST", f"/patients/{patient}/estimates", wish)
    await billing.until_rest()
    assert await due(billing) == []
    [issued] = (await billing.told("GET", f"/patients/{patient}/estimates"))["items"]
    shown = await billing.told("GET", f"/estimates/{issued['estimate_id']}")
    return dict(shown["estimate"])


@pytest.mark.parametrize(
    ("visit_type", "code"),
    [
        ("spray_consult", "99204"),
        ("preparation", "90832"),
        ("web_follow_up", "99213"),
        ("integration", "90834"),
    ],
)
async def test_a_session_is_estimated_as_its_own_line_without_infusion_or_drug(
    unpriced: Course, visit_type: str, code: str
):
    billing = unpriced.billing
    await billing.set_fee(visit_type=visit_type, amount_cents=40000)
    estimate = await asked_about(billing, visit_type)
    assert [(one["code"], one["units"], one["total_cents"]) for one in estimate["items"]] == [
        (code, 1, 40000)
    ]
    assert "infusion" not in (estimate["primary_service"] + estimate["items"][0]["words"]).lower()


async def test_the_clinic_says_from_a_day_on_which_code_it_expects_of_a_session(unpriced: Course):
    billing = unpriced.billing
    await billing.set_fee(visit_type="spray_consult", amount_cents=40000)
    expected = {
        "visit_type": "spray_consult",
        "code": "90792",
        "effective_from": str(unpriced.monday),
        "source": "a test",
    }
    await billing.told("POST", "/expected-codes", expected)
    again = await billing.ask("POST", "/expected-codes", expected)
    assert again.json()["violations"][0]["rule"] == "code_recorded"
    unknown = await billing.ask("POST", "/expected-codes", expected | {"code": "99499"})
    assert unknown.json()["violations"][0]["rule"] == "code_unknown"
    [item] = (await asked_about(billing, "spray_consult"))["items"]
    assert item["code"] == "90792"


async def test_an_estimate_of_what_nobody_gave_a_code_waits_and_says_so(unpriced: Course):
    billing = unpriced.billing
    await billing.set_fee(visit_type="made_up_vitamins", amount_cents=15000)
    billing.scheduling.has_location(UUID(WISH["location_id"]))
    patient = new_id()
    billing.scheduling.has_patient(patient)
    wish = {"wish": WISH | {"visit_type": "made_up_vitamins"}}
    await billing.told("POST", f"/patients/{patient}/estimates", wish)
    await billing.until_rest()
    [waits] = await due(billing)
    assert [one["rule"] for one in waits["blocked_by"]] == [
        "no_wording_in_force",
        "no_code_expected",
    ]


async def test_an_estimate_in_letters_that_no_document_shows_waits_and_says_so(course: Course):
    billing = course.billing
    billing.scheduling.has_location(UUID(WISH["location_id"]))
    patient = new_id()
    billing.scheduling.has_patient(patient, first_name="测试")
    await billing.told("POST", f"/patients/{patient}/estimates", {"wish": WISH})
    await billing.until_rest()
    [waits] = await due(billing)
    assert [one["rule"] for one in waits["blocked_by"]] == ["letters_not_shown"]
    assert await billing.parked() == []


async def test_what_the_clinic_has_compounded_is_estimated_as_it_will_be_billed(course: Course):
    billing = course.billing
    page = await billing.told("GET", f"/drug-codes?on={course.monday}")
    [ketamine] = [one for one in page["items"] if one["drug_name"] == "Ketamine, racemic"]
    since = str(course.monday - timedelta(days=1))
    row = ketamine | {"effective_from": since, "is_compounded": True}
    await billing.told("POST", "/drug-codes", row)

    await course.book()
    await billing.save_card(course.patient_id)
    await billing.hear(billing.complete(course.patient_id, appointment_id=course.booked[0]))
    await billing.until_rest()

    [one] = await course.listed()
    shown = await billing.told("GET", f"/estimates/{one['estimate_id']}")
    estimated = [item["code"] for item in shown["estimate"]["items"]]
    [issued] = await billing.said(SuperbillIssued)
    bill = (await billing.told("GET", f"/superbills/{issued.superbill_id}"))["superbill"]
    assert estimated == [line["code"] for line in bill["lines"]] == ["96365", "J7999"]
