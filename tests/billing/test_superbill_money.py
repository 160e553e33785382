"""What a superbill says of itself follows from what was paid, given up and given back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.documents.fhir.bundles import bundle
from services.billing.rules.superbills import lint
from services.billing.rules.superbills.document import Receipt, Superbill
from services.billing.rules.superbills.wording import Standing
from shared.auth import Role
from shared.events.billing import SuperbillCorrected, SuperbillIssued, TenderKind
from shared.ids import new_id
from tests.billing.bills import code_book, paid, superbill_of, words_of
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT, infusion_record
from tests.billing.test_split_tenders import adjust

REIMBURSE = "please reimburse the patient"


def refunded(cents: int, minutes: int = 40) -> Superbill:
    refund = Receipt(TenderKind.CARE_CREDIT, "CC-118834", cents, STOPPED_AT)
    record = infusion_record(started_at=STOPPED_AT - timedelta(minutes=minutes))
    return superbill_of(record, paid(refunds=(refund,)))


def resource(bill: Superbill, kind: str) -> dict[str, Any]:
    entries = bundle(bill, new_id())["entry"]
    return next(one["resource"] for one in entries if one["resource"]["resourceType"] == kind)


def summed_cents(amounts: list[dict[str, Any]]) -> int:
    return sum(round(one["value"] * 100) for one in amounts)


async def issued(billing: Billing) -> dict[str, Any]:
    """The charge of a visit that a card has paid, and whose superbill is out."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    return await billing.only_charge(patient)


async def shown(billing: Billing, superbill_id: object) -> tuple[dict[str, Any], str]:
    """A superbill's content, and the words of its document."""
    bill = (await billing.told("GET", f"/superbills/{superbill_id}"))["superbill"]
    document = await billing.ask("GET", f"/superbills/{superbill_id}/pdf")
    return bill, words_of(document.content)


@pytest.mark.parametrize(
    ("cents", "standing", "says"),
    [
        (39900, "refunded", "there is nothing to reimburse"),
        (10000, "reduced", "on no more than what stands here as paid by the patient"),
    ],
)
async def test_after_a_refund_nobody_is_asked_to_reimburse_what_was_given_back(
    billing: Billing, cents: int, standing: str, says: str
):
    charge = await issued(billing)
    [payment] = charge["payments"]
    wish = {"amount_cents": cents, "reason": "service_problem"}
    await billing.told("POST", f"/payments/{payment['payment_id']}/refunds", wish)
    await billing.until_rest()

    [told] = await billing.said(SuperbillCorrected)
    bill, words = await shown(billing, told.superbill_id)
    assert (bill["standing"], bill["total_cents"]) == (standing, 39900)
    assert (bill["reduced_cents"], bill["net_paid_cents"]) == (cents, 39900 - cents)
    assert says in words
    assert "paid in full" not in words
    assert (REIMBURSE in words) == (standing == "reduced")
    for printed in ("Total charges $399.00", "Paid $399.00", "Paid by the patient"):
        assert printed in words


async def test_a_discount_before_payment_is_shown_as_one_that_comes_with_a_refund(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    assert (await adjust(billing, charge["charge_id"], 10000)).is_success
    payment = {"tender": "cash", "reference": "till-104", "amount_cents": 29900}
    path = f"/charges/{charge['charge_id']}/outside-payments"
    await billing.told("POST", path, payment)
    await billing.until_rest()

    [told] = await billing.said(SuperbillIssued)
    bill, words = await shown(billing, told.superbill_id)
    assert (bill["total_cents"], bill["reduced_cents"]) == (39900, 10000)
    assert (bill["net_paid_cents"], bill["balance_cents"]) == (29900, 0)
    assert bill["standing"] == "reduced"
    for printed in ("Total charges $399.00 Reduced by", "$100.00 Paid $299.00"):
        assert printed in words


@given(cents=st.integers(1, 39900), minutes=st.sampled_from([15, 90, 151, 240]))
def test_lines_claim_and_invoice_agree_on_what_is_left_of_the_charge(cents: int, minutes: int):
    bill = refunded(cents, minutes)
    left_cents = 39900 - cents
    assert lint.lint(bill, code_book(STOPPED_AT.date())) == []
    assert all(0 <= line.reduced_cents <= line.charge_cents for line in bill.lines)
    claim, invoice = resource(bill, "Claim"), resource(bill, "Invoice")
    assert summed_cents([claim["total"]]) == left_cents
    assert summed_cents([item["net"] for item in claim["item"]]) == left_cents
    prices = [part for line in invoice["lineItem"] for part in line["priceComponent"]]
    assert summed_cents([part["amount"] for part in prices]) == left_cents
    assert summed_cents([invoice["totalNet"]]) == left_cents


def test_what_is_not_to_be_handed_in_is_no_active_claim():
    assert resource(refunded(39900), "Claim")["status"] == "cancelled"
    assert resource(refunded(10000), "Claim")["status"] == "active"
    owed = superbill_of(infusion_record(), replace(paid(), payments=()))
    assert owed.standing is Standing.OWED
    assert resource(owed, "Claim")["status"] == "draft"


async def test_the_clinic_words_superbills_from_a_day_on(billing: Billing):
    first = await issued(billing)
    statements = [
        {"standing": one, "title": f"{one}, made up", "notice": "Made up.", "assertion": "Made up."}
        for one in Standing
    ]
    wish = {
        "effective_from": f"{billing.clock.now():%Y-%m-%d}",
        "statements": statements,
        "gathers": "It gathers {numbers}.",
        "source": "a test",
    }
    path = "/superbill-wordings"
    assert (await billing.ask("POST", path, wish, role=Role.FRONT_DESK)).status_code == 403
    short = await billing.ask("POST", path, wish | {"statements": statements[1:], "gathers": "."})
    assert [one["rule"] for one in short.json()["violations"]] == [
        "wording_incomplete",
        "numbers_missing",
    ]
    assert (await billing.told("POST", path, wish))["wording_id"] == 2

    second = await issued(billing)
    assert await receipt_words(billing, second) == FIRST_WORDS, "without others they stay"
    titles = [(await shown(billing, one["superbill_id"]))[0]["title"] for one in (first, second)]
    assert titles == ["Paid statement for out-of-network reimbursement", "paid, made up"]


FIRST_WORDS = (
    "Receipt for medical care",
    "Medical treatment by a licensed clinician, office visit",
)


async def receipt_words(billing: Billing, bill: dict[str, Any]) -> tuple[str, str]:
    """The title of a superbill's receipt, and what it calls the visit."""
    shown = await billing.told("GET", f"/superbills/{bill['superbill_id']}/receipt")
    receipt = shown["receipt"]
    return receipt["title"], receipt["care"][0]["description"]


async def test_the_clinic_words_receipts_and_corrections_and_what_is_issued_keeps_its_words(
    billing: Billing,
):
    first = await issued(billing)
    wish = {
        "effective_from": f"{billing.clock.now():%Y-%m-%d}",
        "statements": [
            {"standing": one, "title": "Made up", "notice": "Made up.", "assertion": "Made up."}
            for one in Standing
        ],
        "gathers": "It gathers {numbers}.",
        "source": "a test",
        "receipt": {"title": "A made-up receipt", "description": "A visit", "notice": "Made up."},
        "corrections": {
            "refund": "We gave money back.",
            "record": "Made up.",
            "payment": "Made up.",
            "visit": "Made up.",
        },
    }
    await billing.told("POST", "/superbill-wordings", wish)

    second = await issued(billing)
    assert await receipt_words(billing, first) == FIRST_WORDS
    assert await receipt_words(billing, second) == ("A made-up receipt", "A visit")
    pdf = await billing.ask("GET", f"/superbills/{second['superbill_id']}/receipt/pdf")
    assert "A made-up receipt" in words_of(pdf.content)

    [row] = await billing.rows(
        "SELECT payment_id FROM payments JOIN superbills USING (charge_id)"
        " WHERE superbill_id = CAST(:id AS uuid)",
        id=second["superbill_id"],
    )
    back = {"amount_cents": 100, "reason": "courtesy"}
    await billing.told("POST", f"/payments/{row.payment_id}/refunds", back)
    await billing.until_rest()
    [corrected] = await billing.said(SuperbillCorrected)
    bill, _ = await shown(billing, corrected.superbill_id)
    assert bill["replaces"]["reason"] == "We gave money back."
