"""A closed day: which visits it touches, where they go, and that nothing is confirmed on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


async def closed(clinic: Clinic) -> Any:
    """The place is closed on the 13th, the day of the third infusion of a series from the 7th."""
    wish = {"first_on": "2026-10-13", "last_on": "2026-10-13", "reason": "Holiday, made up"}
    return await clinic.post(f"/locations/{clinic.location_id}/closures", wish)


async def test_it_names_the_visits_that_are_booked_on_its_days(clinic: Clinic) -> None:
    visits = (await clinic.series(every(3, 6)))["appointments"]
    touches = (await closed(clinic))["touches"]
    assert [each["appointment_id"] for each in touches] == [visits[2]["appointment_id"]]


async def test_re_plans_are_proposed_that_leave_the_closed_day(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    closure = await closed(clinic)
    path = f"/closures/{closure['closure_id']}/replans"
    [proposed] = (await clinic.post(path, {}))["items"]
    assert (proposed["series_id"], proposed["why_none"]) == (series["series_id"], [])
    lines = proposed["replan"]["visits"]
    assert [each["fate"] for each in lines] == ["stays", "stays", "moves", *["stays"] * 3]
    assert lines[2]["why"] == "The place is closed on 2026-10-13: Holiday, made up."
    await clinic.post(f"/replans/{proposed['replan']['replan_id']}/approve", {})
    assert (await clinic.post(path, {}))["items"] == []


async def test_a_re_plan_from_before_the_closure_confirms_no_closed_day(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    move = {
        "kind": "move",
        "appointment_id": series["appointments"][1]["appointment_id"],
        "starts_at": (NOON + 3 * DAY + timedelta(hours=1)).isoformat(),
    }
    path = f"/series/{series['series_id']}/replans"
    before = await clinic.post(path, {"change": move})
    await closed(clinic)
    refused = await clinic.refused(f"/replans/{before['replan_id']}/approve", {})
    assert refused == [("closed", "replan_id")]
    after = await clinic.post(path, {"change": move})
    assert [each["fate"] for each in after["visits"]] == ["moves", *["stays"] * 3]
