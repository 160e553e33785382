"""What comes home about a signature, whatever came before it, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.pharmacy.handlers import drafting
from shared.events.scheduling import PatientUpdated
from tests.pharmacy.room import Room, signed
from tests.pharmacy.test_rules import NOW
from tests.support import people


async def test_a_series_stopped_after_it_was_completed_is_not_signed_for(room: Room):
    case = await room.draft()
    showing = await room.showing(case)
    await room.stop(case)
    await room.see(showing.signing_id, signed(showing))
    await room.redeem(case)

    row = await room.one(case)
    assert (row.state, row.reason) == ("refused", "series_stopped")
    assert await room.said(case) == ["Drafted", "Refused"]
    assert await room.waiting(case) == set()


async def test_a_stop_that_is_heard_after_the_signature_changes_nothing_that_was_signed(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.stop(case)
    assert (await room.one(case)).state == "signed"
    assert await room.waiting(case) == {"SendOrder"}


async def test_an_answer_that_comes_home_after_a_newer_one_is_not_written(room: Room):
    case = await room.draft()
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    moved = people.HOME | {"line1": "9 New Canary Row"}
    await room.redeem(case, redemption=2, of_patient={"address": moved})
    newest = await room.showing(case)
    await room.redeem(case, redemption=1)
    assert (await room.showing(case)).signing_id == newest.signing_id

    await room.redeem(case, redemption=2)
    assert (await room.showing(case)).signing_id != newest.signing_id, "this test sees a change"


async def test_a_new_address_that_comes_home_after_the_signature_changes_nothing(room: Room):
    case = await room.draft()
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    await room.sign(case)
    signed_content = (await room.one(case)).content

    moved = people.HOME | {"line1": "9 New Canary Row"}
    await room.redeem(case, redemption=2, of_patient={"address": moved})

    row = await room.one(case)
    assert (row.state, row.content) == ("signed", signed_content)


async def test_a_held_prescription_is_not_revived_by_the_signature_of_an_open_session(
    room: Room,
):
    case = await room.draft()
    showing = await room.showing(case)
    await room.redeem(case, of_prescriber={"dea_number": None})
    assert (await room.one(case)).reason == "dea_number_missing"

    await room.see(showing.signing_id, signed(showing))

    assert (await room.one(case)).state == "needs_correction"
    assert await room.said(case) == ["Drafted", "Held"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"sha256": "0" * 64}, "signature_hash_mismatch"),
        ({"signer_dea_number": "XY1234563"}, "signer_not_prescriber"),
        ({"factors": ("knowledge",)}, "one_factor_only"),
    ],
)
async def test_a_signature_that_is_not_ours_goes_back_to_a_person_and_is_never_sent(
    room: Room, wrong: dict[str, Any], reason: str
):
    case = await room.draft()
    await room.sign(case, **wrong)

    row = await room.one(case)
    assert (row.state, row.reason, row.signed_at) == ("refused", reason, None)
    assert await room.said(case) == ["Drafted", "Refused"]
    assert await room.waiting(case) == set()


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_signature_of_another_day_is_asked_for_again(room: Room, days: int):
    case = await room.draft()
    before = await room.showing(case)
    await room.sign(case, signed_at=NOW + timedelta(days=days))

    after = await room.showing(case)
    assert after.signing_id != before.signing_id
    assert (await room.one(case)).state == "drafted"
    assert await room.waiting(case) == {"OpenSession"}
    await room.see(before.signing_id, signed(before))
    assert (await room.one(case)).state == "drafted", "what is superseded does not count"

    await room.sign(case)
    assert (await room.one(case)).state == "signed"
    assert await room.said(case) == ["Drafted", "Signed"]


async def test_a_session_that_the_vendor_has_lost_is_opened_again(room: Room):
    case = await room.draft()
    await room.see((await room.showing(case)).signing_id, None)
    assert await room.waiting(case) == {"OpenSession"}
