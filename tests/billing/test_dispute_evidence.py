"""Evidence of a disputed payment prepares itself, two people look at it, and it is sent once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.rules.disputes.course import UNANSWERED, DisputeState
from services.billing.rules.disputes.evidence import (
    AnswerKind,
    Known,
    broken_by_answer,
    evidence_of,
)
from shared.auth import Role
from shared.claims import Attendance
from shared.events.billing import DisputeClosed, PaymentCaptured, SuperbillIssued
from shared.events.scheduling import InfusionCompleted, PatientCheckedIn, PatientDischarged
from shared.ids import new_id
from tests.billing.bills import words_but_ids, words_of
from tests.billing.conftest import Billing
from tests.billing.records import attendance_record
from tests.billing.test_disputes import dispute_the_payment, only
from tests.billing.test_sessions import charged
from tests.support.eventually import eventually

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


async def doubted(billing: Billing, **doubts: Any) -> tuple[dict[str, Any], Attendance]:
    """A visit from its arrival to its end, paid by card, and doubted by the cardholder's bank."""
    await billing.set_fee()
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.save_card(patient)
    event = billing.complete(patient, appointment_id=appointment)
    told = billing.scheduling.attendance_of(event.infusion_id)
    of = {"patient_id": patient, "appointment_id": appointment}
    arrived_at = event.started_at - timedelta(minutes=25)
    left_at = event.stopped_at + timedelta(minutes=45)
    await billing.hear(PatientCheckedIn(**of, checked_in_at=arrived_at))
    await billing.hear(event)
    discharged = PatientDischarged(
        **of,
        infusion_id=event.infusion_id,
        location_id=event.location_id,
        discharged_at=left_at,
        no_drive_until=event.stopped_at + timedelta(hours=6),
    )
    await billing.hear(discharged)
    await billing.until_rest()
    dispute = await dispute_the_payment(billing, **doubts)
    return dispute, told


async def decide(billing: Billing, kind: str) -> None:
    """One biller asks for an answer, another one approves it."""
    dispute_id = (await only(billing))["dispute_id"]
    asked = await billing.ask("POST", f"/disputes/{dispute_id}/answer", {"kind": kind})
    assert asked.is_success, asked.text
    assert asked.json()["state"] == "pending"
    path = f"/approvals/{asked.json()['approval_id']}/approve"
    own = await billing.ask("POST", path, {})
    assert own.json()["violations"][0]["rule"] == "same_person"
    approved = await billing.ask("POST", path, {}, who="staff-2")
    assert approved.is_success, approved.text


# The rules


def known(**changes: Any) -> Known:
    fields: dict[str, Any] = {
        "stripe_dispute_id": "dp_made_up",
        "opened_at": NOON,
        "disputed_cents": 39900,
        "payment_id": new_id(),
        "paid_cents": 39900,
        "paid_at": NOON,
        "arrived_at": None,
        "left_at": None,
        "mandate": None,
        "receipt_number": None,
        "receipt_issued_at": None,
    }
    return Known(**fields | changes)


def test_what_nobody_noted_is_not_claimed():
    event = InfusionCompleted(
        patient_id=new_id(),
        infusion_id=new_id(),
        appointment_id=new_id(),
        series_id=new_id(),
        sequence_no=1,
        location_id=new_id(),
        visit_type="ketamine_mood",
        started_at=NOON,
        stopped_at=NOON + timedelta(minutes=40),
    )
    made = evidence_of(known(), attendance_record(event), NOON + timedelta(days=1))
    assert [one.what for one in made.steps] == ["Service began", "Service ended"]
    assert [one.what for one in made.agreements] == ["Signed consent to the service"]
    assert (made.service_on.isoformat(), made.prepared_on.isoformat()) == (
        "2026-11-23",
        "2026-11-24",
    )
    assert made.steps[0].at.isoformat() == "2026-11-23T12:00:00-05:00"
    assert made.receipt is None


@pytest.mark.parametrize("state", list(DisputeState))
def test_a_bank_takes_one_answer_while_it_waits_for_one(state: DisputeState):
    allowed = broken_by_answer(state, AnswerKind.EVIDENCE, is_prepared=True, is_under_way=False)
    assert (allowed == []) == (state in UNANSWERED)
    again = broken_by_answer(state, AnswerKind.EVIDENCE, is_prepared=True, is_under_way=True)
    assert again != []


# From the visit to the bank


async def test_the_evidence_prepares_itself_and_names_neither_diagnosis_nor_drug(
    billing: Billing,
):
    dispute, told = await doubted(billing)
    path = f"/disputes/{(await only(billing))['dispute_id']}/evidence"

    shown = (await billing.told("GET", path))["evidence"]

    assert shown["dispute"] == dispute["id"]
    assert [one["what"] for one in shown["steps"]] == [
        "Arrived at the clinic",
        "Service began",
        "Service ended",
        "Left the clinic",
    ]
    consent, card = shown["agreements"]
    assert (consent["reference"], consent["on"]) == (str(told.consent_id), "2026-11-20")
    [mandate] = await billing.rows("SELECT mandate_id FROM mandates")
    assert card["reference"] == str(mandate.mandate_id)
    [issued] = await billing.said(SuperbillIssued)
    assert shown["receipt"] == issued.number
    [asked] = [one for one in billing.scheduling.asked if one.path.endswith("/attendance")]
    assert (asked.service, asked.purpose) == ("billing", "card_dispute")
    pdf = await billing.ask("GET", f"{path}/pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    text = words_of(pdf.content)
    for word in ("Testa Canary", "Arrived at the clinic", str(told.consent_id), "$399.00"):
        assert word in text
    for word in ("F33", "F43", "ketamine infusion", "96365", "J3490", "drug", "1979"):
        assert word.lower() not in words_but_ids(pdf.content).lower()
    kept = await billing.rows("SELECT sealed, document FROM dispute_evidence")
    assert b"Canary" not in kept[0].sealed + kept[0].document


async def test_what_two_people_looked_at_is_what_the_bank_gets_and_it_wins(billing: Billing):
    dispute, _ = await doubted(billing)
    path = f"/disputes/{(await only(billing))['dispute_id']}/evidence/pdf"
    document = (await billing.ask("GET", path)).content

    await decide(billing, "evidence")
    await billing.until_rest()

    assert await billing.parked() == []
    [at_stripe] = billing.at_stripe("disputes")
    assert at_stripe["status"] == "under_review"
    evidence = {name: value for name, value in at_stripe["evidence"].items() if value}
    uploads = {one["id"]: one for one in billing.at_stripe("uploads")}
    assert set(evidence) == {
        "product_description",
        "service_date",
        "service_documentation",
        "receipt",
    }
    assert evidence["service_date"] == "2026-11-23"
    assert uploads[evidence["service_documentation"]]["sha256"] == (
        hashlib.sha256(document).hexdigest()
    )
    [issued] = await billing.said(SuperbillIssued)
    receipt = await billing.ask("GET", f"/superbills/{issued.superbill_id}/receipt/pdf")
    assert uploads[evidence["receipt"]]["sha256"] == hashlib.sha256(receipt.content).hexdigest()
    assert (await only(billing))["state"] == "under_review"
    late = await billing.ask(
        "POST", path.removesuffix("evidence/pdf") + "answer", {"kind": "evidence"}
    )
    assert late.json()["violations"][0]["rule"] == "dispute_answered"

    billing.world.bank_decides(dispute["id"], "won")
    await billing.until_rest()
    assert [one.outcome for one in await billing.said(DisputeClosed)] == ["won"]


async def test_a_dispute_in_which_the_patient_is_right_is_accepted_and_lost(billing: Billing):
    await doubted(billing)
    await decide(billing, "acceptance")
    await billing.until_rest()
    [at_stripe] = billing.at_stripe("disputes")
    assert (at_stripe["status"], at_stripe["evidence_details"]["submission_count"]) == ("lost", 0)
    assert billing.at_stripe("uploads") == []
    assert [one.outcome for one in await billing.said(DisputeClosed)] == ["lost"]


@pytest.mark.parametrize("kind", ["lost_answer", "status_after"])
async def test_an_answer_whose_confirmation_is_lost_reaches_the_bank_once(
    billing: Billing, kind: str
):
    await doubted(billing)
    billing.world.fault("stripe", kind, "POST /v1/disputes/*")
    await decide(billing, "evidence")
    await billing.until_rest(within_s=40)
    assert await billing.parked() == []
    [at_stripe] = billing.at_stripe("disputes")
    assert at_stripe["evidence_details"]["submission_count"] == 1
    [answer] = await billing.rows("SELECT sent_at FROM dispute_answers")
    assert answer.sent_at is not None
    assert (await only(billing))["state"] == "under_review"


async def test_nothing_is_sent_before_it_is_printed_nor_twice_at_once(billing: Billing):
    billing.scheduling.away = True
    await billing.set_fee()
    patient = new_id()
    await billing.save_card(patient)
    event = billing.complete(patient)
    await billing.hear(event)
    await eventually(lambda: billing.money_taken() == [39900])
    await eventually(lambda: billing.said(PaymentCaptured))
    [charge] = billing.at_stripe("charges")
    billing.world.bank_disputes(charge["id"])

    async def is_known() -> bool:
        return bool((await billing.told("GET", "/disputes"))["items"])

    await eventually(is_known)
    path = f"/disputes/{(await only(billing))['dispute_id']}"
    early = await billing.ask("POST", f"{path}/answer", {"kind": "evidence"})
    assert early.json()["violations"][0]["rule"] == "evidence_not_prepared"
    assert (await billing.ask("GET", f"{path}/evidence")).status_code == 404

    billing.scheduling.away = False
    again = await billing.ask("POST", f"{path}/evidence", {})
    assert again.is_success, again.text
    billing.step(timedelta(minutes=10))
    await billing.until_rest(within_s=40)
    assert (await billing.told("GET", f"{path}/evidence"))["is_printed"]
    assert {str(one) for one in await _patients_audited(billing)} >= {str(patient)}


async def _patients_audited(billing: Billing) -> set[UUID]:
    rows = await billing.rows(
        "SELECT patient_id FROM audit_log WHERE entity = 'GET /disputes/{dispute_id}/evidence'"
    )
    return {row.patient_id for row in rows}


async def test_a_front_desk_neither_sees_evidence_nor_answers(billing: Billing):
    for method, path in (
        ("GET", f"/disputes/{new_id()}/evidence"),
        ("GET", f"/disputes/{new_id()}/evidence/pdf"),
        ("POST", f"/disputes/{new_id()}/evidence"),
        ("POST", f"/disputes/{new_id()}/answer"),
    ):
        answer = await billing.ask(method, path, {"kind": "evidence"}, role=Role.FRONT_DESK)
        assert answer.status_code == 403


async def test_the_evidence_of_a_session_has_its_own_times_and_claims_no_consent(
    billing: Billing,
):
    await charged(billing)
    await dispute_the_payment(billing)
    path = f"/disputes/{(await only(billing))['dispute_id']}/evidence"

    shown = (await billing.told("GET", path))["evidence"]

    assert [(one["what"], one["at"]) for one in shown["steps"]] == [
        ("Service began", "2026-11-23T08:10:00-05:00"),
        ("Service ended", "2026-11-23T09:00:00-05:00"),
    ]
    assert shown["disputed_cents"] == 40000
    [card] = shown["agreements"]
    assert card["what"].startswith("Agreement to charge this card later")
    assert shown["card_agreement"]["text"].startswith("I allow the clinic")
    printed = words_but_ids((await billing.ask("GET", f"{path}/pdf")).content)
    for word in ("F33", "F43", "spray", "99205"):
        assert word.lower() not in printed.lower()
    [asked] = [one for one in billing.scheduling.asked if one.purpose == "card_dispute"]
    assert asked.path.startswith("/internal/consults/")
    assert asked.path.endswith("/attendance")
