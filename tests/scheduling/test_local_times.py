"""Refusals tell times as the clinic's wall shows them, and name the rule that really forbids."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from services.scheduling import rules
from services.scheduling.rules.replans.refusals import broken_by_expiry
from services.scheduling.rules.series.holds import HoldState, broken_by_hold
from services.scheduling.rules.series.waitlist import OfferState, broken_by_offer
from tests.scheduling.conftest import Clinic, every

ALEXANDRIA = ZoneInfo("America/New_York")
EVENING = datetime(2026, 10, 8, 1, 30, tzinfo=UTC)
LATER = EVENING + timedelta(hours=1)
ON_THE_WALL = "2026-10-07 21:30"


def test_what_ran_out_is_told_by_the_clinic_s_clock_and_its_day() -> None:
    [hold] = broken_by_hold(HoldState.HELD, EVENING, LATER, ALEXANDRIA)
    [offer] = broken_by_offer(OfferState.OPEN, EVENING, LATER, ALEXANDRIA)
    [replan] = broken_by_expiry(EVENING, LATER, ALEXANDRIA)
    for told in (hold, offer, replan):
        assert ON_THE_WALL in told.detail
        assert "UTC" not in told.detail


def test_no_rule_prints_a_moment_of_another_clock() -> None:
    """A moment in a text is put on the wall first; `UTC` in one would show that it was not."""
    for path in Path(rules.__path__[0]).glob("*.py"):
        for line in path.read_text().splitlines():
            assert not re.search(r'f".*\bUTC\b', line), f"{path.name}: {line}"


async def test_a_visit_that_may_still_be_kept_says_from_when_it_is_missed(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    answer = await clinic.send(
        f"/appointments/{visit['appointment_id']}/cancel", {"reason": "no_show"}
    )
    [violation] = answer.json()["violations"]
    assert "from 2026-10-07 12:00 on" in violation["detail"], "noon in Alexandria"
    assert violation["source"] == "the house's figure no_show_after_min"


async def test_where_no_day_can_be_had_the_rule_of_each_day_is_named_and_no_gap(
    clinic: Clinic,
) -> None:
    series = await clinic.series(every(1, 5), visit_type="ketamine_pain")
    await clinic.step(series["appointments"][2], "cancel", {"reason": "patient_asked"})
    refused = await clinic.refused(f"/series/{series['series_id']}/replans", {"change": None})
    assert {rule for rule, _ in refused} == {"opening_hours_missing"}
    assert len(refused) > 1, "day by day"
