"""Code tables: what a code is changes from a day on, and what was in force stays what it was."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.handlers.superbills.codes import NewDiagnosisCode
from services.billing.store.codes import code_book
from shared.auth import Role
from shared.events.billing import SuperbillIssued
from shared.ids import new_id
from tests.billing import bills
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT

UNLISTED = {"code": "F31.77", "effective_from": "2015-10-01", "is_billable": True}
UNLISTED |= {"words": "Bipolar disorder, in partial remission, most recent episode mixed"}


async def test_the_clinic_begins_with_the_codes_of_its_files(billing: Billing):
    day = STOPPED_AT.date()
    begun = bills.code_book(day)
    async with billing.service.runtime.work.transaction() as tx:
        assert await code_book(tx, day, list(begun.diagnoses)) == begun


async def test_a_diagnosis_that_the_table_lacks_holds_the_superbill_until_it_is_recorded(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, diagnoses=("F31.77",)))
    await billing.until_rest()
    [waiting] = (await billing.told("GET", "/superbills/held"))["items"]
    assert [one["rule"] for one in waiting["blocked_by"]] == ["diagnosis_unknown"]

    await billing.told("POST", "/diagnosis-codes", UNLISTED)
    await billing.told("POST", f"/charges/{waiting['charge_id']}/superbill", {})
    await billing.until_rest()

    [told] = await billing.said(SuperbillIssued)
    shown = await billing.told("GET", f"/superbills/{told.superbill_id}")
    assert shown["superbill"]["diagnoses"][0]["words"] == UNLISTED["words"]


async def listed(billing: Billing, on: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        page = await billing.told("GET", f"/diagnosis-codes?on={on}&limit=200{cursor}")
        found |= {item["code"]: item for item in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_code_that_becomes_a_heading_was_billable_before(billing: Billing):
    change = UNLISTED | {"code": "M79.7", "effective_from": "2027-10-01", "is_billable": False}
    await billing.told("POST", "/diagnosis-codes", change)
    assert (await listed(billing, "2027-09-30"))["M79.7"]["is_billable"] is True
    assert (await listed(billing, "2027-10-01"))["M79.7"]["is_billable"] is False
    assert "F32.A" not in await listed(billing, "2021-09-30")


async def test_a_row_of_the_tables_is_recorded_once_and_never_changed(billing: Billing):
    assert (await billing.ask("POST", "/diagnosis-codes", UNLISTED)).status_code == 201
    again = await billing.ask("POST", "/diagnosis-codes", UNLISTED | {"is_billable": False})
    assert (again.status_code, again.json()["violations"][0]["rule"]) == (409, "code_recorded")
    for change in ("UPDATE diagnosis_codes SET is_billable = true", "DELETE FROM service_codes"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with billing.service.runtime.engine.begin() as connection:
                await connection.execute(text(change))


async def test_a_service_code_is_recorded_by_who_bills_and_shown_as_of_a_day(billing: Billing):
    code = {"code": "93000", "effective_from": "2026-01-01", "is_billable": True}
    code |= {"words": "Heart tracing with a reading", "source": "CPT"}
    refused = await billing.ask("POST", "/service-codes", code, role=Role.FRONT_DESK)
    assert refused.status_code == 403
    await billing.told("POST", "/service-codes", code)
    page = await billing.told("GET", "/service-codes?on=2026-11-23")
    shown = {item["code"]: item for item in page["items"]}
    assert shown["93000"]["units_max"] is None
    assert shown["96366"]["requires"] == ["96365"]


def test_a_code_is_recorded_in_its_own_shape():
    with pytest.raises(ValueError, match="code"):
        NewDiagnosisCode.model_validate(UNLISTED | {"code": "33.2"})
