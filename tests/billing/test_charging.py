"""An infusion is charged once, whatever is delivered twice, lost, slow or broken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy

from services.billing.rules.charges.attempts import KEY_LIFE, key_may_be_forgotten
from services.billing.work import CapturePayment
from shared.events.billing import (
    ChargePosted,
    PaymentCaptured,
    PaymentDeclined,
    SuperbillIssued,
)
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.support.eventually import eventually

CREATE = "POST /v1/payment_intents"


def test_a_key_is_trusted_for_an_hour_less_than_stripe_keeps_it():
    """A call that was prepared just in time may reach Stripe when the key is forgotten."""
    created_at = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    assert not key_may_be_forgotten(created_at, created_at + timedelta(hours=22, minutes=59))
    assert key_may_be_forgotten(created_at, created_at + timedelta(hours=23))


async def test_a_completed_infusion_is_charged_paid_and_gets_its_superbill(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert (charge["state"], charge["amount_cents"], charge["tender"]) == ("paid", 39900, "card")
    assert [attempt["state"] for attempt in charge["attempts"]] == ["captured"]
    assert billing.money_taken() == [39900]
    [posted] = await billing.said(ChargePosted)
    [captured] = await billing.said(PaymentCaptured)
    [issued] = await billing.said(SuperbillIssued)
    assert posted.charge_id == captured.charge_id == issued.charge_id
    assert str(issued.superbill_id) == charge["superbill_id"]
    assert issued.total_cents == captured.amount_cents == 39900


async def test_a_hundred_times_the_same_infusion_is_one_charge_and_one_payment(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient)

    await billing.hear(*[event] * 50)
    for _ in range(10):
        await billing.hear(*[event] * 5)
    await billing.until_rest()

    assert len(await billing.charges(patient)) == 1
    assert len(billing.at_stripe("payment_intents")) == 1
    assert billing.money_taken() == [39900]
    assert len(await billing.said(ChargePosted)) == 1
    assert len(await billing.said(SuperbillIssued)) == 1


async def test_two_replicas_that_decide_the_same_infusion_post_one_charge(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    event = billing.complete(patient)

    await asyncio.gather(*(billing.hear(event) for _ in range(8)))

    assert len(await billing.charges(patient)) == 1
    assert not await billing.rows("SELECT 1 FROM parked_events")


async def test_a_batch_of_many_patients_is_priced_with_one_read_and_written_per_table(
    billing: Billing,
):
    await billing.set_fee()
    patients = [new_id() for _ in range(40)]
    statements: list[str] = []

    @sqlalchemy.event.listens_for(
        billing.service.runtime.engine.sync_engine, "before_cursor_execute"
    )
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    await billing.hear(*(billing.complete(patient) for patient in patients))

    for read in ("AS has_card", "estimate_margins"):  # what is on file, and the gates
        assert sum(read in one for one in statements) == 1
    for table in ("charges", "payment_attempts", "outbox"):
        assert sum(f"INTO {table} " in one for one in statements) == 1
    assert len(await billing.said(ChargePosted)) == 40
    assert len(await billing.said(PaymentDeclined)) == 40


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("lost_answer", {}),
        ("hang", {"seconds": 30}),
        ("hang", {"seconds": 30, "works": False}),
        ("status_after", {"status": 500}),
        ("status_before", {"status": 503}),
        ("status_before", {"status": 429}),
    ],
)
async def test_an_outcome_that_stripe_does_not_tell_is_found_out_without_charging_twice(
    billing: Billing, kind: str, more: dict[str, object]
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.notify(stripe=None)  # no webhook helps
    billing.world.fault("stripe", kind, CREATE, **more)

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == [39900]
    assert len(billing.at_stripe("payment_intents")) == 1
    assert len(await billing.said(PaymentCaptured)) == 1


async def test_a_payment_that_is_still_being_made_is_waited_for(billing: Billing):
    """The first request hangs past our limit while Stripe works on it; the second meets a 409."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.notify(stripe=None)
    billing.world.fault("stripe", "slow", CREATE, ms=3000)

    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    await eventually(lambda: all(key["status"] for key in billing.at_stripe("idempotency_keys")))

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == [39900]
    assert len(billing.at_stripe("payment_intents")) == 1


async def test_past_the_life_of_its_key_a_payment_is_looked_up_before_it_is_sent(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.notify(stripe=None)
    billing.world.fault("stripe", "lost_answer", CREATE)
    broken = billing.world.fault("stripe", "status_before", "*payment_intents*", times=1000)
    await billing.hear(billing.complete(patient))
    await eventually(lambda: len(billing.at_stripe("payment_intents")) == 1)

    billing.step(KEY_LIFE + timedelta(minutes=1))  # Stripe has forgotten the key by now
    billing.world._ask("DELETE", f"/faults/{broken}")
    await billing.until_rest(within_s=60)

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert len(billing.at_stripe("payment_intents")) == 1
    assert billing.money_taken() == [39900]


async def test_a_capture_that_is_called_again_after_its_outcome_is_stored_changes_nothing(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [attempt] = (await billing.only_charge(patient))["attempts"]

    async with billing.service.runtime.work.transaction() as tx:
        tx.do(CapturePayment(attempt_id=attempt["attempt_id"]))
    await billing.until_rest()

    assert billing.money_taken() == [39900]
    assert len(await billing.said(PaymentCaptured)) == 1
    assert len(await billing.said(SuperbillIssued)) == 1
