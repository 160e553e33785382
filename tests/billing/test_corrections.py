"""A superbill that is no longer true gets a later version; what was issued stays as it was."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.work import ReissueSuperbill
from shared.auth import Role
from shared.events.billing import SuperbillCorrected, SuperbillIssued
from shared.ids import new_id
from tests.billing.bills import words_of
from tests.billing.conftest import Billing
from tests.support.claim_check import infusion_path

Record = dict[str, Any]


@pytest.fixture
async def issued(billing: Billing) -> tuple[SuperbillIssued, Record]:
    """An issued superbill, and scheduling's record of its infusion."""
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient)
    await billing.hear(event)
    await billing.until_rest()
    [told] = await billing.said(SuperbillIssued)
    return told, billing.scheduling.records[infusion_path(event.infusion_id)]


async def correct(billing: Billing, superbill_id: object) -> Any:
    path = f"/superbills/{superbill_id}/corrections"
    answer = await billing.ask("POST", path, {"reason": "record"})
    await billing.until_rest()
    return answer


async def test_a_corrected_record_gives_a_second_version_under_the_same_number(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, record = issued
    before = await billing.told("GET", f"/superbills/{first.superbill_id}")
    record["diagnoses"] = ["F33.1"]

    assert (await correct(billing, first.superbill_id)).status_code == 201

    [told] = await billing.said(SuperbillCorrected)
    assert (told.number, told.document_version) == (first.number, 2)
    assert (told.replaces_id, told.reason) == (first.superbill_id, "record")
    shown = await billing.told("GET", f"/superbills/{told.superbill_id}")
    bill = shown["superbill"]
    assert [one["code"] for one in bill["diagnoses"]] == ["F33.1"]
    assert bill["replaces"]["version"] == 1
    document = await billing.ask("GET", f"/superbills/{told.superbill_id}/pdf")
    assert f"superbill-{first.number}-v2.pdf" in document.headers["content-disposition"]
    assert f"This is version 2 of {first.number}. It replaces version 1" in words_of(
        document.content
    )
    assert await billing.told("GET", f"/superbills/{first.superbill_id}") == before
    listed = await billing.told("GET", f"/patients/{first.patient_id}/superbills")
    assert [one["version"] for one in listed["items"]] == [1, 2]
    assert (await billing.only_charge(first.patient_id))["superbill_id"] == str(told.superbill_id)
    assert len(await billing.said(SuperbillIssued)) == 1


async def test_nothing_is_issued_again_that_would_say_the_same(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, _ = issued
    await correct(billing, first.superbill_id)
    async with billing.service.runtime.work.transaction() as tx:
        for _ in range(3):
            tx.do(ReissueSuperbill(charge_id=first.charge_id))
    await billing.until_rest()
    assert await billing.said(SuperbillCorrected) == []
    assert len(await billing.rows("SELECT 1 FROM superbills")) == 1
    assert await billing.parked() == []


async def test_a_correction_that_a_payer_would_reject_waits_until_its_cause_is_mended(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, record = issued
    record["diagnoses"] = ["F33"]
    await correct(billing, first.superbill_id)
    [waiting] = (await billing.told("GET", "/superbills/held"))["items"]
    assert (waiting["correction"], waiting["charge_id"]) == ("record", str(first.charge_id))
    assert [one["rule"] for one in waiting["blocked_by"]] == ["diagnosis_not_billable"]

    record["diagnoses"] = ["F33.1"]
    await billing.told("POST", f"/charges/{first.charge_id}/superbill", {})
    await billing.until_rest()

    assert (await billing.told("GET", "/superbills/held"))["items"] == []
    [told] = await billing.said(SuperbillCorrected)
    assert (told.document_version, told.reason) == (2, "record")


async def test_only_the_newest_version_is_corrected_and_only_by_who_bills(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, record = issued
    record["diagnoses"] = ["F33.1"]
    await correct(billing, first.superbill_id)
    old = await correct(billing, first.superbill_id)
    assert (old.status_code, old.json()["violations"][0]["rule"]) == (409, "superbill_replaced")
    assert (await correct(billing, new_id())).status_code == 404
    path = f"/superbills/{first.superbill_id}/corrections"
    nurse = await billing.ask("POST", path, {"reason": "record"}, role=Role.NURSE)
    assert nurse.status_code == 403


async def test_each_version_has_one_successor(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, record = issued
    for diagnosis in ("F33.1", "F33.9"):
        record["diagnoses"] = [diagnosis]
        newest = (await billing.only_charge(first.patient_id))["superbill_id"]
        await correct(billing, newest)
    rows = await billing.rows("SELECT superbill_id, replaces_id FROM superbills ORDER BY version")
    assert [row.replaces_id for row in rows] == [None, *(row.superbill_id for row in rows[:2])]
    with pytest.raises(DBAPIError, match="append-only"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(text("UPDATE superbills SET replaces_id = NULL"))


async def test_the_receipt_beside_it_is_served_and_names_no_diagnosis(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, _ = issued
    path = f"/superbills/{first.superbill_id}/receipt"
    shown = await billing.ask("GET", path)
    document = await billing.ask("GET", f"{path}/pdf")
    assert shown.json()["receipt"]["net_paid_cents"] == 39900
    assert "Paid by the patient $399.00" in words_of(document.content)
    assert f"receipt-{first.number}.pdf" in document.headers["content-disposition"]
    [twin] = PdfReader(io.BytesIO(document.content)).attachments["receipt.json"]
    for content in (shown.content, document.content, twin):
        assert b"F33" not in content
    assert (await billing.ask("GET", f"{path}/pdf", role=Role.NURSE)).status_code == 403


async def give_back(billing: Billing, charge: Any, **changes: Any) -> None:
    payment = charge["payments"][0]
    wish = {"amount_cents": 39900, "reason": "service_problem"} | changes
    await billing.told("POST", f"/payments/{payment['payment_id']}/refunds", wish)
    await billing.until_rest()


async def corrected(billing: Billing) -> Any:
    told = (await billing.said(SuperbillCorrected))[-1]
    return told, (await billing.told("GET", f"/superbills/{told.superbill_id}"))["superbill"]


@pytest.mark.parametrize("cents", [10000, 39900])
async def test_a_refund_has_the_superbill_corrected_by_itself(
    billing: Billing, issued: tuple[SuperbillIssued, Record], cents: int
):
    first, _ = issued
    await give_back(billing, await billing.only_charge(first.patient_id), amount_cents=cents)

    told, bill = await corrected(billing)
    assert (told.reason, told.document_version) == ("refund", 2)
    assert (bill["paid_cents"], bill["refunded_cents"]) == (39900, cents)
    assert (bill["net_paid_cents"], bill["balance_cents"]) == (39900 - cents, 0)
    assert [one["amount_cents"] for one in bill["refunds"]] == [cents]
    document = await billing.ask("GET", f"/superbills/{told.superbill_id}/pdf")
    assert "Money was refunded after the earlier version was issued." in words_of(document.content)
    receipt = await billing.told("GET", f"/superbills/{told.superbill_id}/receipt")
    assert receipt["receipt"]["net_paid_cents"] == 39900 - cents
    assert (await billing.told("GET", "/superbills/held"))["items"] == []


async def test_what_is_owed_again_after_a_refund_is_corrected_once_it_is_paid(
    billing: Billing, issued: tuple[SuperbillIssued, Record]
):
    first, _ = issued
    charge = await billing.only_charge(first.patient_id)
    await give_back(billing, charge, reason="other_tender")
    assert await billing.said(SuperbillCorrected) == []

    payment = {"tender": "care_credit", "reference": "CC-118834", "amount_cents": 39900}
    path = f"/charges/{charge['charge_id']}/outside-payments"
    await billing.told("POST", path, payment)
    await billing.until_rest()

    _, bill = await corrected(billing)
    assert [one["method"] for one in bill["payments"]] == ["Card", "CareCredit"]
    assert (bill["net_paid_cents"], bill["reduced_cents"], bill["balance_cents"]) == (39900, 0, 0)
