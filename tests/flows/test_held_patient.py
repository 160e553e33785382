"""Story 3: uncontrolled blood pressure holds the patient until a clearance is recorded."""

from __future__ import annotations

from shared.events import billing, scheduling
from tests.flows.conftest import Story

PATIENT = "cleo"


async def test_nothing_is_missing_and_nothing_is_too_much(story: Story):
    assert story.lived.wrong == []
    await story.nothing_is_left_over()


async def test_the_drip_may_not_start_before_the_clearance(story: Story):
    assert story.happened.refused_starts == [("cleo-1", "clearance_missing")]
    (held,) = story.said(scheduling.PatientHeld)
    (cleared,) = story.said(scheduling.PatientCleared)
    first, *_others = story.said(scheduling.InfusionStarted)
    assert story.local(held.held_at) == "2027-01-19 10:00"
    assert story.local(cleared.cleared_at) == "2027-01-22 09:25"
    assert first.started_at == cleared.cleared_at


async def test_after_the_clearance_the_series_goes_on_as_planned(story: Story):
    started = [story.local(one.started_at) for one in story.said(scheduling.InfusionStarted)]
    assert started == [
        "2027-01-22 09:25",
        "2027-01-25 09:00",
        "2027-01-27 09:00",
        "2027-01-29 09:00",
        "2027-02-01 09:00",
        "2027-02-03 09:00",
    ]
    assert len(story.said(billing.ChargePosted)) == 6


async def test_what_was_found_is_sealed_in_the_database(story: Story):
    ((row,),) = await story.rows("scheduling", "SELECT to_jsonb(p)::text FROM patients AS p")
    for secret in ("pressure", "Mockup", "+12025550123", "1968-11-23"):
        assert secret not in row
        assert secret.encode().hex() not in row  # as bytes are shown
