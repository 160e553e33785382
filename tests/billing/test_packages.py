"""Prepaid packages: paid ahead, earned visit by visit, given back at the price of a unit."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.handlers.charges import posting
from services.billing.store.visits import load_on_file
from shared.auth import Role
from shared.events.billing import (
    ChargePosted,
    OutsidePaymentRecorded,
    PackagePaid,
    PaymentCaptured,
    RefundFailed,
    RefundIssued,
    SuperbillIssued,
)
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.ids import new_id
from tests.billing.conftest import Billing, seen_by_stripe
from tests.billing.test_care_credit_funding import entered, row
from tests.billing.test_ledger import trial_balance
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_split_tenders import approve
from tests.billing.test_tenders import waits

PRICE = 210000
OFFER = {
    "visit_type": "ketamine_mood",
    "units": 6,
    "price_cents": PRICE,
    "effective_from": "2026-01-01",
    "source": "price list 2026, made up",
}


def receipt_of(patient: UUID) -> str:
    """With one digit: of many some would read like a card number."""
    return "R-1-" + patient.hex.translate(str.maketrans("0123456789", "ghijklmnop"))


async def offered(billing: Billing, **changes: Any) -> str:
    """A package on sale, of a visit whose fee is $399; its id."""
    await billing.set_fee()
    answer = await billing.ask("POST", "/packages", OFFER | changes, role=Role.OPS)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["package_id"])


async def buy(billing: Billing, patient: UUID, package: str, **changes: Any) -> Any:
    wish = {"package_id": package} | changes
    key, who = wish.pop("key", None), wish.pop("who", "staff-1")
    return await billing.ask("POST", f"/patients/{patient}/packages", wish, key=key, who=who)


async def of_patient(billing: Billing, patient: UUID) -> list[dict[str, Any]]:
    return list((await billing.told("GET", f"/patients/{patient}/packages"))["items"])


async def only_package(billing: Billing, patient: UUID) -> dict[str, Any]:
    [package] = await of_patient(billing, patient)
    return package


async def bought_by_card(billing: Billing, card: str = "pm_card_visa", **offer: Any) -> UUID:
    """A patient who paid a package by the card on file."""
    patient, package = new_id(), await offered(billing, **offer)
    await billing.save_card(patient, card)
    answer = await buy(billing, patient, package)
    assert answer.json()["state"] == "pending", answer.text
    await billing.until_rest()
    return patient


async def bought_in_cash(billing: Billing, **offer: Any) -> UUID:
    """A patient who paid a package of two in cash, and has a card on file."""
    two = {"units": 2, "price_cents": 70001}
    patient, package = new_id(), await offered(billing, **two | offer)
    await billing.save_card(patient)
    answer = await buy(billing, patient, package, tender="cash", reference=receipt_of(patient))
    assert answer.json()["state"] == "paid", answer.text
    return patient


async def treated(billing: Billing, patient: UUID, **changes: Any) -> InfusionCompleted:
    infusion = billing.complete(patient, **changes)
    await billing.hear(infusion)
    await billing.until_rest()
    return infusion


async def refund(billing: Billing, payment_id: str, cents: int, **changes: Any) -> Any:
    wish = {"amount_cents": cents, "reason": "nothing_owed"} | changes
    return await billing.ask("POST", f"/payments/{payment_id}/refunds", wish)


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


async def test_a_repeated_click_buys_one_package(billing: Billing):
    patient, package = new_id(), await offered(billing)
    await billing.save_card(patient)
    key = str(new_id())
    first, again = [await buy(billing, patient, package, key=key) for _ in range(2)]
    assert first.json() == again.json()
    await billing.until_rest()
    assert billing.money_taken() == [PRICE]

    billing.world.fault("stripe", "hang", "POST /v1/payment_intents", seconds=60, works=False)
    answers = await asyncio.gather(*(buy(billing, patient, package) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    rules = {one.json()["violations"][0]["rule"] for one in answers if one.status_code == 409}
    assert rules == {"purchase_under_way"}


async def test_an_answer_that_is_lost_takes_the_money_once(billing: Billing):
    patient, package = new_id(), await offered(billing)
    await billing.save_card(patient)
    billing.world.fault("stripe", "status_after", "POST /v1/payment_intents", status=500)
    await buy(billing, patient, package)
    await billing.until_rest()

    assert billing.money_taken() == [PRICE]
    assert (await only_package(billing, patient))["state"] == "paid"
    assert await billing.parked() == []


async def test_a_refused_card_buys_nothing_and_another_purchase_may_follow(billing: Billing):
    patient = await bought_by_card(billing, "pm_card_chargeCustomerFail")
    package = await only_package(billing, patient)
    assert (package["state"], package["left"]) == ("declined", 0)
    assert package["detail"].startswith("Nothing was bought. ")
    assert await trial_balance(billing) == {}

    answer = await buy(billing, patient, package["package_id"], tender="check", reference="V 12")
    asked = answer.json()
    assert asked["entry"] == "package_payment", "above the limit a second person looks"
    assert (await approve(billing, asked["approval_id"])).status_code == 201
    assert [one["state"] for one in await of_patient(billing, patient)] == ["declined", "paid"]
    assert await trial_balance(billing) == {"checks": PRICE, "patient_credit": PRICE}


async def test_what_care_credit_pays_can_be_used_once_it_is_funded(billing: Billing):
    patient = new_id()
    package = await offered(billing, units=2, price_cents=70000, takes_care_credit=True)
    await buy(billing, patient, package, tender="care_credit", reference="CC-1")
    [waiting] = (await billing.told("GET", "/care-credit"))["items"]
    purchase = await only_package(billing, patient)
    assert (waiting["tender_id"], waiting["charge_id"]) == (purchase["purchase_id"], None)
    assert (purchase["state"], purchase["left"]) == ("pending", 0)
    assert await trial_balance(billing) == {}

    path = f"/care-credit/{waiting['tender_id']}"
    await billing.told("POST", f"{path}/confirm", {})
    await billing.told("POST", f"{path}/fund", {"fee_cents": 7000})

    assert (await only_package(billing, patient))["left"] == 2
    assert await trial_balance(billing) == {
        "bank": 63000,
        "care_credit_fees": 7000,
        "patient_credit": 70000,
    }


async def test_a_funding_report_brings_the_money_of_a_package(billing: Billing):
    patient = new_id()
    package = await offered(billing, units=2, price_cents=70000, takes_care_credit=True)
    await buy(billing, patient, package, tender="care_credit", reference="CC-1")
    line = row(reference="CC-1", gross_cents=70000, fee_cents=7000)

    assert (await entered(billing, line))["tied"] == 1

    assert (await only_package(billing, patient))["left"] == 2
    assert await trial_balance(billing) == {
        "bank": 63000,
        "care_credit_fees": 7000,
        "patient_credit": 70000,
    }
    billing.step(timedelta(days=5))
    await reconciled(billing)
    assert await breaks(billing) == []


async def test_what_care_credit_rejects_was_never_bought(billing: Billing):
    patient = new_id()
    package = await offered(billing, units=2, price_cents=70000, takes_care_credit=True)
    await buy(billing, patient, package, tender="care_credit", reference="CC-1")
    purchase = await only_package(billing, patient)
    await billing.told(
        "POST", f"/care-credit/{purchase['purchase_id']}/reject", {"why": "declined"}
    )

    purchase = await only_package(billing, patient)
    assert (purchase["state"], purchase["reason"]) == ("declined", "care_credit_rejected")
    assert "another tender" in purchase["detail"]
    assert await trial_balance(billing) == {}


async def test_the_unused_rest_goes_back_to_its_card_at_the_price_of_a_unit(billing: Billing):
    patient = await bought_by_card(billing, price_cents=209999)
    await treated(billing, patient)
    purchase = (await only_package(billing, patient))["purchase_id"]
    rest = 209999 - 34999

    over = await refund(billing, purchase, rest + 1)
    assert over.json()["violations"][0]["rule"] == "not_in_units"
    asked = (await refund(billing, purchase, rest)).json()
    assert asked["entry"] == "refund", "above the limit a second person looks"
    assert (await approve(billing, asked["approval_id"])).status_code == 201
    await billing.until_rest()

    assert [one["amount"] for one in billing.at_stripe("refunds")] == [rest]
    [issued] = await billing.said(RefundIssued)
    assert (issued.tender, issued.charge_id, issued.amount_cents) == ("card", None, rest)
    package = await only_package(billing, patient)
    assert (package["used"], package["refunded"], package["left"]) == (1, 5, 0)
    assert await trial_balance(billing) == {"stripe_clearing": 34999, "revenue_infusion": 34999}
    nothing = await refund(billing, purchase, 34999)
    assert nothing.json()["violations"][0]["rule"] == "not_in_units"

    await treated(billing, patient)
    assert billing.money_taken() == [209999, 39900], "what went back pays no visit"


async def test_one_unit_goes_back_in_cash_and_the_others_stay(billing: Billing):
    patient = await bought_in_cash(billing)
    purchase = (await only_package(billing, patient))["purchase_id"]
    last = await refund(billing, purchase, 35001, reference="out 1")
    assert last.status_code == 201, last.text
    assert (await only_package(billing, patient))["left"] == 1
    await treated(billing, patient)
    assert [one["amount_cents"] for one in await billing.charges(patient)] == [35000]
    assert await trial_balance(billing) == {"cash": 35000, "revenue_infusion": 35000}


async def test_a_refund_that_the_bank_sends_back_leaves_its_units_to_use(billing: Billing):
    patient = await bought_by_card(billing, "pm_card_refundFail", units=2, price_cents=70000)
    purchase = (await only_package(billing, patient))["purchase_id"]
    await refund(billing, purchase, 35000)
    await billing.until_rest()
    assert (await only_package(billing, patient))["left"] == 1
    billing.step(timedelta(days=2))
    await billing.until_rest()

    assert len(await billing.said(RefundFailed)) == 1
    assert (await only_package(billing, patient))["left"] == 2
    found = await trial_balance(billing)
    assert (found["patient_credit"], found.get("refund_pending", 0)) == (70000, 0)


async def test_the_refund_of_a_visit_puts_it_back_into_its_package(billing: Billing):
    patient = await bought_in_cash(billing)
    await treated(billing, patient)
    [payment] = (await billing.only_charge(patient))["payments"]

    part = await refund(billing, payment["payment_id"], 100, reason="courtesy")
    assert part.json()["violations"][0]["rule"] == "not_in_units"
    named = await refund(billing, payment["payment_id"], 35000, reason="courtesy", reference="R-7")
    assert named.json()["violations"][0]["rule"] == "reference_is_ours"
    done = await refund(billing, payment["payment_id"], 35000, reason="courtesy")
    assert (done.json()["tender"], done.json()["state"]) == ("prepaid", "succeeded")
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "closed"
    assert (await only_package(billing, patient))["left"] == 2
    assert await trial_balance(billing) == {
        "cash": 70001,
        "patient_credit": 70001,
        "revenue_infusion": 35000,
        "refunds": 35000,
    }
    for _ in range(2):
        await treated(billing, patient)
    assert (await only_package(billing, patient))["left"] == 0
    assert billing.money_taken() == []


async def test_while_a_bank_doubts_a_package_it_pays_nothing_and_lost_it_is_over(
    billing: Billing,
):
    patient = await bought_by_card(billing, units=2, price_cents=70000)
    await treated(billing, patient)
    [charge] = billing.at_stripe("charges")
    dispute = billing.world.bank_disputes(charge["id"])
    await billing.until_rest()

    await treated(billing, patient)
    tenders = [one["tender"] for one in await billing.charges(patient)]
    assert tenders == ["prepaid", "card"], "the bank has the money"

    billing.world.bank_decides(dispute["id"], "lost")
    await billing.until_rest()
    assert await billing.parked() == []
    package = await only_package(billing, patient)
    assert (package["state"], package["left"]) == ("charged_back", 0)
    found = await trial_balance(billing)
    assert (found.get("patient_credit", 0), found["bad_debt"]) == (0, 35000)
    purchase = package["purchase_id"]
    assert (await refund(billing, purchase, 35000)).status_code == 409


async def test_books_statement_and_stripe_tell_the_same_of_a_package(billing: Billing):
    patient = await bought_by_card(billing)
    await treated(billing, patient)
    purchase = (await only_package(billing, patient))["purchase_id"]
    await refund(billing, purchase, 35000)
    await billing.until_rest()

    path = f"/patients/{patient}/account?since=2026-11-01"
    account = (await billing.told("GET", path))["account"]
    assert [(one["kind"], one["words"], one["amount_cents"]) for one in account["entries"]] == [
        ("payment", "Payment by card", -PRICE),
        ("package", "Put into a prepaid package", PRICE),
        ("charge", account["entries"][2]["words"], 35000),
        ("package", "Taken from a prepaid package", -35000),
        ("package", "Taken from a prepaid package", -35000),
        ("refund", "Refund by card", 35000),
    ]
    assert (account["balance_cents"], account["charged_cents"]) == (0, 35000)
    assert account["packaged_cents"] == account["held_cents"] == PRICE - 70000
    aged = await billing.told("GET", "/reports/aged-receivables")
    assert aged["owed_cents"] == 0
    revenue = await billing.told("GET", "/reports/revenue?since=2026-11&until=2026-11")
    assert revenue["net_cents"] == 35000

    billing.step(timedelta(days=2))
    await reconciled(billing)
    assert await breaks(billing) == []


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        ({"units": 6, "price_cents": 239401}, "dearer_than_visits", "price_cents"),
        ({"visit_type": "ketamine_pain"}, "no_fee_for_visit_type", "visit_type"),
        ({"effective_from": "2029-01-01"}, "package_far_ahead", "effective_from"),
    ],
)
async def test_an_offer_that_does_not_fit_says_what_would(
    billing: Billing, changes: dict[str, Any], rule: str, field: str
):
    await billing.set_fee()
    answer = await billing.ask("POST", "/packages", OFFER | changes, role=Role.OPS)
    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == (rule, field)
    assert violation["source"]


async def test_a_package_is_offered_listed_and_ended_by_who_may(billing: Billing):
    assert (await billing.ask("POST", "/packages", OFFER)).status_code == 403
    package = await offered(billing)
    await billing.ask("POST", f"/packages/{package}/end", {}, role=Role.OPS)
    [listed] = (await billing.told("GET", "/packages"))["items"]
    assert (listed["units"], listed["price_cents"], listed["ended_by"]) == (6, PRICE, "staff-1")

    answer = await buy(billing, new_id(), package, tender="cash", reference="R-1")
    rules = {one["rule"] for one in answer.json()["violations"]}
    assert rules == {"package_not_on_sale"}
    unknown = await buy(billing, new_id(), str(new_id()))
    assert unknown.status_code == 404
    assert unknown.json()["violations"][0]["rule"] == "unknown_package"
    nobody = await billing.ask("POST", f"/packages/{new_id()}/end", {}, role=Role.OPS)
    assert nobody.status_code == 404


async def test_no_card_is_charged_for_a_package_without_its_patients_word_or_under_a_hold(
    billing: Billing,
):
    patient, package = new_id(), await offered(billing)
    await billing.save_card(patient, agrees=False)
    silent = await buy(billing, patient, package)
    assert silent.json()["violations"][0]["rule"] == "no_card_on_file"

    await billing.save_card(patient)
    hold = {"patient_id": str(patient), "reason": "hardship"}
    await billing.told("POST", "/collections/holds", hold)
    held = await buy(billing, patient, package)
    assert held.json()["violations"][0]["rule"] == "collections_held"
    await billing.until_rest()
    assert billing.money_taken() == []


async def test_a_receipt_pays_one_package(billing: Billing):
    patient = await bought_in_cash(billing)
    package = (await only_package(billing, patient))["package_id"]
    answer = await buy(
        billing, new_id(), package, tender="cash", reference=receipt_of(patient).lower()
    )
    assert answer.json()["violations"][0]["rule"] == "reference_used"


async def test_a_package_of_another_patient_pays_nothing(billing: Billing):
    patient = await bought_in_cash(billing)
    other = new_id()
    await billing.save_card(other)
    await treated(billing, other)
    assert (await billing.only_charge(other))["tender"] == "card"
    assert (await only_package(billing, patient))["left"] == 2


async def test_nobody_chooses_or_records_a_package_by_hand(billing: Billing):
    patient = await bought_in_cash(billing)
    appointment = await billing.book(patient)
    chosen = await billing.choose(appointment, patient, "prepaid")
    assert chosen.json()["violations"][0]["rule"] == "prepaid_by_itself"
    other = new_id()
    await treated(billing, other)
    charge = await billing.only_charge(other)
    wish = {"tender": "prepaid", "reference": "R-1", "amount_cents": 39900}
    answer = await billing.ask("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)
    assert answer.json()["violations"][0]["rule"] == "tender_not_outside"


async def test_stripe_learns_ids_and_amounts_of_a_package_and_no_more(billing: Billing):
    patient = await bought_by_card(billing)
    known = seen_by_stripe(billing.world)
    assert "ketamine" not in known
    [intent] = billing.at_stripe("payment_intents")
    purchase = (await only_package(billing, patient))["purchase_id"]
    assert intent["metadata"] == {"attempt_id": purchase}
