"""Superbills: numbers without gaps, and a document that nobody changes."""

from __future__ import annotations

import asyncio
import hashlib
import io
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.gateways.typesetting import Typst
from services.billing.work import RedeemService
from shared.auth import Role
from shared.errors import Poison
from shared.events.billing import SuperbillIssued
from shared.ids import new_id
from shared.money import dollars
from tests.billing.bills import words_of
from tests.billing.conftest import Billing
from tests.billing.records import infusion_record
from tests.support.claim_check import infusion_path


async def issued(billing: Billing, minutes: int = 40, **changes: Any) -> SuperbillIssued:
    patient = new_id()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, minutes=minutes, **changes))
    await billing.until_rest()
    [found] = [one for one in await billing.said(SuperbillIssued) if one.patient_id == patient]
    return found


async def test_json_and_document_are_served_as_issued_and_every_reader_is_noted(billing: Billing):
    await billing.set_fee()
    told = await issued(billing, minutes=91)

    shown = await billing.told("GET", f"/superbills/{told.superbill_id}")
    document = await billing.ask("GET", f"/superbills/{told.superbill_id}/pdf")
    listed = await billing.told("GET", f"/patients/{told.patient_id}/superbills")

    bill = shown["superbill"]
    assert [line["code"] for line in bill["lines"]] == ["96365", "96366", "J3490"]
    assert sum(line["charge_cents"] for line in bill["lines"]) == bill["total_cents"] == 39900
    assert bill["balance_cents"] == 0
    assert [one["number"] for one in listed["items"]] == [told.number] == [bill["number"]]
    assert document.headers["content-type"] == "application/pdf"
    assert f"superbill-{told.number}.pdf" in document.headers["content-disposition"]
    assert f"Total charges {dollars(39900)}" in words_of(document.content)
    twin = PdfReader(io.BytesIO(document.content)).attachments["superbill.json"][0]
    assert hashlib.sha256(twin).hexdigest() == shown["content_sha256"]
    assert ("billing", infusion_path(told.infusion_id), "superbill") in billing.scheduling.asked
    readers = await billing.rows(
        "SELECT patient_id, purpose FROM audit_log WHERE action = 'read'"
        " AND entity LIKE 'GET /superbills%'"
    )
    assert [(one.patient_id, one.purpose) for one in readers] == [(told.patient_id, "payment")] * 2


async def test_a_nurse_does_not_read_superbills_and_an_unknown_one_is_not_found(billing: Billing):
    for path in (f"/superbills/{new_id()}", f"/superbills/{new_id()}/pdf"):
        assert (await billing.ask("GET", path, role=Role.NURSE)).status_code == 403
        assert (await billing.ask("GET", path)).status_code == 404


async def test_numbers_have_no_gaps_however_many_are_issued_at_once(billing: Billing):
    await billing.set_fee()
    patients = [new_id() for _ in range(12)]
    await asyncio.gather(*(billing.save_card(patient) for patient in patients))

    await billing.hear(
        *(
            billing.complete(patient, ein="07-1234567" if n % 4 == 0 else "54-1234567")
            for n, patient in enumerate(patients)
        )
    )
    await billing.until_rest()

    numbers = [one.number for one in await billing.said(SuperbillIssued)]
    assert sorted(numbers) == [f"SB-2026-{count:06d}" for count in range(1, 10)]
    assert len((await billing.told("GET", "/superbills/held"))["items"]) == 3


async def held(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/superbills/held"))["items"])


async def test_a_superbill_that_a_payer_would_reject_waits_until_its_cause_is_mended(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient, clinician_npi="1234567890", ein="07-1234567")
    await billing.hear(event)
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    assert charge["superbill_id"] is None
    assert await billing.parked() == []

    [waiting] = await held(billing)
    assert (waiting["charge_id"], waiting["patient_id"]) == (charge["charge_id"], str(patient))
    assert [one["rule"] for one in waiting["blocked_by"]] == ["clinician_npi", "clinic_ein"]
    assert "Look it up at NPPES" in waiting["blocked_by"][0]["detail"]

    ask = f"/charges/{charge['charge_id']}/superbill"
    record = billing.scheduling.records[infusion_path(event.infusion_id)]
    record["rendering"]["npi"] = "1679576722"
    await billing.told("POST", ask, {})
    await billing.until_rest()
    [waiting] = await held(billing)
    assert [one["rule"] for one in waiting["blocked_by"]] == ["clinic_ein"]

    record["location"]["ein"] = "54-1234567"
    await billing.told("POST", ask, {})
    await billing.until_rest()
    assert await held(billing) == []
    assert (await billing.only_charge(patient))["superbill_id"] is not None
    assert [one.number for one in await billing.said(SuperbillIssued)] == ["SB-2026-000001"]
    again = await billing.ask("POST", ask, {})
    assert again.json()["violations"][0]["rule"] == "superbill_issued"


async def test_a_name_in_letters_that_no_document_shows_takes_no_number_and_is_mended(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient)
    record = billing.scheduling.records[infusion_path(event.infusion_id)]
    record["patient"]["last_name"] = "测试"
    await billing.hear(event)
    await billing.until_rest()
    [waiting] = await held(billing)
    assert [one["rule"] for one in waiting["blocked_by"]] == ["letters_not_shown"]
    assert "Latin letters, as on the insurance card" in waiting["blocked_by"][0]["detail"]
    assert await billing.parked() == []

    record["patient"]["last_name"] = "Canary"
    await billing.told("POST", f"/charges/{waiting['charge_id']}/superbill", {})
    await billing.until_rest()
    assert [one.number for one in await billing.said(SuperbillIssued)] == ["SB-2026-000001"]


async def test_a_superbill_whose_making_was_given_up_is_asked_for_again(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient)
    record = billing.scheduling.records.pop(infusion_path(event.infusion_id))

    async def unprintable(*_: object, **__: object) -> None:
        raise Poison("superbill_not_printable")

    with monkeypatch.context() as patched:
        patched.setattr(Typst, "render", unprintable)
        await billing.hear(event)
        await billing.until_rest()
        ask = f"/charges/{(await billing.only_charge(patient))['charge_id']}/superbill"
        assert await billing.parked() == ["claim_unknown"]
        billing.scheduling.records[infusion_path(event.infusion_id)] = record
        await billing.told("POST", ask, {})
        await billing.until_rest()
        assert await billing.parked() == ["claim_unknown", "superbill_not_printable"]

    await billing.told("POST", ask, {})
    await billing.until_rest()

    assert len(await billing.said(SuperbillIssued)) == 1


async def test_there_is_no_superbill_of_what_is_not_paid(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    charge = await billing.only_charge(patient)

    answer = await billing.ask("POST", f"/charges/{charge['charge_id']}/superbill", {})

    assert (answer.status_code, answer.json()["violations"][0]["rule"]) == (409, "charge_not_paid")
    unknown = await billing.ask("POST", f"/charges/{new_id()}/superbill", {})
    assert unknown.status_code == 404


async def test_a_paid_charge_has_one_superbill_however_often_it_is_asked_for(billing: Billing):
    await billing.set_fee()
    told = await issued(billing)

    async with billing.service.runtime.work.transaction() as tx:
        for _ in range(5):
            tx.do(RedeemService(charge_id=told.charge_id))
    await billing.until_rest()

    assert len(await billing.said(SuperbillIssued)) == 1
    assert len(await billing.rows("SELECT 1 FROM superbills")) == 1
    assert len(await billing.rows("SELECT 1 FROM superbill_documents")) == 1


async def test_nobody_changes_an_issued_superbill(billing: Billing):
    await billing.set_fee()
    await issued(billing)
    for change in (
        "UPDATE superbills SET total_cents = 1",
        "UPDATE superbills SET number = 'SB-2026-000009'",
        "DELETE FROM superbills",
        "TRUNCATE superbills CASCADE",
        "UPDATE superbill_documents SET sealed = ''",
        "DELETE FROM superbill_documents",
        "TRUNCATE superbill_documents",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with billing.service.runtime.engine.begin() as connection:
                await connection.execute(text(change))


async def test_under_a_superbill_only_the_key_changes_and_only_while_it_is_resealed(
    billing: Billing,
):
    await billing.set_fee()
    await issued(billing)
    others = {"superbills": "total_cents = 1", "superbill_documents": "rendered_at = now()"}
    for table, other in others.items():
        async with billing.service.runtime.engine.connect() as connection:
            await connection.execute(text("SELECT set_config('practice.reseals', 'on', true)"))
            await connection.execute(text(f"UPDATE {table} SET sealed = sealed || 'x'"))
            with pytest.raises(DBAPIError, match="append-only"):
                await connection.execute(text(f"UPDATE {table} SET sealed = '', {other}"))


async def test_a_superbill_is_sealed_at_rest(billing: Billing):
    await billing.set_fee()
    await issued(billing)
    rows = await billing.rows(
        "SELECT s.sealed, d.sealed AS document, s::text || d::text AS whole"
        " FROM superbills AS s JOIN superbill_documents AS d USING (superbill_id)"
    )
    for value in (rows[0].sealed, rows[0].document, rows[0].whole.encode()):
        assert b"Canary" not in value
        assert b"F33.2" not in value
        assert b"%PDF" not in value


@pytest.mark.parametrize("another", ["patient_id", "infusion_id"])
async def test_no_superbill_is_made_from_the_record_of_another(billing: Billing, another: str):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient)
    ids = {"infusion_id": event.infusion_id, "patient_id": patient}
    wrong = infusion_record(**ids | {another: new_id()}, stopped_at=event.stopped_at)
    billing.scheduling.records[infusion_path(event.infusion_id)] = wrong.model_dump(mode="json")

    await billing.hear(event)
    await billing.until_rest()

    assert await billing.parked() == ["claim_of_another"]
    assert await billing.said(SuperbillIssued) == []
    assert await billing.rows("SELECT 1 FROM superbills") == []


async def test_a_hold_for_a_rule_that_is_gone_is_shown_by_its_name_beside_the_others(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, ein="07-1234567"))
    await billing.until_rest()
    async with billing.service.runtime.engine.begin() as connection:
        await connection.execute(
            text("UPDATE superbill_holds SET rules = ARRAY['rule_of_old'] || rules")
        )

    [waiting] = await held(billing)

    assert [one["rule"] for one in waiting["blocked_by"]] == ["rule_of_old", "clinic_ein"]
    assert "ask for the superbill again" in waiting["blocked_by"][0]["detail"]


async def test_whoever_asks_for_a_superbill_too_early_or_too_late_is_told_what_to_do(
    billing: Billing,
):
    async def asked(charge: dict[str, Any]) -> tuple[int, str, str]:
        answer = await billing.ask("POST", f"/charges/{charge['charge_id']}/superbill", {})
        [violation] = answer.json()["violations"]
        return answer.status_code, violation["rule"], violation["detail"]

    await billing.set_fee(20000)
    patient, another = new_id(), new_id()
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    status, rule, says = await asked(charge)
    assert (status, rule) == (409, "charge_not_paid")
    assert f"GET /patients/{patient}/charges" in says

    given_up = {"kind": "write_off", "reason": "uncollectable", "amount_cents": 20000}
    await billing.told("POST", f"/charges/{charge['charge_id']}/adjustments", given_up)
    assert (await billing.only_charge(patient))["state"] == "closed"
    status, rule, says = await asked(charge)
    assert (status, rule) == (409, "charge_given_up")
    assert f"POST /patients/{patient}/statements" in says

    await billing.save_card(another)
    await billing.hear(billing.complete(another))
    await billing.until_rest()
    paid = await billing.only_charge(another)
    back = {"amount_cents": 20000, "reason": "service_problem"}
    await billing.told("POST", f"/payments/{paid['payments'][0]['payment_id']}/refunds", back)
    await billing.until_rest()
    paid = await billing.only_charge(another)
    assert paid["state"] == "closed"
    status, rule, says = await asked(paid)
    assert (status, rule) == (409, "superbill_issued")
    assert str(paid["superbill_id"]) in says
