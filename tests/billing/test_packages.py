"""Prepaid packages: paid ahead, owed to the patient, earned visit by visit."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.handlers.charges import posting
from services.billing.store.visits import load_on_file
from shared.events.billing import (
    ChargePosted,
    OutsidePaymentRecorded,
    PackagePaid,
    PaymentCaptured,
    SuperbillIssued,
)
from shared.events.scheduling import VisitType
from tests.billing.conftest import Billing
from tests.billing.packages import (
    PRICE,
    bought_by_card,
    bought_in_cash,
    only_package,
    treated,
)
from tests.billing.test_ledger import trial_balance
from tests.billing.test_tenders import waits


async def test_what_is_paid_ahead_is_owed_to_the_patient_until_it_is_earned(billing: Billing):
    patient = await bought_by_card(billing)

    assert billing.money_taken() == [PRICE]
    assert await trial_balance(billing) == {"stripe_clearing": PRICE, "patient_credit": PRICE}
    package = await only_package(billing, patient)
    assert (package["state"], package["left"], package["used"]) == ("paid", 6, 0)
    [paid] = await billing.said(PackagePaid)
    assert (str(paid.payment_id), paid.units, paid.amount_cents) == (
        package["purchase_id"],
        6,
        PRICE,
    )
    balance = await billing.told("GET", f"/patients/{patient}/balance")
    assert (balance["owed_cents"], balance["credit_cents"]) == (0, PRICE)

    await treated(billing, patient)

    assert billing.money_taken() == [PRICE], "no card is charged for what is paid ahead"
    assert await trial_balance(billing) == {
        "stripe_clearing": PRICE,
        "patient_credit": PRICE - 35000,
        "revenue_infusion": 35000,
    }
    charge = await billing.only_charge(patient)
    assert (charge["state"], charge["tender"], charge["amount_cents"]) == ("paid", "prepaid", 35000)
    assert charge["attempts"] == []
    assert (await only_package(billing, patient))["left"] == 5
    assert [one.amount_cents for one in await billing.said(ChargePosted)] == [35000]
    [recorded] = await billing.said(OutsidePaymentRecorded)
    assert (recorded.tender, recorded.owed_cents) == ("prepaid", 0)
    assert await billing.said(PaymentCaptured) == []


async def test_the_superbill_says_what_was_paid_for_the_visit(billing: Billing):
    patient = await bought_by_card(billing)
    await treated(billing, patient)

    [issued] = await billing.said(SuperbillIssued)
    shown = (await billing.told("GET", f"/superbills/{issued.superbill_id}"))["superbill"]
    [payment] = shown["payments"]
    assert (payment["method"], payment["amount_cents"]) == ("Prepaid package", 35000)
    assert sum(line["charge_cents"] for line in shown["lines"]) == 35000


async def test_units_are_used_up_to_the_cent_and_then_the_card_pays_again(billing: Billing):
    patient = await bought_in_cash(billing)
    for _ in range(3):
        billing.step(timedelta(days=1))
        await treated(billing, patient)

    charges = await billing.charges(patient)
    assert [(one["tender"], one["amount_cents"], one["state"]) for one in charges] == [
        ("prepaid", 35000, "paid"),
        ("prepaid", 35001, "paid"),
        ("card", 39900, "paid"),
    ]
    assert billing.money_taken() == [39900]
    assert (await trial_balance(billing)).get("patient_credit", 0) == 0


async def test_another_kind_of_visit_uses_nothing_of_the_package(billing: Billing):
    patient = await bought_in_cash(billing)
    await billing.set_fee(50000, visit_type="ketamine_pain")
    await treated(billing, patient, visit_type=VisitType.KETAMINE_PAIN)

    assert (await only_package(billing, patient))["left"] == 2
    assert billing.money_taken() == [50000]


async def test_an_infusion_that_is_heard_of_again_uses_no_second_unit(billing: Billing):
    patient = await bought_in_cash(billing)
    infusion = await treated(billing, patient)
    await billing.hear(infusion)
    await billing.until_rest()

    assert len(await billing.charges(patient)) == 1
    assert (await only_package(billing, patient))["left"] == 1


async def test_infusions_of_one_batch_use_a_unit_each(billing: Billing):
    patient = await bought_in_cash(billing)
    await billing.hear(*(billing.complete(patient) for _ in range(3)))
    await billing.until_rest()

    charges = await billing.charges(patient)
    assert sorted(one["amount_cents"] for one in charges) == [35000, 35001, 39900]
    assert billing.money_taken() == [39900]


async def test_two_completions_side_by_side_never_use_one_unit_twice(billing: Billing):
    patient = await bought_in_cash(billing)
    await treated(billing, patient)
    first, second = billing.complete(patient), billing.complete(patient)
    work = billing.service.runtime.work

    async def charge_second() -> None:
        async with work.transaction() as tx:
            [on_file] = await load_on_file(tx, [second])
            await posting.charge_for_infusion(second, tx, on_file)

    async with work.transaction() as tx:
        [on_file] = await load_on_file(tx, [first])
        await posting.charge_for_infusion(first, tx, on_file)
        other = asyncio.create_task(charge_second())
        assert await waits(other)
    await other
    await billing.until_rest()

    tenders = sorted(one["tender"] for one in await billing.charges(patient))
    assert tenders == ["card", "prepaid", "prepaid"]
    assert (await only_package(billing, patient))["left"] == 0


async def test_the_database_lets_nobody_use_a_unit_twice(billing: Billing):
    patient = await bought_in_cash(billing)
    await treated(billing, patient)
    await treated(billing, patient)
    with pytest.raises(DBAPIError, match="uq_package_units_gone_once"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(text("UPDATE package_units SET number = 1"))
