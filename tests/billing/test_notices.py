"""Stripe's webhooks: late, twice, forged, stale, from the future; the state is right, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import stripe

from services.billing.handlers.charges import attempts
from services.billing.work import Captured, Declined, LookAtPayment
from shared.clock import real_now
from shared.events.billing import DeclineReason, PaymentCaptured, PaymentDeclined, SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import OLD_WEBHOOK_SECRET, Billing
from tests.support.eventually import eventually
from tests.support.outside_world import STRIPE_WEBHOOK_SECRET

CREATE = "POST /v1/payment_intents"


def notice(kind: str, object_id: str, **changes: Any) -> bytes:
    event = {
        "id": "evt_made_up",
        "object": "event",
        "type": kind,
        "data": {"object": {"id": object_id, "status": "succeeded"}},
    }
    return json.dumps(event | changes).encode()


def thin_notice(kind: str, object_id: str, **changes: Any) -> bytes:
    noun = kind.partition(".")[0]
    event = {
        "id": "evt_thin_made_up",
        "object": "v2.core.event",
        "type": f"v1.{kind}",
        "related_object": {"id": object_id, "type": noun, "url": f"/v1/{noun}s/{object_id}"},
        "snapshot_event": "evt_made_up",
    }
    return json.dumps(event | changes).encode()


async def post(
    billing: Billing,
    body: bytes,
    *,
    secret: str = STRIPE_WEBHOOK_SECRET,
    skew: timedelta = timedelta(),
) -> httpx.Response:
    at = int((real_now() + skew).timestamp())
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
    return await billing.http.post(
        "/webhooks/stripe", content=body, headers={"Stripe-Signature": header}
    )


async def until_sent_and_lost(billing: Billing) -> str:
    """A charge whose capture was made at Stripe and whose every answer is lost since."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.fault("stripe", "lost_answer", CREATE)
    billing.world.fault("stripe", "status_before", "* /v1/payment_intents", times=100_000)
    billing.world.fault("stripe", "delay", "payment_intent.succeeded", seconds=60)
    await billing.hear(billing.complete(patient))
    await eventually(lambda: len(billing.money_taken()) == 1)
    assert (await billing.only_charge(patient))["state"] == "open"
    return str(patient)


async def test_a_late_webhook_recovers_a_capture_whose_answer_never_came(billing: Billing):
    patient = await until_sent_and_lost(billing)

    billing.step(timedelta(seconds=61))

    await eventually(lambda: billing.said(PaymentCaptured))
    [charge] = (await billing.told("GET", f"/patients/{patient}/charges"))["items"]
    assert charge["state"] == "paid"
    assert billing.money_taken() == [39900]


async def test_a_notice_about_money_that_is_on_its_charge_asks_stripe_nothing(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [intent] = billing.at_stripe("payment_intents")
    before = len(billing.world.stripe_calls())

    answer = await post(billing, notice("payment_intent.succeeded", intent["id"], id="evt_again"))
    await billing.until_rest()

    assert answer.status_code == 204
    assert billing.world.stripe_calls()[before:] == []
    assert await billing.parked() == []


@pytest.mark.parametrize("kind", ["duplicate", "reorder", "forged_signature", "future_timestamp"])
async def test_webhooks_that_go_wrong_change_nothing(billing: Billing, kind: str):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.fault("stripe", kind, "payment_intent.*", times=5)

    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    billing.step(timedelta(minutes=2))  # a reordered notice is let go
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert len(await billing.said(PaymentCaptured)) == 1
    assert len(await billing.said(SuperbillIssued)) == 1
    assert billing.money_taken() == [39900]
    assert await billing.parked() == []
    forged = [one for n in billing.world.state()["webhooks"] for one in n["forged_answers"]]
    assert set(forged) <= {400}
    assert bool(forged) == (kind == "forged_signature")


async def test_a_webhook_that_overtakes_a_decline_and_one_that_lags_behind_a_new_card(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient, "pm_card_chargeCustomerFail")
    billing.world.fault("stripe", "delay", "payment_intent.payment_failed", seconds=600)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    await billing.save_card(patient)
    charge = await billing.only_charge(patient)
    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {})
    await billing.until_rest()

    billing.step(timedelta(seconds=601))  # the first card's refusal arrives now
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert len(await billing.said(PaymentDeclined)) == 1
    assert await billing.parked() == []


@pytest.mark.parametrize("told", [notice, thin_notice])
async def test_forged_stale_future_and_rewritten_notices_change_nothing(
    billing: Billing, told: Callable[[str, str], bytes]
):
    patient = await until_sent_and_lost(billing)
    [intent] = billing.at_stripe("payment_intents")
    body = told("payment_intent.succeeded", intent["id"])
    for secret, skew_s in (
        ("whsec_a_strangers_secret", 0),
        (STRIPE_WEBHOOK_SECRET, -301),
        (STRIPE_WEBHOOK_SECRET, 330),
    ):
        answer = await post(billing, body, secret=secret, skew=timedelta(seconds=skew_s))
        assert answer.status_code == 400, (secret, skew_s)
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), STRIPE_WEBHOOK_SECRET)
    rewritten = await billing.http.post(
        "/webhooks/stripe",
        content=json.dumps(json.loads(body), separators=(",", ":")),
        headers={"Stripe-Signature": header},
    )

    assert rewritten.status_code == 400
    about_payments = "SELECT 1 FROM webhooks WHERE kind = 'payment_intent.succeeded'"
    assert await billing.rows(about_payments) == []
    [charge] = (await billing.told("GET", f"/patients/{patient}/charges"))["items"]
    assert charge["state"] == "open"

    assert (await post(billing, body)).status_code == 204  # the same, as Stripe signs it
    await eventually(lambda: billing.said(PaymentCaptured))
    assert (await post(billing, body)).status_code == 204  # replayed
    await billing.until_rest()
    assert len(await billing.rows(about_payments)) == 1
    assert len(await billing.said(PaymentCaptured)) == 1


async def test_a_clinic_that_hears_thin_events_only_learns_the_same(billing: Billing):
    patient = new_id()
    billing.world.notify(stripe=None, stripe_thin=f"{billing.url}/webhooks/stripe")
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.fault("stripe", "lost_answer", CREATE)
    refuses = billing.world.fault("stripe", "status_before", "* /v1/payment_intents", times=100_000)
    await billing.hear(billing.complete(patient))
    await eventually(lambda: len(billing.money_taken()) == 1)

    billing.world._ask("DELETE", f"/faults/{refuses}")
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "paid"
    kinds = {row.kind for row in await billing.rows("SELECT kind FROM webhooks")}
    assert {"setup_intent.succeeded", "payment_intent.succeeded"} <= kinds
    assert await billing.parked() == []


async def test_a_snapshot_and_its_thin_twin_are_one_notice(billing: Billing):
    thin = f"{billing.url}/webhooks/stripe"
    billing.world.notify(stripe_thin=thin)
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    told = billing.world.state()["webhooks"]
    assert {one["url"] for one in told} == {thin}
    assert all(one["answers"] == [204] for one in told)
    [kept] = (await billing.rows("SELECT count(*) AS n FROM webhooks"))[0]
    assert kept * 2 == len(told)
    assert len(await billing.said(PaymentCaptured)) == 1


async def test_while_a_secret_is_rotated_the_old_and_the_new_one_are_accepted(billing: Billing):
    for count, secret in enumerate((STRIPE_WEBHOOK_SECRET, OLD_WEBHOOK_SECRET), start=1):
        body = notice("customer.created", "cus_made_up", id=f"evt_{count}")
        assert (await post(billing, body, secret=secret)).status_code == 204
        assert (await post(billing, body, secret=secret)).status_code == 204
        assert len(await billing.rows("SELECT 1 FROM webhooks")) == count


async def test_a_signed_notice_that_is_not_understood_is_refused(billing: Billing):
    for body in (
        b"not json",
        b"[]",
        notice("payment_intent.succeeded", "pi_with\x00nul"),
        notice("payment_intent.succeeded", "x" * 300),
        notice("payment_intent.succeeded", "pi_x", data=None),
        notice("payment_intent.succeeded", "pi_x", object="v2.core.event"),
        thin_notice("payment_intent.succeeded", "pi_x", related_object=None),
        thin_notice("payment_intent.succeeded", "pi_x", object="something_else"),
    ):
        assert (await post(billing, body)).status_code == 400, body


async def test_a_header_that_is_no_signature_is_refused(billing: Billing):
    body = notice("payment_intent.succeeded", "pi_made_up")
    at = str(int(real_now().timestamp())).encode()
    for header in (
        b"",
        b"t=,v1=",
        b"v1=abc",
        b"t=1",
        b"t=x,v1=y",
        b"\xff",
        b"t=" + at + b",v1=\xff\xfe\x80",
        b"t=" + at + b",v1=" + "\u00e9\u2603".encode(),
        b"t=" + at + b"\xb2,v1=abc",
        b"t=" + at + b"=1,v1=abc",
        b"t=" + b"9" * 5000 + b",v1=abc",
    ):
        answer = await billing.http.post(
            "/webhooks/stripe", content=body, headers=[(b"stripe-signature", header)]
        )
        assert answer.status_code == 400, header
        assert answer.headers["content-type"] == "application/problem+json"
    assert await billing.rows("SELECT 1 FROM webhooks") == []


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("balance.available", {"object": "balance", "available": []}),
        ("account.updated", {"object": "account", "id": "acct_1MadeUp"}),
        ("plan.created", {"object": "plan", "id": "gold plan (2026)"}),
        ("charge.dispute.notheard", {"object": "dispute", "id": "dp_made_up"}),
    ],
)
async def test_news_of_what_we_do_not_keep_is_taken_once_and_asks_for_nothing(
    billing: Billing, kind: str, thing: dict[str, Any]
):
    body = notice(kind, "", data={"object": thing})

    for _ in range(2):
        assert (await post(billing, body)).status_code == 204

    assert [row.kind for row in await billing.rows("SELECT kind FROM webhooks")] == [kind]
    assert await billing.rows("SELECT 1 FROM due_work WHERE key LIKE 'look:%'") == []
    await billing.until_rest()
    assert await billing.parked() == []


async def test_a_thin_event_of_what_we_do_not_keep_is_taken_and_asks_for_nothing(billing: Billing):
    for count, kind in enumerate(
        ("v2.core.account[requirements].updated", "v2.core.event_destination.ping")
    ):
        body = thin_notice(
            kind, "", id=f"evt_{count}", type=kind, related_object=None, snapshot_event=None
        )
        assert (await post(billing, body)).status_code == 204, kind
    assert len(await billing.rows("SELECT 1 FROM webhooks")) == 2
    assert await billing.rows("SELECT 1 FROM due_work WHERE key LIKE 'look:%'") == []


async def test_a_payment_that_is_not_ours_is_left_alone(billing: Billing):
    """Somebody charges a card by hand in Stripe's dashboard."""
    made = await billing.http.post(
        f"{billing.world.stripe_url}/v1/payment_intents",
        data={
            "amount": "5000",
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": "true",
            "metadata[attempt_id]": str(new_id()),
        },
        headers={"Authorization": "Bearer sk_test_made_up_for_tests"},
    )
    assert made.is_success
    await billing.until_rest()

    assert await billing.said(PaymentCaptured) == []
    assert await billing.parked() == []


async def declined_once(
    billing: Billing, patient: UUID
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The card, Stripe's intent and the charge of a visit whose card has its money by now."""
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, "insufficient_funds")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    billing.world.issuer_says(card, None)
    [intent] = billing.at_stripe("payment_intents")
    charge = await billing.only_charge(patient)
    return card, intent, charge


async def confirm_by_hand(billing: Billing, intent_id: str, card: str) -> None:
    """Somebody confirms a payment in Stripe's dashboard."""
    confirmed = await billing.http.post(
        f"{billing.world.stripe_url}/v1/payment_intents/{intent_id}/confirm",
        data={"payment_method": card},
        headers={"Authorization": "Bearer sk_test_made_up_for_tests"},
    )
    assert confirmed.is_success


async def taken_twice(billing: Billing, patient: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """The intent whose money no charge needs, and the charge that another try has paid."""
    card, intent, charge = await declined_once(billing, patient)
    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {})
    await billing.until_rest()
    await confirm_by_hand(billing, intent["id"], card)
    await billing.until_rest()
    return intent, charge


async def test_money_that_is_taken_after_a_refusal_pays_the_charge_and_is_not_asked_for_again(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, "insufficient_funds")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    billing.world.issuer_says(card, None)
    [intent] = billing.at_stripe("payment_intents")

    await confirm_by_hand(billing, intent["id"], card)
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert charge["state"] == "paid"
    assert [one["state"] for one in charge["attempts"]] == ["captured"]
    again = await billing.ask("POST", f"/charges/{charge['charge_id']}/attempts", {})
    assert again.json()["violations"][0]["rule"] == "charge_paid"
    assert len(await billing.said(PaymentCaptured)) == 1
    assert billing.money_taken() == [39900]


async def test_money_that_is_taken_for_a_charge_that_is_paid_is_listed_until_it_is_given_back(
    billing: Billing,
):
    patient = new_id()
    intent, charge = await taken_twice(billing, patient)

    assert await billing.parked() == []
    assert len(await billing.said(PaymentCaptured)) == 1
    [stray] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert (stray["payment_intent_id"], stray["charge_id"]) == (intent["id"], charge["charge_id"])
    assert (stray["amount_cents"], stray["patient_id"]) == (39900, str(patient))
    assert "$399.00" in stray["detail"]
    returned = await billing.told("POST", f"/unmatched-payments/{intent['id']}/returned", {})
    assert returned["patient_id"] == str(patient)
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []


async def test_money_that_is_taken_while_another_try_is_refused_pays_the_charge(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, "insufficient_funds")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [intent] = billing.at_stripe("payment_intents")
    path = f"/charges/{(await billing.only_charge(patient))['charge_id']}/attempts"
    refuses = billing.world.fault("stripe", "status_before", CREATE, times=100_000)
    second = await billing.told("POST", path, {})
    billing.world.issuer_says(card, None)
    await confirm_by_hand(billing, intent["id"], card)
    await eventually(lambda: billing.rows("SELECT 1 FROM unmatched_payments"))

    async with billing.service.runtime.work.transaction() as tx:
        refused = Declined(
            attempt_id=second["attempt_id"],
            payment_intent_id=None,
            reason=DeclineReason.INSUFFICIENT_FUNDS,
        )
        await attempts.record_decline(refused, tx)
    billing.world._ask("DELETE", f"/faults/{refuses}")
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert charge["state"] == "paid"
    assert [one["state"] for one in charge["attempts"]] == ["captured", "declined"]
    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []


async def test_money_that_was_given_back_pays_for_nothing_however_often_it_is_told(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, "insufficient_funds")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [attempt] = (await billing.only_charge(patient))["attempts"]
    taken = Captured(
        attempt_id=attempt["attempt_id"], payment_intent_id="pi_made_up", amount_cents=100
    )

    async def tell(cents: int) -> None:
        async with billing.service.runtime.work.transaction() as tx:
            await attempts.record_capture(taken.model_copy(update={"amount_cents": cents}), tx)

    await tell(100)
    [stray] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert stray["amount_cents"] == 100
    await billing.told("POST", "/unmatched-payments/pi_made_up/returned", {})
    await tell(39900)

    assert (await billing.told("GET", "/unmatched-payments"))["items"] == []
    assert (await billing.only_charge(patient))["state"] == "declined"


async def test_a_notice_and_the_call_together_pay_a_charge_once(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [intent] = billing.at_stripe("payment_intents")

    async with billing.service.runtime.work.transaction() as tx:
        for _ in range(5):
            tx.do(LookAtPayment(payment_intent_id=intent["id"]))
    await billing.until_rest()

    assert len(await billing.said(PaymentCaptured)) == 1
    assert len(await billing.said(SuperbillIssued)) == 1
