"""How a drug is coded is the clinic's to say from a day on, and so is what is blocked and where."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.superbills.codebook import CodeBook
from services.billing.store.codes import code_book
from shared.auth import Role
from shared.claims import DrugGiven
from shared.events.billing import SuperbillIssued
from shared.ids import new_id
from tests.billing import bills
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT

RENAMED = {
    "drug_name": "Ketamine hydrochloride",
    "effective_from": "2026-11-01",
    "push_code": "96374",
    "first_hour_code": "96365",
    "further_hour_code": "96366",
    "drug_code": "J3490",
    "compounded_code": "J7999",
    "words": "HCPCS has no code for ketamine; the drug is in the fee of the visit.",
    "place_of_service": "11",
    "source": "the clinic's coder",
}
GIVEN = DrugGiven(name="Ketamine Hydrochloride", route="intravenous", dose_ug=35_000)


async def paid_infusion(billing: Billing, **changes: Any) -> None:
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, **changes))
    await billing.until_rest()


async def held(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/superbills/held"))["items"])


async def issued(billing: Billing) -> dict[str, Any]:
    [told] = await billing.said(SuperbillIssued)
    shown: dict[str, Any] = await billing.told("GET", f"/superbills/{told.superbill_id}")
    return dict(shown["superbill"])


async def refused(billing: Billing, path: str, wish: dict[str, Any]) -> list[tuple[str, str]]:
    answer = await billing.ask("POST", path, wish)
    assert answer.status_code == 409, answer.text
    return [(one["rule"], one["field"]) for one in answer.json()["violations"]]


async def book_of(billing: Billing, day: str = "2026-11-23") -> CodeBook:
    async with billing.service.runtime.work.transaction() as tx:
        return await code_book(tx, STOPPED_AT.date().fromisoformat(day), ())


async def test_a_drug_that_the_clinic_renames_is_coded_once_a_biller_records_its_name(
    billing: Billing,
):
    await paid_infusion(billing, drug_name="Ketamine Hydrochloride", drug=GIVEN)
    [waiting] = await held(billing)
    [broken] = waiting["blocked_by"]
    assert broken["rule"] == "service_not_coded"
    assert "POST /drug-codes" in broken["detail"]

    await billing.told("POST", "/drug-codes", RENAMED)
    await billing.told("POST", f"/charges/{waiting['charge_id']}/superbill", {})
    await billing.until_rest()

    assert await held(billing) == []
    bill = await issued(billing)
    assert [line["code"] for line in bill["lines"]] == ["96365", "J3490"]
    assert bill["lines"][-1]["drug"]["name"] == "Ketamine Hydrochloride"


async def test_what_the_clinic_has_compounded_has_that_code_on_the_superbill(billing: Billing):
    compounded = RENAMED | {"drug_name": "Ketamine, racemic", "is_compounded": True}
    await billing.told("POST", "/drug-codes", compounded)
    await paid_infusion(billing)
    assert [line["code"] for line in (await issued(billing))["lines"]] == ["96365", "J7999"]


async def test_a_drug_is_coded_by_the_day_of_its_infusion(billing: Billing):
    later = RENAMED | {"drug_name": "Ketamine, racemic", "effective_from": "2026-11-24"}
    await billing.told("POST", "/drug-codes", later | {"drug_code": "J7999"})
    before, after = await book_of(billing), await book_of(billing, "2026-11-24")
    assert before.drugs == bills.code_book(STOPPED_AT.date()).drugs
    assert after.drugs["ketamine, racemic"].drug == "J7999"


async def test_codes_that_mean_something_else_are_refused(billing: Billing):
    wrong = {"push_code": "J3490", "drug_code": "J2001", "compounded_code": "G2082"}
    found = await refused(billing, "/drug-codes", RENAMED | wrong | {"place_of_service": "99"})
    assert found == [
        ("code_not_billable", "drug_code"),
        ("code_blocked", "compounded_code"),
        ("no_infusion_code", "push_code"),
        ("dose_in_unit", "drug_code"),
        ("dose_in_unit", "compounded_code"),
        ("place_of_service", "place_of_service"),
    ]
    assert (await billing.ask("POST", "/drug-codes", RENAMED)).status_code == 201
    assert await refused(billing, "/drug-codes", RENAMED) == [("code_recorded", "effective_from")]
    by_the_desk = await billing.ask("POST", "/drug-codes", RENAMED, role=Role.FRONT_DESK)
    assert by_the_desk.status_code == 403


async def test_a_type_gives_a_drug_that_is_coded(billing: Billing):
    wish = {"visit_type": "ketamine_long", "effective_from": "2026-11-01"}
    wish |= {"source": "the clinic's catalogue", "drug_name": "Ketamine hydrochloride"}
    assert await refused(billing, "/visit-type-drugs", wish) == [("drug_not_coded", "drug_name")]
    await billing.told("POST", "/drug-codes", RENAMED)
    await billing.told("POST", "/visit-type-drugs", wish)
    book = await book_of(billing)
    assert book.of_infusion("ketamine_long", None) == book.drugs["ketamine hydrochloride"]
    assert book.of_infusion("ketamine_long", "Lidocaine") is None
    page = await billing.told("GET", "/visit-type-drugs?on=2026-11-23&limit=200")
    assert {one["visit_type"] for one in page["items"]} >= {"ketamine_long", "ketamine_pain"}


async def test_a_code_is_blocked_and_a_place_offered_from_a_day_on(billing: Billing):
    row = {"code": "J3490", "effective_from": "2026-11-23", "is_blocked": True}
    row |= {"words": "made up", "source": "made up"}
    await billing.told("POST", "/blocked-codes", row)
    assert "J3490" not in (await book_of(billing, "2026-11-22")).blocked
    assert "J3490" in (await book_of(billing)).blocked
    await paid_infusion(billing)
    [waiting] = await held(billing)
    assert [one["rule"] for one in waiting["blocked_by"]] == ["code_blocked"]

    later = row | {"effective_from": "2026-11-24", "is_blocked": False}
    await billing.told("POST", "/blocked-codes", later)
    assert "J3490" not in (await book_of(billing, "2026-11-24")).blocked
    place = {"code": "12", "effective_from": "2026-11-24", "is_offered": False}
    place |= {"is_telehealth": False, "words": "Home", "source": "the clinic stops home visits"}
    await billing.told("POST", "/places-of-service", place)
    assert "12" in (await book_of(billing)).places
    assert "12" not in (await book_of(billing, "2026-11-24")).places
    shown = await billing.told("GET", "/places-of-service?on=2026-11-24")
    assert {one["code"]: one["is_offered"] for one in shown["items"]}["12"] is False


@pytest.mark.parametrize(
    "table", ["drug_codes", "visit_type_drugs", "blocked_codes", "places_of_service"]
)
async def test_what_was_in_force_is_never_changed(billing: Billing, table: str):
    with pytest.raises(DBAPIError, match="append-only"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(text(f"UPDATE {table} SET source = 'made up'"))
