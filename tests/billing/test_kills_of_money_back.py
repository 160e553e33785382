"""Killed around refunds, pages, missed news, disputes and books: each once, as Stripe has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import stripe

from services.billing.rules.notices import CATCH_UP_EVERY
from shared.events.scheduling import PatientDischarged
from shared.ids import new_id
from tests.billing.mortal import (
    CHANGES,
    READS,
    Mortal,
    mortal_billing,  # noqa: F401  # the fixture `mortal`
)
from tests.billing.process import publish
from tests.billing.test_dispute_evidence import decide
from tests.billing.test_ledger import trial_balance
from tests.billing.test_notices import notice, post
from tests.billing.test_pay_links import links, url_of
from tests.billing.test_reconciliation import FEE
from tests.billing.test_refunds import refund
from tests.billing.test_refunds_at_stripe import give_back
from tests.support.eventually import eventually
from tests.support.outside_world import STRIPE_KEY

AT = "services.billing.gateways.stripe"
REFUNDS = f"{AT}.refunds:StripeRefunds"
PAGES = f"{AT}.pay_links:StripePayLinks"
BALANCE = f"{AT}.balance:StripeBalance"
NEWS = f"{AT}.notices:StripeNews"
DISPUTES = f"{AT}.disputes:StripeDisputes"
ATTENDANCE = "shared.claims:SchedulingClaims.attendance"
PRINT = "services.billing.gateways.typesetting:Typst.render"

PARKED = "SELECT kind, error_code FROM due_work WHERE state = 'parked'"


async def paid_by_card(mortal: Mortal) -> tuple[UUID, dict[str, Any]]:
    """A patient whose infusion a card has paid, and its charge. The billing is ended then."""
    patient, clinic = new_id(), mortal.clinic
    mortal.process.start()
    await mortal.process.until_ready()
    clinic.world.notify(stripe=f"{clinic.url}/webhooks/stripe")
    await clinic.set_fee()
    await clinic.save_card(patient)
    event = clinic.complete(patient)
    await publish(mortal.topics, event)
    await publish(
        mortal.topics,
        PatientDischarged(
            patient_id=patient,
            appointment_id=event.appointment_id,
            infusion_id=event.infusion_id,
            location_id=event.location_id,
            discharged_at=event.stopped_at + timedelta(minutes=45),
            no_drive_until=event.stopped_at + timedelta(hours=6),
        ),
    )
    billed = "SELECT 1 FROM superbill_documents"
    await eventually(lambda: mortal.rows(billed), within_s=30)
    await mortal.process.until_at_rest()
    clinic.world.notify(stripe=None)
    charge = await clinic.only_charge(patient)
    mortal.process.stop()
    return patient, charge


def stripe_says(mortal: Mortal, kind: str, noun: str) -> Callable[[], Awaitable[object]]:
    """A notice about the newest of a kind of object, as a webhook brings it."""

    async def say() -> None:
        newest = mortal.clinic.at_stripe(noun)[-1]
        await post(mortal.clinic, notice(kind, newest["id"], id=f"evt_{new_id().hex}"))

    return say


async def somebody_gives_back(mortal: Mortal, payment: dict[str, Any], cents: int) -> None:
    """A refund that is made in Stripe's dashboard, past the books."""
    http = stripe.HTTPXClient()
    bases: Any = {"api": mortal.clinic.world.stripe_url}
    dashboard = stripe.StripeClient(STRIPE_KEY, http_client=http, base_addresses=bases)
    await give_back(dashboard, payment["reference"], cents)
    await http.close_async()


async def test_a_billing_killed_around_what_goes_back_gives_it_back_once(mortal: Mortal):
    """A refund that is asked for here, and one of Stripe's dashboard that no webhook tells of."""
    clinic = mortal.clinic
    patient, charge = await paid_by_card(mortal)
    [payment] = charge["payments"]

    async def ask() -> None:
        await refund(clinic, payment, amount_cents=10000)

    await mortal.dies_around(f"{REFUNDS}.refund", CHANGES, ask)
    await mortal.dies_around(
        f"{REFUNDS}.refund_now", READS, stripe_says(mortal, "refund.updated", "refunds")
    )
    await somebody_gives_back(mortal, payment, 5000)
    clinic.step(CATCH_UP_EVERY)
    await mortal.dies_around(f"{NEWS}.told", READS, None)
    await mortal.dies_around(f"{REFUNDS}.refund_now", READS, None)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    at_stripe = sorted((one["amount"], one["status"]) for one in clinic.at_stripe("refunds"))
    assert at_stripe == [(5000, "succeeded"), (10000, "succeeded")]
    charge = await clinic.only_charge(patient)
    assert (charge["paid_cents"], charge["forgiven_cents"]) == (24900, 15000)
    kept = await clinic.told("GET", f"/patients/{patient}/refunds")
    assert sorted((one["amount_cents"], one["state"]) for one in kept["items"]) == at_stripe
    assert await trial_balance(clinic) == {
        "stripe_clearing": 24900,
        "refunds": 15000,
        "revenue_infusion": 39900,
    }
    said = await mortal.said_once()
    assert said.count("RefundIssued") == 2
    assert said.count("PaymentCaptured") == 1


async def test_a_billing_killed_around_a_page_makes_it_once_and_is_paid_once(mortal: Mortal):
    """One that is made and paid on, and one that is closed because cash is paid."""
    clinic, (paying, with_cash) = mortal.clinic, (new_id(), new_id())
    mortal.process.start()
    await mortal.process.until_ready()
    await clinic.set_fee()
    mortal.process.stop()

    async def complete() -> None:
        await publish(mortal.topics, clinic.complete(paying))

    async def pay_on_page() -> None:
        charge = await clinic.only_charge(paying)
        assert clinic.world.patient_pays(await url_of(clinic, f"/charges/{charge['charge_id']}"))
        await stripe_says(mortal, "checkout.session.completed", "checkout_sessions")()

    async def pay_in_cash() -> None:
        await publish(mortal.topics, clinic.complete(with_cash))
        out = "SELECT 1 FROM pay_links WHERE state = 'open'"
        await eventually(lambda: mortal.rows(out), within_s=30)
        charge = await clinic.only_charge(with_cash)
        cash = {"tender": "cash", "reference": "till 17", "amount_cents": 39900}
        await clinic.ask("POST", f"/charges/{charge['charge_id']}/outside-payments", cash)

    await mortal.dies_around(f"{PAGES}.create", CHANGES, complete)
    await mortal.dies_around(f"{PAGES}.link", READS, pay_on_page)
    await mortal.dies_around(f"{PAGES}.expire", CHANGES, pay_in_cash)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    pages = [
        (one["status"], one["payment_status"]) for one in clinic.at_stripe("checkout_sessions")
    ]
    assert pages == [("complete", "paid"), ("expired", "unpaid")]
    assert clinic.money_taken() == [39900]
    for patient, state in ((paying, "paid"), (with_cash, "withdrawn")):
        charge = await clinic.only_charge(patient)
        assert charge["state"] == "paid"
        [link] = await links(clinic, f"/charges/{charge['charge_id']}")
        assert link["state"] == state
    taken = {"stripe_clearing": 39900, "cash": 39900}
    assert await trial_balance(clinic) == taken | {"revenue_infusion": 79800}
    said = await mortal.said_once()
    assert said.count("PayLinkReady") == 2
    assert said.count("PaymentCaptured") == said.count("OutsidePaymentRecorded") == 1
    assert said.count("SuperbillIssued") == 2


async def test_a_billing_killed_around_a_dispute_prepares_and_sends_one_answer(mortal: Mortal):
    clinic = mortal.clinic
    await paid_by_card(mortal)
    [charged] = clinic.at_stripe("charges")
    dispute = clinic.world.bank_disputes(charged["id"])

    async def answer() -> None:
        await decide(clinic, "evidence")

    told = stripe_says(mortal, "charge.dispute.created", "disputes")
    await mortal.dies_around(f"{DISPUTES}.dispute", READS, told)
    await mortal.dies_around(ATTENDANCE, READS, None)
    await mortal.dies_around(PRINT, READS, None)
    await mortal.dies_around(f"{DISPUTES}.upload", CHANGES, answer)
    await mortal.dies_around(f"{DISPUTES}.answer", CHANGES, None)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    [at_bank] = clinic.at_stripe("disputes")
    assert (at_bank["id"], at_bank["status"]) == (dispute["id"], "under_review")
    assert at_bank["evidence_details"]["submission_count"] == 1
    sent = {at_bank["evidence"][name] for name in ("service_documentation", "receipt")}
    assert {one["id"] for one in clinic.at_stripe("uploads")} == sent
    [kept] = (await clinic.told("GET", "/disputes"))["items"]
    assert kept["state"] == "under_review"
    [answered] = await mortal.rows("SELECT sent_at FROM dispute_answers")
    assert answered.sent_at is not None
    assert len(await mortal.rows("SELECT 1 FROM dispute_evidence WHERE document IS NOT NULL")) == 1
    held = (await clinic.told("GET", "/collections/holds"))["items"]
    assert len(held) == 1
    assert (await mortal.said_once()).count("PaymentDisputed") == 1


async def test_a_billing_killed_while_it_compares_the_books_posts_each_fee_once(mortal: Mortal):
    clinic = mortal.clinic
    await paid_by_card(mortal)
    # else both are fetched before the first of them has killed it
    clinic.world.fault("stripe", "slow", "GET /v1/payouts*", ms=3000, times=2)

    async def compare() -> None:
        await clinic.ask("POST", "/reconciliations", {})

    await mortal.dies_around(f"{BALANCE}.movements", READS, compare)
    await mortal.dies_around(f"{BALANCE}.payouts", READS, None)
    await mortal.dies_around(f"{BALANCE}.held", READS, None)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    [run] = (await clinic.told("GET", "/reconciliations"))["items"]
    assert (run["parts_left"], run["difference_cents"], run["breaks"]) == (0, 0, 0)
    assert await trial_balance(clinic) == {
        "stripe_clearing": 39900 - FEE,
        "stripe_fees": FEE,
        "revenue_infusion": 39900,
    }
    assert (await mortal.said_once()).count("BooksReconciled") == 1


async def test_a_billing_killed_while_it_looks_for_what_the_books_lack_finds_it_once(
    mortal: Mortal,
):
    """A refund of Stripe's dashboard that is in no news, and what is in a payout."""
    clinic = mortal.clinic
    patient, charge = await paid_by_card(mortal)
    [payment] = charge["payments"]
    silent = clinic.world.fault("stripe", "status_before", "GET /v1/events*", times=100_000)
    await somebody_gives_back(mortal, payment, 5000)
    clinic.step(timedelta(hours=2))

    async def compare() -> None:
        await clinic.ask("POST", "/reconciliations", {})

    await mortal.dies_around(f"{REFUNDS}.refunds_of", READS, compare)
    clinic.world.take_back(silent)
    await mortal.lives()
    mortal.process.stop()
    for _ in range(7):
        clinic.step(timedelta(days=1))
        await clinic.world.until_rest()
    assert len(clinic.at_stripe("payouts")) == 1
    await mortal.dies_around(f"{BALANCE}.payout", READS, None)  # the morning's round
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    charge = await clinic.only_charge(patient)
    assert (charge["paid_cents"], charge["forgiven_cents"]) == (34900, 5000)
    [kept] = (await clinic.told("GET", f"/patients/{patient}/refunds"))["items"]
    assert (kept["amount_cents"], kept["reason"]) == (5000, "made_at_stripe")
    [payout] = clinic.at_stripe("payouts")
    assert await trial_balance(clinic) == {
        "bank": payout["amount"],
        "refunds": 5000,
        "stripe_fees": FEE,
        "revenue_infusion": 39900,
    }
    assert (await mortal.said_once()).count("RefundIssued") == 1
