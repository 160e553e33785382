"""When a drip really ended is what counts: it is said later, and put right, while nobody was told.

The driving ban and the infusion's time on a bill count from it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import DRIVER, Clinic, every
from tests.scheduling.test_overdue_discharges import listed

MINUTE = timedelta(minutes=1)
SIX_HOURS = timedelta(hours=6)


async def running(clinic: Clinic) -> dict[str, Any]:
    visit = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    return dict(visit)


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


def correction(clinic: Clinic, ended_at: datetime | None) -> dict[str, Any]:
    return {
        "clinician_id": clinic.clinician_id,
        "ended_at": None if ended_at is None else ended_at.isoformat(),
        "reason": "The wrong patient's button.",
    }


def moment(said: str) -> datetime:
    return datetime.fromisoformat(said)


async def test_a_drip_that_was_ended_by_mistake_goes_on_and_bans_from_its_real_end(
    clinic: Clinic,
) -> None:
    visit = await running(clinic)
    started = clinic.clock.now()
    clinic.clock.step(MINUTE)
    await clinic.step(visit, "complete")
    await clinic.vitals(visit)
    await clinic.step(visit, "ride-seen", DRIVER)
    back = await clinic.step(visit, "end-corrections", correction(clinic, None))
    assert (back["state"], back["stopped_at"]) == ("running", None)
    clinic.clock.step(49 * MINUTE)
    await clinic.step(visit, "complete")
    await clinic.give(visit)
    asked = path(visit, "discharge")
    assert {rule for rule, _ in await clinic.refused(asked, {"oriented": True})} == {
        "vitals_missing",
        "ride_not_verified",
    }, "what was seen while it ran is of no recovery"
    await clinic.step(visit, "ride-seen", DRIVER)
    await clinic.vitals(visit)
    gone = await clinic.step(visit, "discharge", {"oriented": True})
    assert moment(gone["no_drive_until"]) == started + 50 * MINUTE + SIX_HOURS
    said = dict(await clinic.said(visit["patient_id"]))
    assert moment(said["InfusionCompleted"]["stopped_at"]) == started + 50 * MINUTE
    [kept] = (await clinic.get(path(visit, "chart")))["end_corrections"]
    assert moment(kept["ended_at_before"]) == started + MINUTE
    assert (kept["ended_at"], kept["signed_by"], kept["reason"]) == (
        None,
        clinic.subject,
        "The wrong patient's button.",
    )


async def test_a_drip_that_was_forgotten_has_ended_when_it_did(clinic: Clinic) -> None:
    visit = await running(clinic)
    started = clinic.clock.now()
    clinic.clock.step(timedelta(hours=20))
    ended = started + 45 * MINUTE
    for wrong, rule in ((started - MINUTE, "ended_before_start"),
                        (clinic.clock.now() + MINUTE, "ended_in_future")):  # fmt: skip
        body = {"ended_at": wrong.isoformat()}
        assert await clinic.refused(path(visit, "complete"), body) == [(rule, "ended_at")]
        body["reason"] = "Made up."
        assert await clinic.refused(path(visit, "abort"), body) == [(rule, "ended_at")]
    over = await clinic.step(visit, "complete", {"ended_at": ended.isoformat()})
    assert moment(over["stopped_at"]) == ended
    gone = await clinic.discharge(visit)
    assert moment(gone["no_drive_until"]) == ended + SIX_HOURS


async def test_an_abort_says_when_the_drip_ended_too(clinic: Clinic) -> None:
    visit = await running(clinic)
    ended = clinic.clock.now() + 5 * MINUTE
    clinic.clock.step(30 * MINUTE)
    asked = {"reason": "The line came out.", "ended_at": ended.isoformat()}
    over = await clinic.step(visit, "abort", asked)
    assert (over["state"], moment(over["stopped_at"])) == ("aborted", ended)
    later = ended + 2 * MINUTE
    fixed = await clinic.step(visit, "end-corrections", correction(clinic, later))
    assert (fixed["state"], moment(fixed["stopped_at"])) == ("aborted", later)
    goes_on = correction(clinic, None)
    assert await clinic.refused(path(visit, "end-corrections"), goes_on) == [
        ("aborted_stays", "ended_at")
    ]
    gone = await clinic.discharge(visit)
    assert moment(gone["no_drive_until"]) == later + SIX_HOURS


async def test_an_end_is_put_right_until_what_ran_is_on_record(clinic: Clinic) -> None:
    visit = await running(clinic)
    started = clinic.clock.now()
    clinic.clock.step(50 * MINUTE)
    await clinic.step(visit, "complete")
    asked = path(visit, "end-corrections")
    assert await clinic.refused(asked, correction(clinic, started - MINUTE)) == [
        ("ended_before_start", "ended_at")
    ]
    assert await clinic.refused(asked, correction(clinic, clinic.clock.now())) == [
        ("end_unchanged", "ended_at")
    ]
    other = correction(clinic, started + MINUTE) | {
        "clinician_id": await clinic.clinician(npi="1245319599")
    }
    assert await clinic.refused(asked, other) == [("signer_is_another", "clinician_id")]
    fixed = await clinic.post(asked, correction(clinic, started + 40 * MINUTE))
    assert (fixed["state"], moment(fixed["stopped_at"])) == ("completed", started + 40 * MINUTE)
    await clinic.post(asked, correction(clinic, started + 41 * MINUTE))
    await clinic.give(visit)
    told = [("end_told", "ended_at")]
    assert await clinic.refused(asked, correction(clinic, started + 50 * MINUTE)) == told
    gone = await clinic.discharge(visit, dosed=True)
    assert moment(gone["no_drive_until"]) == started + 41 * MINUTE + SIX_HOURS
    assert await clinic.refused(asked, correction(clinic, started + 50 * MINUTE)) == told


async def test_the_end_stands_of_a_patient_who_has_gone_with_a_ban(clinic: Clinic) -> None:
    visit = await running(clinic)
    clinic.clock.step(40 * MINUTE)
    await clinic.step(visit, "complete")
    left = {
        "clinician_id": clinic.clinician_id,
        "left_at": clinic.clock.now().isoformat(),
        "seen_by": "Testa Nurse",
        "reason": "Made up.",
        "advised": "Made up.",
        "form": "refused",
        "condition": "Made up.",
        "told": "Made up.",
    }
    await clinic.step(visit, "walk-out", left)
    clinic.clock.step(MINUTE)
    asked = correction(clinic, clinic.clock.now())
    assert await clinic.refused(path(visit, "end-corrections"), asked) == [("ban_told", "ended_at")]


async def test_a_drip_does_not_go_on_where_another_runs_since(clinic: Clinic) -> None:
    visit = await running(clinic)
    clinic.clock.step(MINUTE)
    await clinic.step(visit, "complete")
    clinic.clock.step_to(moment(visit["ends_at"]) + timedelta(hours=2))
    starts = every(3, 6, clinic.clock.now() + 5 * MINUTE)
    other = (await clinic.series(starts))["appointments"][0]
    await clinic.check_in(other)
    await clinic.start(other)
    assert await clinic.refused(path(visit, "end-corrections"), correction(clinic, None)) == [
        ("drip_running", "ended_at")
    ]


@pytest.mark.parametrize("before_min", [1, 0])
async def test_a_drip_that_nobody_ended_is_on_the_list_the_same_day(
    clinic: Clinic, before_min: int
) -> None:
    visit = await running(clinic)
    booked = moment(visit["ends_at"]) - moment(visit["starts_at"])
    clinic.clock.step(booked + 30 * MINUTE - before_min * MINUTE)
    found = [(each["appointment_id"], each["state"]) for each in await listed(clinic)]
    assert found == ([] if before_min else [(visit["appointment_id"], "running")])
    if found:
        [waits] = await listed(clinic)
        assert (waits["waiting_min"], waits["stopped_at"]) == (30, None)
        assert "say when it ended" in waits["do"]
