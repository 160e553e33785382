"""Story 5: the series is stopped after three infusions."""

from __future__ import annotations

from shared.events import billing, pharmacy, scheduling
from shared.events.notifications import Purpose
from shared.events.scheduling import CancelReason
from tests.flows.conftest import Story

PATIENT = "emil"


async def test_nothing_is_missing_and_nothing_is_too_much(story: Story):
    assert story.lived.wrong == []
    await story.nothing_is_left_over()


async def test_three_infusions_are_three_charges_and_three_superbills(story: Story):
    assert story.charges() == [39900] * 3
    assert len(story.said(billing.SuperbillIssued)) == 3


async def test_the_visits_that_were_left_are_cancelled(story: Story):
    (stopped,) = story.said(scheduling.SeriesStopped)
    assert stopped.infusions_completed == 3
    cancelled = story.said(scheduling.AppointmentCancelled)
    assert [one.reason for one in cancelled] == [CancelReason.SERIES_STOPPED] * 3
    assert story.said(scheduling.SeriesCompleted) == []


async def test_no_reminder_of_a_cancelled_visit_goes_out(story: Story):
    assert story.sent_at(Purpose.RIDE_REMINDER_48H)[-1] == "2027-01-27 11:00"
    assert story.sent_at(Purpose.RIDE_REMINDER_24H)[-1] == "2027-01-26 11:00"


async def test_there_is_no_prescription_and_nothing_at_the_pharmacy(story: Story):
    assert story.truth["pharmacy"]["orders"] == []
    assert story.truth["signing"]["sessions"] == []
    assert story.said(pharmacy.PrescriptionDrafted) == []
    assert await story.rows("pharmacy", "SELECT count(*) FROM prescriptions") == [(0,)]
