"""A draft is held with what is wrong, corrected and taken up again, on a real database."""

from __future__ import annotations

import pytest

from services.pharmacy.handlers import drafting, listing, signing
from services.pharmacy.handlers.listing import PrescriptionShown, PrescriptionWhole
from services.pharmacy.work import (
    AskOrders,
    OpenSession,
    RedeemSeries,
    SendOrder,
    SessionRefused,
)
from shared.errors import Poison
from shared.events.scheduling import PatientUpdated
from shared.http.problems import Refused
from tests.pharmacy.practice import Case
from tests.pharmacy.room import Room, signed
from tests.pharmacy.test_rules import NOW, WALK, order


async def test_a_series_of_another_patient_is_never_written_out(room: Room):
    with pytest.raises(Poison, match="claim_of_others"):
        await room.draft(patient_id=Case().patient_id)
    with pytest.raises(Poison, match="claim_of_others"):
        await room.draft(clinician_id=Case().prescriber_id)


async def test_a_field_over_the_partners_limit_is_held_and_nothing_is_shown(room: Room):
    await room.rows("UPDATE partner_pharmacies SET limits = limits || '{\"patient.last_name\": 5}'")
    case = await room.draft()
    await room.rows(
        "UPDATE partner_pharmacies SET limits = limits || '{\"patient.last_name\": 30}'"
    )

    row = await room.one(case)
    assert (row.state, row.reason) == ("needs_correction", "too_long")
    assert await room.said(case) == ["Held"]
    assert await room.waiting(case) == set()


async def test_a_prescriber_without_a_dea_number_is_corrected_and_taken_up_again(room: Room):
    case = await room.draft(of_prescriber={"dea_number": None})
    assert (await room.one(case)).reason == "dea_number_missing"

    for _ in range(2):  # asked for twice, it is taken up once
        async with room.unit.transaction() as tx:
            shown = await drafting.take_up_again(case.prescription_id, tx)
        assert isinstance(shown, PrescriptionShown)
        assert (shown.state, shown.reason) == ("drafting", None)
    assert await room.waiting(case) == {"RedeemSeries"}
    await room.redeem(case, redemption=2, of_prescriber={"dea_number": None})
    assert (await room.one(case)).state == "drafting", "an answer to the first asking is outdated"

    await room.redeem(case, redemption=3)
    assert (await room.one(case)).state == "drafted"
    await room.sign(case)
    assert (await room.one(case)).state == "signed"
    assert await room.said(case) == ["Held", "Drafted", "Signed"]


async def test_what_is_still_wrong_after_a_retry_is_held_again_with_what_is_wrong_now(room: Room):
    case = await room.draft(of_prescriber={"dea_number": None})
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2, of_prescriber={"dea_number": "AB1234564"})

    assert (await room.one(case)).reason == "dea_number_wrong"
    assert await room.said(case) == ["Held", "Held"]
    async with room.unit.transaction() as tx:
        shown = await listing.read_prescription(case.prescription_id, tx)
    assert isinstance(shown, PrescriptionWhole)
    [wrong] = shown.violations
    assert (wrong.field, wrong.rule) == ("prescriber.dea_number", "dea_number_wrong")
    assert "two letters and seven digits" in wrong.detail


async def test_a_patient_who_is_corrected_is_taken_up_again_without_being_asked_for(room: Room):
    case = await room.draft(of_prescriber={"npi": "1234567890"})
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    assert await room.waiting(case) == {"RedeemSeries"}
    await room.redeem(case, redemption=2)
    assert await room.said(case) == ["Held", "Drafted"]


async def test_a_prescriber_corrected_while_the_prescription_waits_signs_the_corrected_one(
    room: Room,
):
    case = await room.draft()
    old = await room.showing(case)
    async with room.unit.transaction() as tx:
        shown = await drafting.take_up_again(case.prescription_id, tx)
    assert isinstance(shown, PrescriptionShown)
    assert shown.state == "drafted"
    await room.redeem(case, redemption=2, of_prescriber={"name": "Dana Corrected"})
    assert (await room.showing(case)).signing_id != old.signing_id
    assert await room.said(case) == ["Drafted"]


async def test_a_draft_held_after_it_was_shown_is_drafted_once_and_signed_anew(room: Room):
    case = await room.draft()
    old = await room.showing(case)
    await room.redeem(case, of_prescriber={"dea_number": None})
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2)

    await room.see(old.signing_id, signed(old))
    assert (await room.one(case)).state == "drafted", "what is superseded does not count"
    await room.sign(case)
    assert await room.said(case) == ["Drafted", "Held", "Signed"]


async def test_an_answer_that_comes_home_after_the_hold_waits_for_the_correction(room: Room):
    case = await room.draft()
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    showing = await room.showing(case)
    async with room.unit.transaction() as tx:
        await signing.record_session_refusal(
            SessionRefused(
                signing_id=showing.signing_id, code="signing_refused_422", violations=()
            ),
            tx,
        )
    await room.redeem(case, redemption=2)

    assert (await room.one(case)).state == "needs_correction"
    assert await room.waiting(case) == set()
    assert await room.said(case) == ["Drafted", "Held"]


async def test_what_the_law_forbids_is_refused_and_cannot_be_taken_up_again(room: Room):
    await room.rows("ALTER TABLE formulary DROP CONSTRAINT ck_formulary_refills")
    await room.rows("UPDATE formulary SET refills = 6")
    case = await room.draft()
    await room.rows("UPDATE formulary SET refills = 0")

    assert (await room.one(case)).reason == "too_many_refills"
    async with room.unit.transaction() as tx:
        refused = await drafting.take_up_again(case.prescription_id, tx)
    assert isinstance(refused, Refused)
    assert refused.violations[0].rule == "content_is_closed"
    assert await room.said(case) == ["Refused"]


@pytest.mark.parametrize("state", ["signed", "sent", "delivered"])
async def test_what_is_signed_is_never_taken_up_again(room: Room, state: str):
    case = await room.draft()
    await room.sign(case)
    if state != "signed":
        steps = WALK if state == "delivered" else WALK[:1]
        await room.find(case, order(*steps, order_id=str(case.prescription_id)))
    async with room.unit.transaction() as tx:
        refused = await drafting.take_up_again(case.prescription_id, tx)
    assert isinstance(refused, Refused)
    assert state in refused.violations[0].detail


async def test_a_series_given_up_at_scheduling_is_held_until_it_is_corrected(room: Room):
    case = await room.begin()
    work = RedeemSeries(
        prescription_id=case.prescription_id, series_id=case.series_id, redemption=1
    )
    await room.discard(work)
    row = await room.one(case)
    assert (row.state, row.reason) == ("needs_correction", "series_not_redeemed")
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2)
    assert (await room.one(case)).state == "drafted"


async def test_a_session_given_up_by_hand_is_held_and_shown_anew_after_a_retry(room: Room):
    case = await room.draft()
    showing = await room.showing(case)
    await room.discard(OpenSession(signing_id=showing.signing_id))
    assert (await room.one(case)).reason == "session_given_up"
    await room.see(showing.signing_id, signed(showing))
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2)
    assert (await room.showing(case)).signing_id != showing.signing_id
    assert await room.said(case) == ["Drafted", "Held"]


async def test_a_sending_given_up_by_hand_is_over_and_tells_the_liaison_what_to_ask(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.discard(SendOrder(prescription_id=case.prescription_id))
    row = await room.one(case)
    assert (row.state, row.reason) == ("refused", "order_given_up")
    assert await room.said(case) == ["Drafted", "Signed", "Refused"]


async def test_a_question_given_up_by_hand_does_not_end_the_following(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.find(case, order("received", order_id=str(case.prescription_id)))
    await room.done(case)
    await room.discard(AskOrders(prescription_id=case.prescription_id))
    assert await room.waiting(case) == {"AskOrders"}
