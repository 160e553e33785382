"""Killed around each outside call: one customer, one set-up, one payment, one superbill.

One billing lives through all of it. Each process is armed for the next step, so that it takes up
what the one before it left, and dies there.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.billing.rules.charges.attempts import SETTLES_WITHIN
from shared.auth import Role
from shared.ids import new_id
from tests.billing.mortal import (
    CHANGES,
    READS,
    Mortal,
    mortal_billing,  # noqa: F401  # the fixture `mortal`
)
from tests.billing.process import publish
from tests.billing.test_notices import notice, post
from tests.support.eventually import eventually

CARDS = "services.billing.gateways.stripe.cards:StripeCards"
PAYMENTS = "services.billing.gateways.stripe.payments:StripePayments"
REDEEM = "shared.claims:SchedulingClaims.infusion"
PRINT = "services.billing.gateways.typesetting:Typst.render"


async def test_a_billing_killed_at_every_step_of_every_call_does_each_thing_once(mortal: Mortal):
    clinic, patient = mortal.clinic, new_id()
    set_ups = f"/patients/{patient}/card-setups"

    async def begin_set_up() -> None:
        await clinic.set_fee()
        await clinic.ask("POST", set_ups, {})

    async def confirm_card() -> None:
        await eventually(lambda: clinic.at_stripe("setup_intents"), within_s=20)
        [row] = await mortal.rows("SELECT setup_id FROM card_setups")

        shown: dict[str, Any] = {}

        async def is_ready() -> bool:
            shown.update(await clinic.told("GET", f"{set_ups}/{row.setup_id}"))
            return bool(shown["state"] == "ready")

        await eventually(is_ready, within_s=20)
        await clinic.agree(patient, shown)
        assert (await clinic.confirm_in_browser(shown, "pm_card_visa")).is_success
        [intent] = clinic.at_stripe("setup_intents")
        await post(clinic, notice("setup_intent.succeeded", intent["id"], id="evt_card"))

    async def complete() -> None:
        await eventually(lambda: mortal.rows("SELECT 1 FROM cards"), within_s=20)
        await publish(mortal.topics, clinic.complete(patient))

    async def tell_of_decline() -> None:
        """Of money that is on its charge already Stripe is not asked again; of a decline it is."""
        [card] = clinic.at_stripe("payment_methods")
        clinic.world.issuer_says(card["id"], "insufficient_funds")
        await publish(mortal.topics, clinic.complete(patient))
        tried = "SELECT 1 FROM payment_attempts WHERE state = 'declined'"
        await eventually(lambda: mortal.rows(tried), within_s=30)
        _, intent = clinic.at_stripe("payment_intents")
        await post(clinic, notice("payment_intent.payment_failed", intent["id"], id="evt_no"))

    await mortal.dies_around(f"{CARDS}.create_customer", CHANGES, begin_set_up)
    await mortal.dies_around(f"{CARDS}.create_setup", CHANGES, None)
    await mortal.dies_around(f"{CARDS}.setup", READS, confirm_card)
    await mortal.dies_around(f"{PAYMENTS}.capture", CHANGES, complete)
    await mortal.dies_around(REDEEM, READS, None)
    await mortal.dies_around(PRINT, READS, None)
    await mortal.dies_around(f"{PAYMENTS}.payment", READS, tell_of_decline)
    await mortal.dies_around(f"{PAYMENTS}.find", READS, lambda: give_up_a_try(mortal, patient))
    await mortal.lives()

    assert len(clinic.at_stripe("customers")) == len(clinic.at_stripe("setup_intents")) == 1
    assert len(clinic.at_stripe("payment_intents")) == 2
    assert clinic.money_taken() == [39900]
    paid, declined, given_up = await clinic.charges(patient)
    assert (paid["state"], [one["state"] for one in paid["attempts"]]) == ("paid", ["captured"])
    assert [one["reason"] for one in declined["attempts"]] == ["insufficient_funds"]
    assert [one["reason"] for one in given_up["attempts"]] == ["not_at_stripe"]
    assert await mortal.said_once() == [
        "CardSaved",
        "ChargePosted",
        "PaymentCaptured",
        "SuperbillIssued",
        "ChargePosted",
        "PaymentDeclined",
        "ChargePosted",
    ]
    assert not await mortal.rows("SELECT 1 FROM due_work WHERE state = 'parked'")
    documents = await mortal.rows(
        "SELECT number FROM superbills JOIN superbill_documents USING (superbill_id)"
    )
    assert [one.number for one in documents] == ["SB-2026-000001"]


async def give_up_a_try(mortal: Mortal, patient: UUID) -> None:
    """The try of a third visit never reaches Stripe and is given up; Stripe is asked about it."""
    clinic = mortal.clinic
    fault = clinic.world.fault("stripe", "status_before", "* /v1/payment_intents", times=100_000)
    await publish(mortal.topics, clinic.complete(patient))
    rests = "SELECT 1 FROM due_work WHERE kind = 'CapturePayment' AND state = 'resting'"
    await eventually(lambda: mortal.rows(rests), within_s=30)
    async with mortal.engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE due_work SET state = 'parked', parked_at = now(), rests_until = NULL"
            " WHERE kind = 'CapturePayment'"
        )
    [parked] = (await clinic.ask("GET", "/operations/parked", role=Role.OPS)).json()["items"]
    path = f"/operations/parked/{parked['parked_id']}/discard"
    answer = await clinic.ask("POST", path, {"why": "it cannot be made"}, role=Role.OPS)
    assert answer.is_success, answer.text
    clinic.world._ask("DELETE", f"/faults/{fault}")
    clinic.step(SETTLES_WITHIN)
