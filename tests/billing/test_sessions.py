"""Sessions that a clinician led are charged and billed as infusions are, by a code of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.rules.superbills.sessions import Documented, broken_by_documenting
from shared.auth import Role
from shared.claims import Attendance, ConsultRecord
from shared.events.billing import (
    ChargePosted,
    InfusionNotCharged,
    PaymentCaptured,
    ServiceKind,
    SuperbillCorrected,
    SuperbillIssued,
)
from shared.events.scheduling import ConsultCompleted, VisitType
from shared.ids import new_id
from tests.billing.bills import code_book, words_of
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT, infusion_record
from tests.billing.test_ledger import trial_balance

CONSULT_CENTS = 40000  # clinic FAQ: the nasal-spray consultation is $400


def consult(billing: Billing, patient_id: UUID, minutes: int = 50) -> ConsultCompleted:
    """A session that ends now, which scheduling can be asked about."""
    ended_at = billing.clock.now()
    event = ConsultCompleted(
        patient_id=patient_id,
        appointment_id=new_id(),
        visit_type=VisitType.SPRAY_CONSULT,
        location_id=new_id(),
        clinician_id=new_id(),
        started_at=ended_at - timedelta(minutes=minutes),
        ended_at=ended_at,
    )
    other = infusion_record(patient_id=patient_id, stopped_at=ended_at)
    billing.scheduling.has_consult(
        ConsultRecord(
            appointment_id=event.appointment_id,
            patient=other.patient,
            rendering=other.rendering,
            location=other.location,
            visit_type=event.visit_type,
            diagnoses=other.diagnoses,
            started_at=event.started_at,
            ended_at=event.ended_at,
        )
    )
    billing.scheduling.has_session_attendance(
        Attendance(
            infusion_id=event.appointment_id,
            patient_id=patient_id,
            first_name=other.patient.first_name,
            last_name=other.patient.last_name,
            location=other.location,
            started_at=event.started_at,
            stopped_at=event.ended_at,
        )
    )
    return event


async def set_consult_fee(billing: Billing, amount_cents: int = CONSULT_CENTS) -> None:
    fee = {"visit_type": "spray_consult", "amount_cents": amount_cents}
    await billing.told("POST", "/fees", fee | {"effective_from": "2026-01-01"})


async def charged(billing: Billing) -> dict[str, Any]:
    """A session that the card on file has paid, and its charge."""
    patient = new_id()
    await set_consult_fee(billing)
    await billing.save_card(patient)
    await billing.hear(consult(billing, patient))
    await billing.until_rest()
    return await billing.only_charge(patient) | {"patient_id": patient}


async def record_code(billing: Billing, charge: dict[str, Any], **code: Any) -> Any:
    path = f"/charges/{charge['charge_id']}/session-code"
    return await billing.ask("POST", path, {"code": "99204"} | code)


async def test_a_session_is_charged_once_at_its_own_fee_and_earns_as_a_consult(billing: Billing):
    patient = new_id()
    await set_consult_fee(billing)
    await billing.save_card(patient)
    event = consult(billing, patient)
    await billing.hear(event, event)
    await billing.hear(event)
    await billing.until_rest()

    charge = await billing.only_charge(patient)
    assert (charge["state"], charge["amount_cents"]) == ("paid", CONSULT_CENTS)
    assert (charge["service"], charge["infusion_id"]) == ("session", str(event.appointment_id))
    assert billing.money_taken() == [CONSULT_CENTS]
    assert (await trial_balance(billing))["revenue_consult"] == CONSULT_CENTS
    for kind in (ChargePosted, PaymentCaptured):
        [said] = await billing.said(kind)
        assert (said.service, said.infusion_id) == (ServiceKind.SESSION, event.appointment_id)


async def test_a_session_without_a_fee_waits_and_is_charged_when_one_covers_its_day(
    billing: Billing,
):
    patient = new_id()
    await billing.hear(consult(billing, patient))
    [waits] = (await billing.told("GET", "/uncharged-infusions"))["items"]
    assert (waits["service"], waits["visit_type"]) == ("session", "spray_consult")
    [said] = await billing.said(InfusionNotCharged)
    assert said.service is ServiceKind.SESSION

    await set_consult_fee(billing)
    await billing.until_rest()
    assert (await billing.only_charge(patient))["amount_cents"] == CONSULT_CENTS
    assert (await billing.told("GET", "/uncharged-infusions"))["items"] == []


@pytest.mark.parametrize("fee_comes_first", [True, False])
async def test_a_session_that_costs_nothing_is_neither_charged_nor_listed(
    billing: Billing,
    fee_comes_first: bool,  # noqa: FBT001  # both ways round
):
    patient = new_id()
    if fee_comes_first:
        await set_consult_fee(billing, 0)
    await billing.hear(consult(billing, patient))
    if not fee_comes_first:
        await set_consult_fee(billing, 0)
    await billing.until_rest()
    assert await billing.charges(patient) == []
    assert (await billing.told("GET", "/uncharged-infusions"))["items"] == []


async def test_its_superbill_waits_for_the_code_that_the_clinician_documented(billing: Billing):
    charge = await charged(billing)
    [held] = (await billing.told("GET", "/superbills/held"))["items"]
    assert [one["rule"] for one in held["blocked_by"]] == ["session_code_missing"]

    assert (await record_code(billing, charge)).is_success
    await billing.until_rest()

    [issued] = await billing.said(SuperbillIssued)
    assert (issued.service, issued.total_cents) == (ServiceKind.SESSION, CONSULT_CENTS)
    assert (await billing.told("GET", "/superbills/held"))["items"] == []
    path = f"/superbills/{issued.superbill_id}"
    bill = (await billing.told("GET", path))["superbill"]
    [line] = bill["lines"]
    assert (line["code"], line["units"], line["charge_cents"]) == ("99204", 1, CONSULT_CENTS)
    words = words_of((await billing.ask("GET", f"{path}/pdf")).content)
    assert "Office visit, new patient, moderate complexity" in words
    assert "session from" in words
    assert "drip" not in words
    exported = (await billing.told("GET", f"{path}/fhir"))["entry"]
    [claim] = [one["resource"] for one in exported if one["resource"]["resourceType"] == "Claim"]
    assert claim["item"][0]["productOrService"]["coding"][0]["code"] == "99204"


async def test_another_code_has_a_corrected_version_made(billing: Billing):
    charge = await charged(billing)
    await record_code(billing, charge)
    await billing.until_rest()

    video = {"code": "99205", "modifiers": ["95"], "place_of_service": "10"}
    assert (await record_code(billing, charge, **video)).is_success
    await billing.until_rest()

    [corrected] = await billing.said(SuperbillCorrected)
    assert (corrected.service, corrected.document_version) == (ServiceKind.SESSION, 2)
    bill = (await billing.told("GET", f"/superbills/{corrected.superbill_id}"))["superbill"]
    [line] = bill["lines"]
    assert (line["code"], line["modifiers"], line["place_of_service"]) == ("99205", ["95"], "10")


async def test_a_code_that_was_recorded_before_the_payment_is_on_the_superbill(billing: Billing):
    patient = new_id()
    await set_consult_fee(billing)
    await billing.hear(consult(billing, patient))
    charge = await billing.only_charge(patient)
    await record_code(billing, charge, code="90792")
    cash = {"tender": "cash", "reference": "till 4", "amount_cents": CONSULT_CENTS}
    path = f"/charges/{charge['charge_id']}/outside-payments"
    assert (await billing.ask("POST", path, cash)).is_success
    await billing.until_rest()

    [issued] = await billing.said(SuperbillIssued)
    bill = (await billing.told("GET", f"/superbills/{issued.superbill_id}"))["superbill"]
    assert [line["code"] for line in bill["lines"]] == ["90792"]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"code": "96365"}, "no_session_code"),
        ({"code": "J3490"}, "no_session_code"),
        ({"code": "99999"}, "code_unknown"),
        ({"place_of_service": "02"}, "telehealth_modifier"),
        ({"modifiers": ["95"]}, "telehealth_modifier"),
        ({"place_of_service": "99"}, "place_of_service"),
        ({"modifiers": ["--"]}, "modifier_shape"),
    ],
)
def test_a_code_that_no_payer_takes_for_a_session_is_refused(wrong: dict[str, Any], rule: str):
    known = {"code": "99204", "modifiers": [], "place_of_service": "11"} | wrong
    documented = Documented(known["code"], tuple(known["modifiers"]), known["place_of_service"])
    found = broken_by_documenting(documented, code_book(STOPPED_AT.date()))
    assert rule in [one.rule for one in found]


def test_a_code_that_payers_take_is_not_refused():
    for place, modifiers in (("11", ()), ("10", ("95",))):
        documented = Documented("99214", modifiers, place)
        assert broken_by_documenting(documented, code_book(STOPPED_AT.date())) == []


async def test_who_may_not_code_and_what_has_no_code_is_told_so(billing: Billing):
    charge = await charged(billing)
    path = f"/charges/{charge['charge_id']}/session-code"
    refused = await billing.ask("POST", path, {"code": "99204"}, role=Role.FRONT_DESK)
    assert refused.status_code == 403
    missing = await billing.ask("POST", f"/charges/{new_id()}/session-code", {"code": "99204"})
    assert missing.status_code == 404

    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    infusion = await billing.only_charge(patient)
    answer = await record_code(billing, infusion)
    assert answer.json()["violations"][0]["rule"] == "not_a_session"
