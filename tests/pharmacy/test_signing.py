"""Before the prescriber: signed with two factors, on the day, or not sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.auth import Role
from tests.pharmacy.practice import Case, Practice
from tests.support.eventually import eventually

CLINIC = ZoneInfo("America/New_York")


async def _step_to(practice: Practice, hour: int, minute: int = 0, *, days: int = 0) -> None:
    """Let practice time pass until a time of day at the clinic."""
    local = practice.now.astimezone(CLINIC)
    then = datetime(local.year, local.month, local.day, hour, minute, tzinfo=CLINIC)
    then += timedelta(days=days + (1 if then < local else 0))
    practice.clock.step_to(then)
    await practice.world.until_rest(within_s=30)


async def test_a_declined_prescription_is_not_sent(practice: Practice):
    case = await practice.awaiting_signature()
    await practice.decide((await practice.link(case)).json()["url"], "decline")

    await practice.until(case, "signature_declined")
    await practice.until_idle()

    assert practice.orders(case) == []
    await practice.until_said(case, "PrescriptionDrafted", "PrescriptionSignatureDeclined")


async def test_a_session_over_other_content_than_ours_is_not_sent(practice: Practice):
    case = await practice.awaiting_signature()
    url = (await practice.link(case)).json()["url"]
    await practice.execute(
        "UPDATE signings SET sha256 = repeat('0', 64) WHERE prescription_id = :id",
        id=case.prescription_id,
    )
    await practice.decide(url)

    row = await practice.until(case, "refused")
    await practice.until_idle()

    assert row.reason == "displayed_otherwise"
    assert practice.orders(case) == []
    await practice.until_said(case, "PrescriptionDrafted", "PrescriptionRefused")


async def test_a_signature_on_the_next_day_needs_the_next_days_date(practice: Practice):
    await _step_to(practice, 21)
    case = await practice.awaiting_signature()
    yesterday = (await practice.link(case)).json()["url"]

    await _step_to(practice, 0, 1)

    async def shown_anew() -> None:
        link = await practice.link(case)
        assert link.status_code == 200
        assert link.json()["url"] != yesterday

    await eventually(shown_anew, within_s=20)
    await practice.decide(yesterday)
    await practice.until_idle()
    assert practice.orders(case) == [], "signed today over yesterday's date"

    await practice.sign(case)
    await practice.until(case, "sent")
    [order] = practice.orders(case)
    assert order["form"]["date_written"] == practice.now.astimezone(CLINIC).date().isoformat()
    dates = [session["prescription"]["issue_date"] for session in await practice.sessions(case)]
    assert len(set(dates)) == 2
    await practice.until_said(case, "PrescriptionDrafted", "PrescriptionSigned", "PrescriptionSent")


async def test_a_signature_a_minute_before_midnight_counts_though_its_notice_is_lost(
    practice: Practice,
):
    await _step_to(practice, 22)
    case = await practice.awaiting_signature()
    today = practice.now.astimezone(CLINIC).date().isoformat()
    url = (await practice.link(case)).json()["url"]
    await _step_to(practice, 23, 59)
    await practice.until_idle()
    practice.world.fault("signing", "drop", "signing.session.signed")
    await practice.decide(url)

    await _step_to(practice, 0, 1)
    await practice.until(case, "sent")

    [order] = practice.orders(case)
    assert order["form"]["date_written"] == today


async def test_a_lost_notice_of_a_signature_is_made_up_for_within_the_hour(practice: Practice):
    await _step_to(practice, 10)
    case = await practice.awaiting_signature()
    practice.world.fault("signing", "drop", "signing.session.signed")
    await practice.sign(case)
    await practice.until_idle()
    assert (await practice.prescription(case)).state == "awaiting_signature"

    await practice.step(hours=1)

    await practice.until(case, "sent")
    assert len(practice.orders(case)) == 1


async def test_a_vendor_that_is_down_and_loses_its_answer_opens_one_session(practice: Practice):
    practice.world.fault("signing", "status_before", "POST /v1/sessions", times=2, status=503)
    practice.world.fault("signing", "lost_answer", "POST /v1/sessions")

    case = await practice.awaiting_signature()

    assert len(await practice.sessions(case)) == 1


async def test_a_prescription_that_the_vendor_refuses_to_show_is_held_and_shown_after_a_correction(
    practice: Practice,
):
    practice.world.fault("signing", "status_before", "POST /v1/sessions", status=422)
    case = Case()
    practice.knows(case)
    await practice.complete(case)

    row = await practice.until(case, "needs_correction")
    assert row.reason == "signing_refused_422"
    await practice.until_said(case, "PrescriptionDrafted", "PrescriptionHeld")

    path = f"/prescriptions/{case.prescription_id}"
    [said] = (await practice.get(path, Role.PRESCRIBER)).json()["violations"]
    assert "422" in said["detail"]
    await practice.post(f"{path}/retry", Role.PRESCRIBER)
    await practice.until(case, "awaiting_signature")


async def test_the_link_exists_while_the_prescription_waits_and_only_for_prescribers(
    practice: Practice,
):
    unknown = Case()
    assert (await practice.link(unknown)).status_code == 404
    practice.world.fault("signing", "slow", "POST /v1/sessions", ms=1500)
    case = Case()
    practice.knows(case)
    await practice.complete(case)
    await practice.until(case, "drafted")
    assert (await practice.link(case)).status_code == 409

    await practice.until(case, "awaiting_signature")
    link = await practice.link(case)
    assert link.status_code == 200
    assert set(link.json()) == {"url", "session_id"}
    path = f"/prescriptions/{case.prescription_id}/signing-link"
    assert (await practice.get(path, Role.PHARMACY_LIAISON)).status_code == 403

    await practice.sign(case)
    await practice.until(case, "sent")
    refused = await practice.link(case)
    assert refused.status_code == 409
    assert refused.json()["violations"][0]["rule"] == "not_awaiting_signature"
