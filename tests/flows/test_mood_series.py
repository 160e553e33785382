"""Story 1: a mood series of six, from the intake to the spray at home."""

from __future__ import annotations

import io
from datetime import timedelta

import pypdf

from shared.events import billing, pharmacy, scheduling
from shared.events.notifications import Channel, Purpose
from tests.flows.conftest import Story

PATIENT = "ada"

STARTS = (
    "2027-01-22 09:00",
    "2027-01-25 09:00",
    "2027-01-27 09:00",
    "2027-01-29 09:00",
    "2027-02-01 09:00",
    "2027-02-03 09:00",
)


async def test_nothing_is_missing_and_nothing_is_too_much(story: Story):
    assert story.lived.wrong == []
    assert len(story.lived.lines) >= 8
    await story.nothing_is_left_over()


async def test_six_infusions_are_six_charges_of_399_dollars(story: Story):
    assert story.charges() == [39900] * 6
    assert story.charges("failed") == []
    assert story.truth["stripe"]["refunds"] == []
    assert len({charge.infusion_id for charge in story.said(billing.ChargePosted)}) == 6
    rows = await story.rows("billing", "SELECT state, amount_cents FROM charges")
    assert rows == [("paid", 39900)] * 6


async def test_each_infusion_has_a_superbill_whose_totals_add_up(story: Story):
    bills = story.happened.superbills
    assert len({bill.number for bill in bills}) == 6
    for bill in bills:
        assert bill.lines_cents == bill.total_cents == bill.paid_cents == 39900
        assert bill.balance_cents == 0
        page = pypdf.PdfReader(io.BytesIO(bill.path.read_bytes())).pages[0].extract_text()
        assert bill.number in page
        assert "399.00" in page
        assert "Ada Sample" in page


async def test_a_hold_is_cleared_before_the_first_infusion(story: Story):
    assert len(story.said(scheduling.PatientHeld)) == 1
    assert len(story.said(scheduling.PatientCleared)) == 1
    assert story.happened.refused_starts == []


async def test_the_six_visits_are_booked_in_one_request_two_to_five_days_apart(story: Story):
    (booked,) = story.said(scheduling.SeriesBooked)
    assert booked.planned_infusions == 6
    visits = story.said(scheduling.AppointmentBooked)
    assert [story.local(visit.starts_at) for visit in visits] == list(STARTS)


async def test_ride_reminders_leave_48_and_24_hours_before_each_visit(story: Story):
    assert story.sent_at(Purpose.RIDE_REMINDER_48H) == [
        "2027-01-20 09:00",
        "2027-01-23 09:00",
        "2027-01-25 09:00",
        "2027-01-27 09:00",
        "2027-01-30 09:00",
        "2027-02-01 09:00",
    ]
    assert story.sent_at(Purpose.RIDE_REMINDER_24H) == [
        "2027-01-21 09:00",
        "2027-01-24 09:00",
        "2027-01-26 09:00",
        "2027-01-28 09:00",
        "2027-01-31 09:00",
        "2027-02-02 09:00",
    ]


async def test_the_patient_hears_before_each_visit_to_eat_nothing_two_hours_before(story: Story):
    (reminded, *others) = story.sent_at(Purpose.FASTING_REMINDER)
    assert len(others) == 5
    (note,) = story.notes(Channel.SMS, reminded)
    assert "no food after Fri, Jan 22 at 7:00 AM" in note.body


async def test_at_discharge_the_patient_is_told_until_when_not_to_drive(story: Story):
    ends = {one.infusion_id: one.stopped_at for one in story.said(scheduling.InfusionCompleted)}
    discharged = story.said(scheduling.PatientDischarged)
    assert len(discharged) == 6
    for one in discharged:
        assert one.no_drive_until == ends[one.infusion_id] + timedelta(hours=6)
    (note,) = story.notes(Channel.SMS, "2027-01-22 10:12")
    assert "3:42 PM" in note.body


async def test_a_receipt_and_a_superbill_follow_each_payment(story: Story):
    """What ran is on record as the drip ends, so the superbill that names it waits for nothing."""
    paid = [story.local(one.captured_at) for one in story.said(billing.PaymentCaptured)]
    assert len(paid) == 6
    assert story.sent_at(Purpose.RECEIPT) == paid
    assert story.sent_at(Purpose.SUPERBILL) == paid


async def test_the_completed_series_becomes_one_prescription_from_draft_to_delivery(story: Story):
    (completed,) = story.said(scheduling.SeriesCompleted)
    assert completed.infusions_completed == 6
    steps = [one.event for one in story.lived.heard if one.event.producer == "pharmacy"]
    assert [type(step) for step in steps] == [
        pharmacy.PrescriptionDrafted,
        pharmacy.PrescriptionSigned,
        pharmacy.PrescriptionSent,
        pharmacy.PrescriptionAccepted,
        pharmacy.PrescriptionShipped,
        pharmacy.PrescriptionDelivered,
    ]
    rows = await story.rows("pharmacy", "SELECT state FROM prescriptions")
    assert rows == [("delivered",)]


async def test_the_pharmacy_holds_one_order_signed_at_the_certified_vendor(story: Story):
    (order,) = story.truth["pharmacy"]["orders"]
    assert order["status"] == "delivered"
    assert order["signature_known_to_vendor"]
    assert order["form"]["form"] == "nasal_spray"
    assert order["form"]["signature"]["factors"] == ["knowledge", "hard_token"]
    (session,) = story.truth["signing"]["sessions"]
    assert session["status"] == "signed"


async def test_with_the_spray_comes_the_rule_of_four_hours(story: Story):
    assert story.sent_at(Purpose.SPRAY_NO_DRIVING) == ["2027-02-07 18:20"]
    (note,) = story.notes(Channel.SMS, "2027-02-07 18:20")
    assert "4 hours" in note.body


async def test_no_event_carries_what_only_the_patient_may_know(story: Story):
    patient = story.clinic.patients[PATIENT]
    told = " ".join(one.event.model_dump_json() for one in story.lived.heard)
    for secret in (patient.last_name, patient.phone, patient.email, "F33.1", "1979-03-14"):
        assert secret not in told


async def test_the_timeline_tells_the_story(story: Story):
    assert "Friday, January 22, 2027" in story.printed
    assert "Nora Example starts infusion 1 in chair Window" in story.printed
    assert max(map(len, story.printed.splitlines())) <= 100
