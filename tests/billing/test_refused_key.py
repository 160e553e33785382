"""Stripe does not accept our key: money waits, the desk is told, and nothing is lost."""

from __future__ import annotations

from shared.auth import Role
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.support.eventually import eventually


async def test_a_charge_waits_for_the_right_key_and_staff_are_told_which(billing: Billing):
    await billing.set_fee()
    patient = new_id()
    await billing.save_card(patient)
    refused = billing.world.fault(
        "stripe", "status_before", "POST /v1/payment_intents", times=1_000_000, status=401
    )
    await billing.hear(billing.complete(patient))

    async def is_told() -> None:
        answer = await billing.ask("GET", "/operations/refused-keys", role=Role.OPS)
        keys = answer.json()["keys"]
        assert len(keys) == 1
        [key] = keys
        assert (key["vendor"], key["setting"]) == ("Stripe", "BILLING_STRIPE_KEY")
        assert (key["calls"], key["waiting"]) == ("Payments", 1)
        assert "Put the right key into BILLING_STRIPE_KEY" in key["detail"]

    await eventually(is_told)
    assert await billing.parked() == []
    assert (await billing.only_charge(patient))["state"] == "open"
    answer = await billing.ask("GET", "/operations/refused-keys", role=Role.FRONT_DESK)
    assert answer.status_code == 403

    billing.world.take_back(refused)
    billing.service.runtime.workers.tally.breakers["Payments"].held_rest_s = 0.0
    await billing.until_rest()

    assert billing.money_taken() == [39900]
    assert (await billing.only_charge(patient))["state"] == "paid"
    told = await billing.ask("GET", "/operations/refused-keys", role=Role.OPS)
    assert told.json()["keys"] == []
