"""CareCredit: reported, confirmed, funded less a fee; what never comes is owed again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.payments.care_credit import NEXT, CareCreditState, broken_by_step
from services.billing.rules.superbills.wording import Standing
from shared.events.billing import OutsidePaymentRejected, SuperbillCorrected, SuperbillIssued
from tests.billing.bills import wording, words_of
from tests.billing.conftest import Billing
from tests.billing.test_ledger import trial_balance
from tests.billing.test_outside_payments import pay, waiting_charge
from tests.billing.test_refunds import refund

DETAIL = {"promo_months": 12, "account_last4": "0042", "channel": "phone"}


async def step(billing: Billing, tender_id: str, name: str, **body: Any) -> Any:
    return await billing.ask("POST", f"/care-credit/{tender_id}/{name}", body)


def test_care_credit_goes_one_way():
    for state in CareCreditState:
        for to in CareCreditState:
            assert (broken_by_step(state, to) == []) == (to in NEXT[state])


async def test_a_payment_is_confirmed_and_funded_less_the_fee(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    paid = (await pay(billing, charge, care_credit=DETAIL)).json()
    [waiting] = (await billing.told("GET", "/care-credit"))["items"]
    assert (waiting["tender_id"], waiting["state"]) == (paid["payment_id"], "reported")
    assert (waiting["promo_months"], waiting["account_last4"]) == (12, "0042")

    early = await step(billing, paid["payment_id"], "fund", fee_cents=3950)
    assert early.json()["violations"][0]["rule"] == "care_credit_step"
    assert "confirmed" in early.json()["violations"][0]["detail"]
    assert (await step(billing, paid["payment_id"], "confirm")).json()["state"] == "confirmed"
    funded = await step(billing, paid["payment_id"], "fund", fee_cents=3950)

    assert funded.json()["state"] == "funded"
    assert (await billing.told("GET", "/care-credit"))["items"] == []
    assert await trial_balance(billing) == {
        "bank": 35950,
        "care_credit_fees": 3950,
        "revenue_infusion": 39900,
    }
    late = await step(billing, paid["payment_id"], "reject", why="declined")
    assert late.json()["violations"][0]["rule"] == "care_credit_step"


async def test_what_care_credit_rejects_is_owed_again(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    paid = (await pay(billing, charge)).json()
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "paid"

    await step(billing, paid["payment_id"], "reject", why="declined")

    found = await billing.only_charge(charge["patient_id"])
    assert (found["state"], found["owed_cents"]) == ("open", 39900)
    assert found["payments"][0]["rejected_at"] is not None
    [rejected] = await billing.said(OutsidePaymentRejected)
    assert (rejected.amount_cents, rejected.owed_cents) == (39900, 39900)
    assert await trial_balance(billing) == {"patient_receivable": 39900, "revenue_infusion": 39900}
    gone = await refund(billing, found["payments"][0], reference="B-1")
    assert gone.json()["violations"][0]["rule"] == "payment_rejected"
    again = await pay(billing, charge)
    assert again.json()["violations"][0]["rule"] == "reference_used"
    assert (await pay(billing, charge, tender="cash", reference="R-1")).status_code == 201


async def test_a_link_pays_nothing_until_its_payment_is_reported(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    path = f"/charges/{charge['charge_id']}/care-credit-links"
    link = (await billing.ask("POST", path, {"amount_cents": 20000, "promo_months": 6})).json()
    assert link["state"] == "link_sent"
    assert (await billing.only_charge(charge["patient_id"]))["owed_cents"] == 39900

    by_link = {"tender_id": link["tender_id"], "channel": "link"}
    wrong = await pay(billing, charge, care_credit=by_link)
    assert wrong.json()["violations"][0]["rule"] == "another_link"
    paid = await pay(billing, charge, amount_cents=20000, care_credit=by_link)

    assert paid.json()["payment_id"] == link["tender_id"]
    assert paid.json()["owed_cents"] == 19900
    [waiting] = (await billing.told("GET", "/care-credit"))["items"]
    assert (waiting["state"], waiting["promo_months"]) == ("reported", 6)
    again = await pay(billing, charge, amount_cents=19900, reference="CC-2", care_credit=by_link)
    assert again.json()["violations"][0]["rule"] == "another_link"


async def test_a_payment_in_another_currency_or_with_anothers_details_is_refused(
    billing: Billing,
):
    await billing.set_fee()
    charge = await waiting_charge(billing)

    answer = await pay(
        billing, charge, tender="cash", reference="R-1", currency="EUR", care_credit=DETAIL
    )

    assert {one["rule"] for one in answer.json()["violations"]} == {
        "wrong_currency",
        "care_credit_only",
    }


async def test_the_database_lets_care_credit_go_one_way_whoever_writes(billing: Billing):
    await billing.set_fee()
    await pay(billing, await waiting_charge(billing))
    with pytest.raises(DBAPIError, match="does not go from reported to funded"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(
                text("UPDATE care_credit_tenders SET state = 'funded', fee_cents = 0")
            )


async def test_a_superbill_says_it_when_its_payment_never_came_and_again_when_it_is_paid(
    billing: Billing,
):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    paid = (await pay(billing, charge)).json()
    await billing.until_rest()
    [first] = await billing.said(SuperbillIssued)

    await step(billing, paid["payment_id"], "reject", why="declined")
    await billing.until_rest()

    [told] = await billing.said(SuperbillCorrected)
    assert (told.number, told.document_version) == (first.number, 2)
    assert (told.replaces_id, told.reason) == (first.superbill_id, "payment")
    owed = (await billing.told("GET", f"/superbills/{told.superbill_id}"))["superbill"]
    assert (owed["paid_cents"], owed["balance_cents"], owed["payments"]) == (0, 39900, [])
    words = wording().statements[Standing.OWED]
    assert (owed["title"], owed["notice"]) == (words.title, words.notice)
    document = await billing.ask("GET", f"/superbills/{told.superbill_id}/pdf")
    assert "Balance due $399.00" in words_of(document.content)
    month = await billing.ask(
        "POST", f"/patients/{first.patient_id}/superbills", {"month": f"{first.issued_at:%Y-%m}"}
    )
    assert month.json()["violations"][0]["rule"] == "month_not_paid"

    await pay(billing, charge, tender="cash", reference="R-1")
    await billing.until_rest()
    last = (await billing.said(SuperbillCorrected))[-1]
    assert (last.document_version, last.reason) == (3, "payment")
    shown = (await billing.told("GET", f"/superbills/{last.superbill_id}"))["superbill"]
    assert (shown["balance_cents"], shown["paid_cents"]) == (0, 39900)
    assert shown["replaces"]["version"] == 2
    assert await billing.parked() == []


async def test_a_payment_that_fell_through_before_the_superbill_was_made_makes_none(
    billing: Billing,
):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    billing.scheduling.away = True
    paid = (await pay(billing, charge)).json()
    await step(billing, paid["payment_id"], "reject", why="declined")
    billing.scheduling.away = False
    await billing.until_rest()
    assert await billing.said(SuperbillIssued) == []
    assert await billing.said(SuperbillCorrected) == []
