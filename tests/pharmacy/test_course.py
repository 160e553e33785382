"""One prescription's course, from the completed series to the delivered spray."""

from __future__ import annotations

from shared.auth import Role
from shared.events.scheduling import PatientUpdated, SeriesStopped
from tests.pharmacy.practice import Case, Practice
from tests.support.eventually import eventually

DELIVERED = [
    "PrescriptionDrafted",
    "PrescriptionSigned",
    "PrescriptionSent",
    "PrescriptionAccepted",
    "PrescriptionShipped",
    "PrescriptionDelivered",
]


async def test_a_completed_series_ends_with_a_delivered_spray(practice: Practice):
    case = await practice.awaiting_signature()
    today = practice.now.date().isoformat()
    await practice.sign(case)
    await practice.until(case, "sent")

    await practice.step(minutes=20)
    await practice.until(case, "accepted")
    await practice.step(days=2)
    await practice.until(case, "shipped")
    await practice.step(days=3)
    await practice.until(case, "delivered")

    await practice.until_said(case, *DELIVERED)
    [order] = practice.orders(case)
    assert order["signature_known_to_vendor"]
    form = order["form"]
    assert (form["drug"], form["schedule"], form["refills"], form["days_supply"]) == (
        "Ketamine HCl (racemic) nasal spray, compounded",
        "C-III",
        0,
        30,
    )
    assert "Do not drive for 4 hours after each use." in form["sig"]
    assert form["date_written"] == today
    assert (
        "pharmacy",
        f"/internal/series/{case.series_id}",
        "prescribing",
    ) in practice.scheduling.asked


async def test_what_was_signed_is_what_was_shown_and_what_is_sent(practice: Practice):
    case = await practice.sent()

    [session] = await practice.sessions(case)
    [order] = practice.orders(case)
    shown, form = session["prescription"], order["form"]
    assert form["signature"]["sha256"] == session["sha256"]
    assert shown["patient_name"] == "Testa Canary"
    assert shown["patient_address"] == "1 Canary Row, Alexandria, VA 22314"
    assert shown["prescriber_name"] == form["prescriber"]["name"] == "Dana Madeup, MD"
    assert (shown["issue_date"], shown["sig"]) == (form["date_written"], form["sig"])
    assert (shown["quantity"], shown["refills"]) == ("5 mL", 0)
    assert shown["dea_number"] == form["signature"]["signer_dea_number"] == "AB1234563"


async def test_a_hundred_completions_of_one_series_are_one_prescription(practice: Practice):
    case = Case()
    practice.knows(case)
    await practice.complete(case, times=100)
    await practice.until(case, "awaiting_signature")
    await practice.sign(case)
    await practice.until(case, "sent")

    assert len(await practice.sessions(case)) == 1
    assert len(practice.orders(case)) == 1
    asked = [one for one in practice.scheduling.asked if str(case.series_id) in one.path]
    assert len(asked) == 1
    await practice.until_said(case, *DELIVERED[:3])


async def test_a_stopped_series_gets_no_prescription(practice: Practice):
    stopped, completed = Case(), Case()
    await practice.say(
        SeriesStopped(
            patient_id=stopped.patient_id,
            series_id=stopped.series_id,
            infusions_completed=3,
            stopped_at=practice.now,
        )
    )
    completed.patient_id = stopped.patient_id  # the same partition, so heard after it
    await practice.awaiting_signature(completed)

    found = await practice.rows(
        "SELECT 1 FROM prescriptions WHERE series_id = :id", id=stopped.series_id
    )
    assert found == []


async def test_a_prescriber_without_a_dea_number_signs_once_it_is_on_record(practice: Practice):
    case = Case()
    practice.knows(case, of_prescriber={"dea_number": None})
    await practice.complete(case)

    row = await practice.until(case, "needs_correction")

    assert row.reason == "dea_number_missing"
    await practice.until_said(case, "PrescriptionHeld")
    assert await practice.sessions(case) == []
    path = f"/prescriptions/{case.prescription_id}"
    shown = (await practice.get(path, Role.PHARMACY_LIAISON)).json()
    assert [wrong["rule"] for wrong in shown["violations"]] == ["dea_number_missing"]

    practice.knows(case)
    key = str(case.series_id)
    assert (await practice.post(f"{path}/retry", Role.FRONT_DESK, key=key)).status_code == 403
    for _ in range(2):  # the same request again
        taken_up = await practice.post(f"{path}/retry", Role.PHARMACY_LIAISON, key=key)
        assert (taken_up.status_code, taken_up.json()["state"]) == (202, "drafting")
    await practice.until(case, "awaiting_signature")
    await practice.sign(case)
    await practice.until(case, "sent")
    again = await practice.post(f"{path}/retry", Role.PRESCRIBER)
    assert (again.status_code, again.json()["violations"][0]["rule"]) == (409, "content_is_closed")
    assert len(practice.orders(case)) == 1
    await practice.until_said(
        case, "PrescriptionHeld", "PrescriptionDrafted", "PrescriptionSigned", "PrescriptionSent"
    )


async def test_a_series_that_scheduling_does_not_know_waits_for_a_person(practice: Practice):
    case = Case()
    await practice.complete(case)
    await practice.until(case, "drafting")

    async def parked() -> None:
        rows = await practice.rows(
            "SELECT error_code FROM due_work WHERE state = 'parked'"
            " AND payload->>'series_id' = :id",
            id=str(case.series_id),
        )
        assert [row.error_code for row in rows] == ["claim_unknown"]

    await eventually(parked)
    assert await practice.said(case) == []


async def test_a_patient_who_moves_before_the_signature_gets_the_spray_at_the_new_address(
    practice: Practice,
):
    case = await practice.awaiting_signature()
    old_url = (await practice.link(case)).json()["url"]
    moved = {"line1": "9 New Canary Row", "city": "Reston", "state": "VA", "postal_code": "20190"}
    practice.knows(case, of_patient={"address": moved})
    await practice.say(PatientUpdated(patient_id=case.patient_id, updated_at=practice.now))

    async def shown_anew() -> None:
        link = await practice.link(case)
        assert link.status_code == 200
        assert link.json()["url"] != old_url

    await eventually(shown_anew)
    await practice.decide(old_url)
    await practice.until_idle()
    assert (await practice.prescription(case)).state == "awaiting_signature"
    assert practice.orders(case) == []

    await practice.sign(case)
    await practice.until(case, "sent")
    [order] = practice.orders(case)
    assert order["form"]["patient"]["address"]["line1"] == "9 New Canary Row"
    await practice.until_said(case, *DELIVERED[:3])


async def test_a_patient_who_moves_after_the_signature_changes_nothing_that_was_signed(
    practice: Practice,
):
    case = await practice.sent()
    await practice.say(PatientUpdated(patient_id=case.patient_id, updated_at=practice.now))
    await practice.until_idle()

    assert len(await practice.sessions(case)) == 1
    answer = await practice.get(f"/prescriptions/{case.prescription_id}", Role.PRESCRIBER)
    assert answer.json()["state"] == "sent"
