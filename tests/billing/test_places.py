"""A visit late on the last evening of a month, at a place far west of the clinic's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.events.billing import MonthlySuperbillIssued
from shared.ids import new_id
from tests.billing.bills import words_of
from tests.billing.conftest import Billing

WEST = ZoneInfo("America/Los_Angeles")
LATE = datetime(2026, 11, 30, 22, 30, tzinfo=WEST)


async def infused_late(billing: Billing, patient: UUID, location: UUID) -> None:
    """An infusion of 40 minutes from half past ten on: the clinic's own wall is a day ahead."""
    billing.clock.step_to(LATE.astimezone(billing.clock.now().tzinfo) + timedelta(minutes=40))
    appointment = new_id()
    booked = billing.booked(patient, appointment)
    there = {"zone": WEST.key, "location_id": location}
    await billing.hear(booked.model_copy(update=there))
    await billing.hear(billing.complete(patient, appointment_id=appointment, zone=WEST.key))
    await billing.until_rest()
    assert await billing.parked() == []


async def test_a_visit_costs_what_its_own_day_costs(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.set_fee(45000, effective_from="2026-12-01")

    await infused_late(billing, patient, new_id())

    assert (await billing.only_charge(patient))["amount_cents"] == 39900


async def test_what_waits_for_a_fee_is_charged_by_the_fee_of_its_own_day(billing: Billing):
    patient = new_id()
    await infused_late(billing, patient, new_id())
    assert await billing.charges(patient) == []

    recorded = await billing.set_fee(45000, effective_from="2026-12-01")
    assert recorded["charges_now"] == 0
    recorded = await billing.set_fee(39900, effective_from="2026-11-30")
    assert recorded["charges_now"] == 1
    await billing.until_rest()

    assert (await billing.only_charge(patient))["amount_cents"] == 39900


async def test_a_visit_stands_in_the_month_of_its_own_place(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await infused_late(billing, patient, new_id())

    path = f"/patients/{patient}/superbills"
    none = await billing.ask("POST", path, {"month": "2026-12"})
    assert none.json()["violations"][0]["rule"] == "month_without_superbills"
    await billing.told("POST", path, {"month": "2026-11"})
    await billing.until_rest()

    [issued] = await billing.said(MonthlySuperbillIssued)
    pdf = (await billing.ask("GET", f"/superbills/{issued.superbill_id}/pdf")).content
    words = words_of(pdf)
    assert "11/30/2026" in words
    assert "12/01/2026" not in words, "it is issued on the same evening"


async def test_an_account_names_a_visit_by_the_day_of_its_own_place(billing: Billing):
    patient, location = new_id(), new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await infused_late(billing, patient, location)

    [visit, _] = await entries(billing, patient)
    assert (visit["on"], visit["words"]) == ("2026-12-01", "Office visit on 11/30/2026")

    billing.scheduling.has_patient(patient, first_name="Testa", last_name="Canary")
    billing.scheduling.has_location(location, zone=WEST.key)
    wish = {"since": "2026-11-30", "until": "2026-11-30", "location_id": str(location)}
    asked = await billing.told("POST", f"/patients/{patient}/statements", wish)
    await billing.until_rest()
    pdf = (await billing.ask("GET", f"/statements/{asked['statement_id']}/pdf")).content
    words = words_of(pdf)
    assert "Office visit on 11/30/2026" in words
    assert "12/01/2026" not in words


async def entries(billing: Billing, patient: UUID) -> list[dict[str, Any]]:
    found = await billing.told("GET", f"/patients/{patient}/account?since=2026-11-01")
    return list(found["account"]["entries"])


async def test_what_is_asked_about_is_due_by_the_days_of_its_place(billing: Billing):
    patient, location = new_id(), new_id()
    await billing.set_fee()
    await infused_late(billing, patient, location)
    wish = {"visit_type": "ketamine_mood", "planned_infusions": 6, "location_id": str(location)}

    asked = await billing.told(
        "POST", "/price-inquiries", wish | {"name": "Pat Made-Up", "birth_date": "1990-01-01"}
    )

    # Monday evening there: three business days are over with Thursday, and at midnight there
    over = datetime.fromisoformat(asked["due_at"]).astimezone(WEST)
    assert over == datetime(2026, 12, 4, tzinfo=WEST)


async def test_what_is_owed_is_as_old_as_its_own_place_says(billing: Billing):
    await billing.set_fee()
    await infused_late(billing, new_id(), new_id())
    ages = {}
    for day in ("2026-12-30", "2026-12-31"):
        report = await billing.told("GET", f"/reports/aged-receivables?as_of={day}")
        ages[day] = [one["bucket"] for one in report["buckets"] if one["owed_cents"]]
    assert ages == {"2026-12-30": ["0-30"], "2026-12-31": ["31-60"]}
