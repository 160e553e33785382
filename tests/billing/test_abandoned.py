"""A try that could not be made is given up by a person; the charge is payable again, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.gateways.stripe import StripePayments
from services.billing.rules.charges.attempts import SETTLES_WITHIN
from services.billing.work import LookAtPayment
from shared.auth import Role
from shared.errors import Poison
from shared.events.billing import PaymentCaptured, SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.support.eventually import eventually
from tests.support.parked import parked_items


async def charge_whose_try_is_parked(
    billing: Billing, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> tuple[UUID, str]:
    """A patient and the path of a charge. `taken` says whether Stripe has taken the money."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.notify(stripe=None)
    real = StripePayments.capture

    async def refused(self: StripePayments, order: Any) -> Any:
        if taken:
            await real(self, order)
        raise Poison("stripe_refuses_parameter_invalid")

    with monkeypatch.context() as patched:
        patched.setattr(StripePayments, "capture", refused)
        await billing.hear(billing.complete(patient))
        await eventually(billing.parked)
    charge = await billing.only_charge(patient)
    return patient, f"/charges/{charge['charge_id']}"


async def discard(billing: Billing) -> str:
    """Give the only parked item up, as `practice parked discard` does."""
    [parked] = (await billing.ask("GET", "/operations/parked", role=Role.OPS)).json()["items"]
    path = f"/operations/parked/{parked['parked_id']}/discard"
    answer = await billing.ask("POST", path, {"why": "it cannot be made"}, role=Role.OPS)
    assert answer.is_success, answer.text
    return str(parked["parked_id"])


async def refusal(billing: Billing, path: str) -> dict[str, Any]:
    """The one rule with which both ways to pay are refused."""
    again = await billing.ask("POST", f"{path}/attempts", {})
    outside = await billing.ask(
        "POST",
        f"{path}/outside-payments",
        {"tender": "cash", "reference": "R-1234", "amount_cents": 39900},
    )
    assert (again.status_code, outside.status_code) == (409, 409)
    assert again.json()["violations"] == outside.json()["violations"]
    [violation] = again.json()["violations"]
    return dict(violation)


async def test_a_parked_try_is_named_with_what_to_do(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    _, path = await charge_whose_try_is_parked(billing, monkeypatch, taken=False)
    async with billing.service.runtime.work.transaction() as tx:
        [parked] = await parked_items(tx)

    violation = await refusal(billing, path)

    assert violation["rule"] == "attempt_parked"
    assert f"practice parked show {parked.parked_id}" in violation["detail"]


async def test_a_try_that_never_reached_stripe_is_followed_by_the_next(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient, path = await charge_whose_try_is_parked(billing, monkeypatch, taken=False)

    await discard(billing)
    violation = await refusal(billing, path)
    assert violation["rule"] == "attempt_looked_up"
    [attempt] = (await billing.only_charge(patient))["attempts"]
    assert (attempt["state"], attempt["reason"]) == ("abandoned", "discarded")

    billing.step(SETTLES_WITHIN)
    await billing.until_rest()
    [attempt] = (await billing.only_charge(patient))["attempts"]
    assert (attempt["state"], attempt["reason"]) == ("abandoned", "not_at_stripe")
    assert "try again" in attempt["detail"].lower()
    await billing.told("POST", f"{path}/attempts", {})
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert [one["state"] for one in charge["attempts"]] == ["abandoned", "captured"]
    assert billing.money_taken() == [39900]


async def test_a_try_that_is_given_up_although_its_money_was_taken_is_not_followed_by_another(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient, path = await charge_whose_try_is_parked(billing, monkeypatch, taken=True)

    await discard(billing)
    assert (await refusal(billing, path))["rule"] == "attempt_looked_up"
    billing.step(SETTLES_WITHIN)
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert charge["state"] == "paid"
    assert [one["state"] for one in charge["attempts"]] == ["captured"]
    assert (await refusal(billing, path))["rule"] == "charge_paid"
    assert billing.money_taken() == [39900]
    assert len(await billing.said(PaymentCaptured)) == 1
    assert len(await billing.said(SuperbillIssued)) == 1


async def test_until_stripe_can_be_asked_nothing_is_tried_and_giving_up_asks_again(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient, path = await charge_whose_try_is_parked(billing, monkeypatch, taken=True)
    refuses = billing.world.fault("stripe", "status_before", "GET */payment_intents*", times=1000)
    await discard(billing)
    async with billing.service.runtime.engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE due_work SET state = 'parked', parked_at = now() WHERE kind = 'LookForPayment'"
        )

    violation = await refusal(billing, path)
    assert violation["rule"] == "attempt_parked"
    again = await discard(billing)
    assert again in violation["detail"]
    assert (await refusal(billing, path))["rule"] == "attempt_looked_up"

    billing.world._ask("DELETE", f"/faults/{refuses}")
    billing.step(2 * SETTLES_WITHIN)
    await billing.until_rest()
    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == [39900]


async def test_a_parked_try_that_a_webhook_has_told_the_end_of_is_given_up_without_effect(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient, _ = await charge_whose_try_is_parked(billing, monkeypatch, taken=True)
    [intent] = billing.at_stripe("payment_intents")

    async with billing.service.runtime.work.transaction() as tx:
        tx.do(LookAtPayment(payment_intent_id=intent["id"]))
    await eventually(lambda: billing.said(PaymentCaptured))

    await discard(billing)
    billing.step(timedelta(hours=1))
    await billing.until_rest()

    assert [one["state"] for one in (await billing.only_charge(patient))["attempts"]] == [
        "captured"
    ]
    assert len(await billing.said(PaymentCaptured)) == 1


async def test_money_that_shows_up_after_a_try_was_given_up_pays_the_charge(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient, _ = await charge_whose_try_is_parked(billing, monkeypatch, taken=False)
    await discard(billing)
    billing.step(SETTLES_WITHIN)
    await billing.until_rest()
    [attempt] = (await billing.only_charge(patient))["attempts"]
    customer = billing.at_stripe("customers")[0]["id"]
    made = await billing.http.post(
        f"{billing.world.stripe_url}/v1/payment_intents",
        data={
            "amount": "39900",
            "currency": "usd",
            "customer": customer,
            "payment_method": billing.at_stripe("payment_methods")[0]["id"],
            "off_session": "true",
            "confirm": "true",
            "metadata[attempt_id]": attempt["attempt_id"],
        },
        headers={"Authorization": "Bearer sk_test_made_up_for_tests"},
    )
    assert made.is_success, made.text

    async with billing.service.runtime.work.transaction() as tx:
        tx.do(LookAtPayment(payment_intent_id=made.json()["id"]))
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert await billing.parked() == []
    assert billing.money_taken() == [39900]
