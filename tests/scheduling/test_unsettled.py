"""A visit of which nobody said what became of it is not given, as far as anybody knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


async def forgotten(clinic: Clinic, *, checked_in: bool) -> list[dict[str, Any]]:
    """A series every four days: the first given, the second never settled. It is the day after."""
    visits: list[dict[str, Any]] = (await clinic.series(every(4, 6)))["appointments"]
    await clinic.infuse(visits[0])
    await clinic.discharge(visits[0])
    clinic.be_there(visits[1])
    if checked_in:
        await clinic.step(visits[1], "check-in", {"fasted": True})
    clinic.clock.step_to(NOON + 5 * DAY)
    await clinic.let_fall_due()
    return visits


async def listed(clinic: Clinic) -> list[dict[str, Any]]:
    found = await clinic.get("/unsettled-visits", location_id=clinic.location_id)
    return list(found["items"])


@pytest.mark.parametrize(
    ("left", "do", "step", "reason"),
    [
        ("booked", "missed", "cancel", "no_show"),
        ("checked_in", "sent home", "send-home", "unwell"),
    ],
)
async def test_it_is_listed_with_what_to_do_until_somebody_settles_it(
    clinic: Clinic, left: str, do: str, step: str, reason: str
) -> None:
    visits = await forgotten(clinic, checked_in=left == "checked_in")
    [found] = await listed(clinic)
    assert found["appointment_id"] == visits[1]["appointment_id"]
    assert found["state"] == left
    assert do in found["do"]
    await clinic.step(visits[1], step, {"reason": reason})
    assert await listed(clinic) == []


async def test_a_visit_of_today_is_not_on_the_list_however_late_it_is(clinic: Clinic) -> None:
    await clinic.series(every(4, 6))
    clinic.clock.step_to(NOON + timedelta(hours=11))
    assert await listed(clinic) == []
    clinic.clock.step_to(NOON + timedelta(hours=12, minutes=1))
    assert len(await listed(clinic)) == 1


@pytest.mark.parametrize("left", ["booked", "checked_in"])
async def test_the_morning_after_its_gap_is_watched_and_it_is_said(
    clinic: Clinic, left: str
) -> None:
    visits = await forgotten(clinic, checked_in=left == "checked_in")
    await clinic.settle_round()
    await clinic.settle_round()
    said = [
        (kind, event["appointment_id"])
        for kind, event in await clinic.said(visits[0]["patient_id"])
        if kind == "VisitUnsettled"
    ]
    assert said == [("VisitUnsettled", visits[1]["appointment_id"])]
    await clinic.let_fall_due()
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert risk["after_appointment_id"] == visits[0]["appointment_id"]


async def test_no_infusion_is_moved_past_the_gap_that_it_leaves(clinic: Clinic) -> None:
    visits = await forgotten(clinic, checked_in=False)
    path = f"/appointments/{visits[2]['appointment_id']}/move"
    too_late = await clinic.refused(path, {"starts_at": (NOON + 9 * DAY).isoformat()})
    assert too_late == [("series_gap", "starts_at"), ("visit_unsettled", "appointment_id")]
    soon = {"starts_at": (NOON + 7 * DAY).isoformat()}
    await clinic.post(path, soon)


async def test_nor_so_near_to_it_that_both_may_have_been_given(clinic: Clinic) -> None:
    visits = await forgotten(clinic, checked_in=True)
    path = f"/appointments/{visits[2]['appointment_id']}/move"
    too_soon = await clinic.refused(
        path, {"starts_at": (NOON + 5 * DAY + timedelta(hours=2)).isoformat()}
    )
    assert too_soon == [("series_gap", "starts_at"), ("visit_unsettled", "appointment_id")]


async def test_the_next_drip_starts_once_it_is_settled(clinic: Clinic) -> None:
    visits = await forgotten(clinic, checked_in=False)
    await clinic.check_in(visits[2])
    path = f"/appointments/{visits[2]['appointment_id']}/start"
    body = {"clinician_id": clinic.clinician_id}
    assert await clinic.refused(path, body) == [("visit_unsettled", "appointment_id")]
    await clinic.step(visits[1], "cancel", {"reason": "no_show"})
    assert await clinic.refused(path, body) == [("series_gap", "appointment_id")]
    longer = {"rule": "series_long_gap", "gap_max_days": 8, "reason": "Was ill, made up."}
    await clinic.post(f"/series/{visits[2]['series_id']}/overrides", longer | body)
    begun = await clinic.post(path, body)
    assert begun["state"] == "running"
    assert "8 local days after infusion 1" in begun["advice"][0]
