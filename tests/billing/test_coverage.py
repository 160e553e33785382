"""Who else may have to pay is asked, kept, and decides whether a patient is charged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.rules.charges.coverage import STAMPS, CoverageKind
from services.billing.rules.clinic import clinic_day
from shared.auth import Role
from shared.claims import ClinicianCard
from shared.events.billing import ChargeHeld
from shared.ids import new_id
from tests.billing.bills import words_of
from tests.billing.conftest import Billing
from tests.billing.plans import book_series
from tests.billing.records import infusion_record
from tests.billing.test_sessions import CONSULT_CENTS, consult, set_consult_fee

CLINICIAN = infusion_record().rendering


async def patient_with_card(billing: Billing) -> UUID:
    await billing.set_fee()
    patient_id = new_id()
    await billing.save_card(patient_id)
    return patient_id


async def answer(
    billing: Billing, patient_id: UUID, *kinds: str, in_days: int = 0, plan: Any = None
) -> Any:
    day = clinic_day(billing.clock.now()) + timedelta(days=in_days)
    answers = {"kinds": kinds, "intends_to_submit_claim": False, "effective_from": str(day)}
    answers["plan"] = plan
    return await billing.told("POST", f"/patients/{patient_id}/coverage", answers)


async def opt_out(billing: Billing, clinician: ClinicianCard = CLINICIAN) -> None:
    path = f"/clinicians/{clinician.clinician_id}/medicare-standings"
    standing = {"status": "opted_out", "from_on": "2026-01-01", "until_on": "2027-12-31"}
    await billing.told("POST", path, standing | {"source": "affidavit on file"})


async def sign(billing: Billing, patient_id: UUID, in_days: int = 0, **changes: Any) -> Any:
    day = clinic_day(billing.clock.now()) + timedelta(days=in_days)
    paper = {
        "document_id": str(new_id()),
        "kind": "private_contract",
        "clinician_id": str(CLINICIAN.clinician_id),
        "signed_on": str(day),
    }
    path = f"/patients/{patient_id}/coverage-papers"
    return await billing.ask("POST", path, paper | changes)


async def infuse(billing: Billing, patient_id: UUID) -> UUID:
    event = billing.complete(patient_id, rendering=CLINICIAN)
    await billing.hear(event)
    await billing.until_rest()
    return event.infusion_id


async def waits_for(billing: Billing) -> list[list[str]]:
    items = (await billing.told("GET", "/held-charges"))["items"]
    return [[one["rule"] for one in item["waits_for"]] for item in items]


@pytest.mark.parametrize("kind", ["self_pay", "commercial"])
async def test_a_patient_without_a_federal_program_is_charged(billing: Billing, kind: str):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, kind)
    await infuse(billing, patient_id)
    assert billing.money_taken() == [39900]


async def test_a_beneficiary_with_a_contract_is_charged_and_nobody_is_troubled(billing: Billing):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, "medicare")
    await opt_out(billing)
    assert (await sign(billing, patient_id)).is_success
    infusion_id = await infuse(billing, patient_id)

    assert billing.money_taken() == [39900]
    assert await billing.said(ChargeHeld) == []
    asked = [one.purpose for one in billing.scheduling.asked if str(infusion_id) in one.path]
    assert asked[0] == "coverage"


async def test_a_beneficiary_without_a_contract_is_charged_once_it_is_on_record(
    billing: Billing,
):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, "medicare")
    infusion_id = await infuse(billing, patient_id)
    assert await waits_for(billing) == [["medicare_standing_missing"]]
    assert [list(one.reasons) for one in await billing.said(ChargeHeld)] == [["coverage"]]

    await opt_out(billing)
    await billing.until_rest()
    assert await waits_for(billing) == [["private_contract_missing"]]
    path = f"/held-charges/{infusion_id}/decision"
    await billing.told("POST", path, {"decision": "approve", "because": "asked for at the desk"})
    await billing.until_rest()
    assert await waits_for(billing) == [["private_contract_missing"]], "no person stands for it"
    assert billing.money_taken() == []

    assert (await sign(billing, patient_id)).is_success
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    assert await waits_for(billing) == []
    assert len(await billing.said(ChargeHeld)) == 1


async def test_while_scheduling_is_away_the_charge_waits_and_is_listed(billing: Billing):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, "medicare")
    await opt_out(billing)
    await sign(billing, patient_id)
    billing.scheduling.away = True
    await billing.hear(billing.complete(patient_id, rendering=CLINICIAN))
    assert await waits_for(billing) == [["clinician_asked_for"]]
    billing.scheduling.away = False
    await billing.until_rest()
    assert billing.money_taken() == [39900]


async def test_a_medicaid_member_is_charged_when_a_person_says_so(billing: Billing):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, "medicaid")
    infusion_id = await infuse(billing, patient_id)
    assert await waits_for(billing) == [["medicaid_member"]]
    assert billing.money_taken() == []

    path = f"/held-charges/{infusion_id}/decision"
    await billing.told("POST", path, {"decision": "approve", "because": "the clinic takes none"})
    await billing.until_rest()
    assert billing.money_taken() == [39900]


async def test_an_answer_that_turns_out_wrong_is_put_right_and_the_charge_goes_out(
    billing: Billing,
):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, "medicaid")
    await infuse(billing, patient_id)
    await answer(billing, patient_id, "commercial")
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    shown = await billing.told("GET", f"/patients/{patient_id}/coverage")
    assert shown["answered"]["kinds"] == ["commercial"]
    assert len(await billing.rows("SELECT coverage_id FROM patient_coverages")) == 2


async def test_an_answer_counts_from_its_day_on(billing: Billing):
    patient_id = await patient_with_card(billing)
    await answer(billing, patient_id, "self_pay")
    await answer(billing, patient_id, "medicaid", in_days=1)
    await infuse(billing, patient_id)
    assert await waits_for(billing) == []
    billing.step(timedelta(days=1))
    await infuse(billing, patient_id)
    assert await waits_for(billing) == [["medicaid_member"]]


async def test_answers_are_kept_where_only_a_holder_of_the_keys_reads_them(billing: Billing):
    patient_id = new_id()
    recorded = await answer(billing, patient_id, "medicare", "medicaid")
    assert recorded["recorded_by"] == "staff-1"
    [row] = await billing.rows("SELECT * FROM patient_coverages")
    assert b"medicare" not in bytes(row.sealed)
    shown = await billing.told("GET", f"/patients/{patient_id}/coverage")
    assert shown["answered"]["kinds"] == ["medicaid", "medicare"]
    assert shown["stamps"] == [STAMPS[CoverageKind.MEDICARE], STAMPS[CoverageKind.MEDICAID]]


async def test_a_superbill_says_on_its_face_which_program_takes_no_claim_for_it(
    billing: Billing,
):
    patient_id = await patient_with_card(billing)
    plan = {"payer": "Made Up Health", "member_id": "MUH-0000001", "group_number": "G-01"}
    await answer(billing, patient_id, "medicare", "commercial", plan=plan)
    await opt_out(billing)
    await sign(billing, patient_id)
    await infuse(billing, patient_id)
    [listed] = (await billing.told("GET", f"/patients/{patient_id}/superbills"))["items"]
    path = f"/superbills/{listed['superbill_id']}"
    bill = (await billing.told("GET", path))["superbill"]
    assert bill["stamps"] == [STAMPS[CoverageKind.MEDICARE]]
    assert bill["patient"]["insurance"] == plan
    words = words_of((await billing.ask("GET", f"{path}/pdf")).content)
    for printed in (STAMPS[CoverageKind.MEDICARE], "Member ID MUH-0000001", "Group G-01"):
        assert printed in words


async def test_a_document_is_filed_once(billing: Billing):
    patient_id, document_id = new_id(), str(new_id())
    first = await sign(billing, patient_id, document_id=document_id)
    assert first.is_success
    again = await sign(billing, new_id(), document_id=document_id)
    assert again.json()["violations"][0]["rule"] == "document_filed_already"


async def test_whom_nobody_asked_is_on_a_list_until_somebody_does(billing: Billing):
    await billing.set_fee()
    patient_id, other = new_id(), new_id()
    await book_series(billing, patient_id, 2, planned=2)
    await billing.hear(billing.complete(other))
    listed = (await billing.told("GET", "/coverage/unasked"))["items"]
    assert {one["patient_id"] for one in listed} == {str(patient_id), str(other)}
    await answer(billing, patient_id, "self_pay")
    listed = (await billing.told("GET", "/coverage/unasked"))["items"]
    assert [one["patient_id"] for one in listed] == [str(other)]


async def test_a_nurse_records_no_coverage_and_the_desk_no_standing(billing: Billing):
    patient_id = new_id()
    for path, role in (
        (f"/patients/{patient_id}/coverage", Role.NURSE),
        (f"/clinicians/{new_id()}/medicare-standings", Role.FRONT_DESK),
    ):
        assert (await billing.ask("POST", path, {}, role=role)).status_code == 403


async def test_a_session_stands_at_the_same_gates(billing: Billing):
    await set_consult_fee(billing)
    patient_id = new_id()
    await billing.save_card(patient_id)
    await answer(billing, patient_id, "medicare")
    session = consult(billing, patient_id)
    await billing.hear(session)
    await billing.until_rest()
    assert await waits_for(billing) == [["medicare_standing_missing"]]
    [told] = await billing.said(ChargeHeld)
    assert (told.infusion_id, told.service.value) == (session.appointment_id, "session")

    await answer(billing, patient_id, "commercial")
    await billing.until_rest()
    assert billing.money_taken() == [CONSULT_CENTS]
