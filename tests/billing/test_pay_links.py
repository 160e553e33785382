"""Where no saved card can pay, the patient pays on a page, once."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from stripe.checkout import Session

from services.billing.gateways.stripe.pay_links import outcome_of
from services.billing.rules.notices import CATCH_UP_EVERY, HEARD, PAGES
from services.billing.rules.payments.pay_links import LATE, LIVES
from services.billing.work import (
    Captured,
    CreatePayLink,
    NothingToStore,
    PayLinkEnded,
)
from shared.auth import Role
from shared.events.billing import PayLinkReady, PaymentCaptured, SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import RETURN_URL, Billing, seen_by_stripe
from tests.billing.test_split_tenders import approve
from tests.support.eventually import eventually

MAKE = "POST /v1/checkout/sessions"
CASH = {"tender": "cash", "reference": "till 17", "amount_cents": 39900}


async def linked(billing: Billing, says: str | None = None) -> tuple[UUID, str]:
    """A patient, and the path of a charge that no card could pay."""
    patient = new_id()
    await billing.set_fee()
    if says is not None:
        billing.world.issuer_says(await billing.save_card(patient), says)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    return patient, f"/charges/{(await billing.only_charge(patient))['charge_id']}"


async def links(billing: Billing, charge: str) -> list[dict[str, Any]]:
    return list((await billing.told("GET", f"{charge}/pay-links"))["items"])


async def url_of(billing: Billing, charge: str) -> str:
    link = (await links(billing, charge))[-1]
    return str((await billing.told("GET", f"/pay-links/{link['pay_link_id']}"))["url"])


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (None, "no_card"),
        ("authentication_required", "bank_asks"),
        ("lost_card", "new_card_needed"),
    ],
)
async def test_a_patient_whose_card_cannot_pay_pays_on_a_page(
    billing: Billing, says: str | None, why: str
):
    patient, charge = await linked(billing, says)
    [link] = await links(billing, charge)
    assert (link["state"], link["why"], link["amount_cents"]) == ("open", why, 39900)
    [ready] = await billing.said(PayLinkReady)
    assert (str(ready.pay_link_id), ready.sent_no) == (link["pay_link_id"], 1)

    assert billing.world.patient_pays(await url_of(billing, charge)) < 400
    await billing.until_rest()

    owed = await billing.only_charge(patient)
    assert (owed["state"], owed["attempts"][-1]["state"]) == ("paid", "captured")
    assert billing.money_taken() == [39900]
    assert len(await billing.said(PaymentCaptured)) == 1
    assert len(await billing.said(SuperbillIssued)) == 1
    [link] = await links(billing, charge)
    assert link["state"] == "paid"
    assert await billing.parked() == []


async def test_the_page_says_an_amount_and_nothing_of_the_patient(billing: Billing):
    patient, charge = await linked(billing)
    [session] = billing.at_stripe("checkout_sessions")
    assert session["amount_total"] == 39900
    assert session["success_url"] == RETURN_URL
    assert str(patient) not in str(session)
    for word in ("ketamine", "infusion", "Testa", "mood"):
        assert word not in seen_by_stripe(billing.world).lower()
    url = await url_of(billing, charge)
    for row in await billing.rows("SELECT payload::text AS said FROM outbox"):
        assert url not in row.said


async def test_a_card_that_the_patient_mistypes_on_the_page_changes_nothing(billing: Billing):
    patient, charge = await linked(billing)
    url = await url_of(billing, charge)

    billing.world.patient_pays(url, "4000000000000002")
    await billing.until_rest()
    assert (await billing.only_charge(patient))["state"] == "declined"
    assert await billing.parked() == []

    billing.world.patient_pays(url)
    await billing.until_rest()
    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == [39900]


@pytest.mark.parametrize(
    ("path", "body"), [("outside-payments", CASH), ("adjustments", None), ("attempts", {})]
)
async def test_a_link_is_closed_at_stripe_when_the_charge_is_settled_otherwise(
    billing: Billing, path: str, body: Any
):
    patient, charge = await linked(billing)
    url = await url_of(billing, charge)
    if path == "attempts":
        await billing.save_card(patient)
    given_up = {"kind": "write_off", "reason": "courtesy", "amount_cents": 39900}
    told = await billing.told("POST", f"{charge}/{path}", given_up if body is None else body)
    if path == "adjustments":  # above the limit a second person looks at it
        await approve(billing, told["approval_id"])
    await billing.until_rest()

    assert [one["status"] for one in billing.at_stripe("checkout_sessions")] == ["expired"]
    billing.world.patient_pays(url)
    await billing.until_rest()
    assert len(billing.money_taken()) == (1 if path == "attempts" else 0)
    [link] = await links(billing, charge)
    assert link["state"] == "withdrawn"
    assert await billing.parked() == []


async def test_a_page_that_is_paid_while_cash_is_taken_is_money_to_give_back(billing: Billing):
    patient, charge = await linked(billing)
    url = await url_of(billing, charge)
    billing.world.fault("stripe", "status_before", "POST */expire", times=3)
    billing.world.notify(stripe=None)
    billing.world.patient_pays(url)

    await billing.told("POST", f"{charge}/outside-payments", CASH)
    await billing.until_rest()

    [stray] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert (stray["patient_id"], stray["amount_cents"]) == (str(patient), 39900)
    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == [39900]
    assert await billing.parked() == []


async def test_a_page_whose_making_was_not_answered_is_made_once(billing: Billing):
    billing.world.fault("stripe", "lost_answer", MAKE)
    billing.world.fault("stripe", "status_after", MAKE, status=500)
    _, charge = await linked(billing)

    assert len(billing.at_stripe("checkout_sessions")) == 1
    assert len(await billing.said(PayLinkReady)) == 1
    assert [link["state"] for link in await links(billing, charge)] == ["open"]


async def test_while_stripe_is_away_cash_is_taken_and_no_page_comes_after(billing: Billing):
    away = billing.world.fault("stripe", "status_before", "* /v1/checkout/sessions", times=100_000)
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    await eventually(lambda: billing.rows("SELECT 1 FROM pay_links"))
    charge = f"/charges/{(await billing.only_charge(patient))['charge_id']}"
    await billing.told("POST", f"{charge}/outside-payments", CASH)

    billing.world._ask("DELETE", f"/faults/{away}")
    await billing.until_rest()

    assert billing.at_stripe("checkout_sessions") == []
    assert await billing.said(PayLinkReady) == []
    assert [link["state"] for link in await links(billing, charge)] == ["withdrawn"]


async def test_a_link_that_ran_out_is_replaced_at_the_desk_and_the_new_one_is_sent_again(
    billing: Billing,
):
    patient, charge = await linked(billing)
    billing.step(LIVES + timedelta(minutes=1))
    await billing.until_rest()
    [old] = await links(billing, charge)
    assert old["state"] == "expired"
    again = await billing.ask("POST", f"/pay-links/{old['pay_link_id']}/resend", {})
    assert again.json()["violations"][0]["rule"] == "link_not_open"

    new = await billing.told("POST", f"{charge}/pay-links", {})
    await billing.until_rest()
    sent = await billing.told("POST", f"/pay-links/{new['pay_link_id']}/resend", {})
    assert (sent["sent_no"], sent["why"]) == (2, "asked_by_staff")
    assert [ready.sent_no for ready in await billing.said(PayLinkReady)] == [1, 1, 2]

    billing.world.patient_pays(sent["url"])
    await billing.until_rest()
    assert (await billing.only_charge(patient))["state"] == "paid"
    paid = await billing.ask("POST", f"{charge}/pay-links", {})
    assert paid.json()["violations"][0]["rule"] == "charge_paid"


async def test_only_a_service_redeems_the_address_and_the_audit_log_says_so(billing: Billing):
    _, charge = await linked(billing)
    [link] = await links(billing, charge)
    path = f"/internal/pay-links/{link['pay_link_id']}?purpose=patient_messages"
    assert (await billing.ask("GET", path)).status_code == 403

    told = (await billing.ask("GET", path, role=Role.SERVICE)).json()

    assert told["url"] == await url_of(billing, charge)
    noted = await billing.rows(
        "SELECT purpose FROM audit_log WHERE entity LIKE 'GET /internal/pay-links%'"
        " AND outcome = 'ok'"
    )
    assert [row.purpose for row in noted] == ["patient_messages"]


async def test_a_link_that_could_not_be_made_in_time_is_not_made(billing: Billing):
    away = billing.world.fault("stripe", "status_before", "* /v1/checkout/sessions", times=100_000)
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    await eventually(lambda: billing.rows("SELECT 1 FROM pay_links"))
    billing.step(LIVES)
    billing.world._ask("DELETE", f"/faults/{away}")
    await billing.until_rest()

    charge = f"/charges/{(await billing.only_charge(patient))['charge_id']}"
    assert [link["state"] for link in await links(billing, charge)] == ["expired"]
    assert billing.at_stripe("checkout_sessions") == []
    assert (
        await billing.rows("SELECT 1 FROM due_work WHERE kind = :kind", kind=CreatePayLink.kind)
        == []
    )


async def test_a_page_takes_cards_only_whatever_else_the_account_has_on(billing: Billing):
    await linked(billing)
    [made] = [
        b64decode(call["body"])
        for call in billing.world.stripe_calls()
        if f"{call['method']} {call['path']}".endswith("checkout/sessions")
    ]
    assert parse_qs(made.decode())["allowed_payment_method_types[0]"] == ["card"]


async def test_a_page_whose_end_nobody_told_of_is_looked_at(billing: Billing):
    """The hourly list of events is silent too: nothing but the page's own end is known."""
    _, charge = await linked(billing)
    billing.world.notify(stripe=None)
    deaf = billing.world.fault("stripe", "status_before", "GET /v1/events", times=100_000)

    billing.step(LIVES + LATE + CATCH_UP_EVERY)

    await eventually(lambda: billing.rows("SELECT 1 FROM pay_links WHERE state = 'expired'"))
    billing.world._ask("DELETE", f"/faults/{deaf}")
    await billing.until_rest(within_s=60)
    assert [link["state"] for link in await links(billing, charge)] == ["expired"]
    assert await billing.parked() == []


def test_stripe_lists_as_many_kinds_of_events_as_are_heard():
    assert len(HEARD) <= 20
    assert {f"checkout.session.async_payment_{end}" for end in ("succeeded", "failed")} <= PAGES


@pytest.mark.parametrize(
    ("status", "payment_status", "intent", "outcome"),
    [
        ("open", "unpaid", None, NothingToStore),
        ("expired", "unpaid", None, PayLinkEnded),
        ("complete", "unpaid", "processing", NothingToStore),
        ("complete", "unpaid", "requires_payment_method", PayLinkEnded),
        ("complete", "unpaid", "canceled", PayLinkEnded),
        ("complete", "paid", "succeeded", Captured),
    ],
)
def test_a_page_that_is_complete_waits_for_its_money_or_ends_without(
    status: str, payment_status: str, intent: str | None, outcome: type
):
    session = Session.construct_from(
        {
            "id": "cs_made_up",
            "object": "checkout.session",
            "metadata": {"pay_link_id": str(new_id())},
            "status": status,
            "payment_status": payment_status,
            "amount_total": 39900,
            "payment_intent": intent
            and {"id": "pi_made_up", "object": "payment_intent", "status": intent},
        },
        None,
    )
    assert type(outcome_of(session)) is outcome
