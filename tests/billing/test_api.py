"""Billing's routes keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shared.auth import Role, development_token
from shared.ids import new_id
from tests.billing.conftest import TOKEN_SECRET, Billing
from tests.billing.plans import plan_of, series_booked, starts_from
from tests.support.documented import strays


async def test_schemathesis_finds_nothing(billing: Billing, tmp_path: Path):
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.set_fee()
    await billing.save_card(patient)
    [setup] = await billing.rows("SELECT setup_id FROM card_setups")
    await billing.hear(billing.complete(patient, appointment_id=appointment))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    series, starts = new_id(), starts_from(billing.clock.now() + timedelta(days=20), 6)
    billing.scheduling.has_plan(plan_of(series, patient, starts))
    await billing.hear(series_booked(series, patient, starts, billing.clock.now()))
    await billing.until_rest()
    [estimate] = await billing.rows("SELECT estimate_id FROM estimates")

    found = await strays(
        billing.url,
        tmp_path,
        token=development_token(
            TOKEN_SECRET, env="development", subject="staff-1", roles=frozenset(Role)
        ),
        on_record={
            "path.patient_id": patient,
            "path.setup_id": setup.setup_id,
            "path.appointment_id": appointment,
            "path.estimate_id": estimate.estimate_id,
            "path.charge_id": charge["charge_id"],
            "path.payment_id": charge["payments"][0]["payment_id"],
            "path.superbill_id": charge["superbill_id"],
        },
    )

    assert not found, found
