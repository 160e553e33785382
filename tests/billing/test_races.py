"""Two transactions at one row: the second waits, looks again, and decides by what the first did.

Each test holds one transaction open before its commit while the other one runs against it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.billing.handlers.charges import attempts
from services.billing.handlers.payments import cards
from services.billing.handlers.payments.outside import (
    RecordOutsidePayment,
    record_outside_payment,
)
from services.billing.handlers.superbills import issuing
from services.billing.work import (
    Captured,
    CapturePayment,
    CustomerKnown,
    Declined,
    NeverArrived,
    ServiceRedeemed,
)
from shared.errors import Poison
from shared.events.billing import (
    DeclineReason,
    PaymentCaptured,
    PaymentDeclined,
    SuperbillIssued,
    TenderKind,
)
from shared.ids import UUID, new_id
from shared.messaging import Transaction
from tests.billing.conftest import Billing
from tests.billing.records import infusion_record
from tests.billing.test_tenders import waits

CASH = RecordOutsidePayment(tender=TenderKind.CASH, reference="R-1234", amount_cents=39900)


async def pending(billing: Billing) -> tuple[UUID, Captured]:
    """A patient whose try is under way and not told to Stripe, and how it will end."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.fault("stripe", "hang", "POST /v1/payment_intents", seconds=60, works=False)
    billing.world.fault("stripe", "status_before", "* /v1/payment_intents", times=100_000)
    await billing.hear(billing.complete(patient))
    [attempt] = (await billing.only_charge(patient))["attempts"]
    return patient, Captured(
        attempt_id=attempt["attempt_id"], payment_intent_id="pi_made_up", amount_cents=39900
    )


async def record(billing: Billing, fact: Any) -> None:
    decide: dict[type[Any], Callable[[Any, Transaction], Awaitable[None]]] = {
        Captured: attempts.record_capture,
        Declined: attempts.record_decline,
        NeverArrived: attempts.record_never_arrived,
        ServiceRedeemed: issuing.draft_superbill,
    }
    async with billing.service.runtime.work.transaction() as tx:
        await decide[type(fact)](fact, tx)


async def test_the_call_and_the_webhook_that_bring_one_capture_at_once_say_it_once(
    billing: Billing,
):
    patient, captured = await pending(billing)

    async with billing.service.runtime.work.transaction() as tx:
        await attempts.record_capture(captured, tx)
        second = asyncio.create_task(record(billing, captured))
        assert await waits(second)
    await second

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert len(await billing.said(PaymentCaptured)) == 1


async def test_money_that_came_twice_for_one_try_waits_to_be_given_back(billing: Billing):
    _, captured = await pending(billing)
    await record(billing, captured)
    await record(billing, captured)
    again = captured.model_copy(update={"payment_intent_id": "pi_another"})
    await record(billing, again)
    await record(billing, again)

    assert len(await billing.said(PaymentCaptured)) == 1
    [waiting] = (await billing.told("GET", "/unmatched-payments"))["items"]
    assert (waiting["payment_intent_id"], waiting["amount_cents"]) == ("pi_another", 39900)


async def test_a_decline_that_meets_a_capture_is_late_and_leaves_the_charge_paid(
    billing: Billing,
):
    patient, captured = await pending(billing)
    declined = Declined(
        attempt_id=captured.attempt_id,
        payment_intent_id="pi_made_up",
        reason=DeclineReason.DECLINED,
    )

    async with billing.service.runtime.work.transaction() as tx:
        await attempts.record_capture(captured, tx)
        second = asyncio.create_task(record(billing, declined))
        assert await waits(second)
    await second

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert await billing.said(PaymentDeclined) == []


async def test_a_look_that_found_nothing_and_meets_the_capture_leaves_the_try_captured(
    billing: Billing,
):
    patient, captured = await pending(billing)
    async with billing.service.runtime.work.transaction() as tx:
        await attempts.abandon_attempt(CapturePayment(attempt_id=captured.attempt_id), tx)

    async with billing.service.runtime.work.transaction() as tx:
        await attempts.record_capture(captured, tx)
        second = asyncio.create_task(record(billing, NeverArrived(attempt_id=captured.attempt_id)))
        assert await waits(second)
    await second

    charge = await billing.only_charge(patient)
    assert charge["state"] == "paid"
    assert [one["state"] for one in charge["attempts"]] == ["captured"]


async def test_a_superbill_that_is_drafted_is_not_held_by_an_older_record_of_its_infusion(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient, ein="07-1234567")
    await billing.hear(event)
    await billing.until_rest()
    charge_id = (await billing.only_charge(patient))["charge_id"]

    def redeemed(**changes: Any) -> ServiceRedeemed:
        ids = {"infusion_id": event.infusion_id, "patient_id": patient}
        return ServiceRedeemed(charge_id=charge_id, record=infusion_record(**ids, **changes))

    async with billing.service.runtime.work.transaction() as tx:
        await issuing.draft_superbill(redeemed(), tx)
        older = asyncio.create_task(record(billing, redeemed(ein="07-1234567")))
        assert await waits(older)
    await older
    await billing.until_rest()

    assert (await billing.told("GET", "/superbills/held"))["items"] == []
    assert len(await billing.said(SuperbillIssued)) == 1


async def test_a_try_that_meets_a_payment_from_outside_charges_no_card(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))  # no card on file: declined
    await billing.save_card(patient)
    charge = await billing.only_charge(patient)

    async with billing.service.runtime.work.transaction() as tx:
        await record_outside_payment(UUID(charge["charge_id"]), CASH, "staff-1", tx)
        second = asyncio.create_task(
            billing.ask("POST", f"/charges/{charge['charge_id']}/attempts", {})
        )
        assert await waits(second)
    answer = await second
    await billing.until_rest()

    assert answer.json()["violations"][0]["rule"] == "charge_paid"
    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == []


async def test_a_set_up_that_begins_while_the_customer_becomes_known_is_prepared(
    billing: Billing,
):
    patient = new_id()
    path = f"/patients/{patient}/card-setups"
    billing.world.fault("stripe", "status_before", "* /v1/customers", times=100_000)
    await billing.told("POST", path, {})
    known = CustomerKnown(patient_id=patient, customer_id="cus_made_up")

    async with billing.service.runtime.work.transaction() as tx:
        await cards.record_customer(known, tx)
        second = asyncio.create_task(billing.told("POST", path, {}))
        assert await waits(second)
    started = await second

    [work] = await billing.rows(
        "SELECT kind FROM due_work WHERE payload->>'setup_id' = :setup", setup=started["setup_id"]
    )
    assert work.kind == "CreateSetupIntent"


async def test_a_customer_that_becomes_known_while_a_set_up_begins_prepares_it(billing: Billing):
    patient = new_id()
    path = f"/patients/{patient}/card-setups"
    billing.world.fault("stripe", "status_before", "* /v1/customers", times=100_000)
    await billing.told("POST", path, {})
    known = CustomerKnown(patient_id=patient, customer_id="cus_made_up")

    async def record_customer() -> None:
        async with billing.service.runtime.work.transaction() as tx:
            await cards.record_customer(known, tx)

    async with billing.service.runtime.work.transaction() as tx:
        started = await cards.start_setup(patient, tx)
        second = asyncio.create_task(record_customer())
        assert await waits(second)
    await second

    [work] = await billing.rows(
        "SELECT kind FROM due_work WHERE payload->>'setup_id' = :setup",
        setup=str(started.setup_id),
    )
    assert work.kind == "CreateSetupIntent"


async def test_money_of_another_amount_than_was_asked_for_is_left_to_a_person(billing: Billing):
    patient, captured = await pending(billing)

    with pytest.raises(Poison, match="captured_amount_differs"):
        await record(billing, captured.model_copy(update={"amount_cents": 39800}))

    assert (await billing.only_charge(patient))["state"] == "open"
    assert await billing.said(PaymentCaptured) == []
