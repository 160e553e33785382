"""Weeks of a small clinic lived at random: whatever staff ask for, what must hold holds."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.clock import FixedClock
from tests.scheduling.conftest import DRIVER, GIVEN_DOSE, LOCATION, VITALS, Clinic, every
from tests.support.seeds import fresh_seed, how_to_repeat

STEPS = 300
SENSIBLE = 0.7
FASTED = 0.7
MISSING = 0.2
ALEXANDRIA = ZoneInfo(LOCATION["zone"])
Wish = tuple[str, dict[str, Any]]

GIVEN = {"completed", "recovering", "discharged"}
LOST = {"cancelled", "no_show", "sent_home"}
STARTED = GIVEN | {"running"}


def local_day_of(moment: datetime) -> int:
    return moment.astimezone(ALEXANDRIA).toordinal()


def local_day(visit: dict[str, Any], name: str = "starts_at") -> int:
    return local_day_of(datetime.fromisoformat(visit[name]))


LATEST = timedelta(hours=3)
"""After its booked time a drip does not start any more: the seeded figure start_late_min."""


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


def any_wish(visits: list[dict[str, Any]], clinic: Clinic, dice: random.Random) -> Wish:
    """What a hurried front desk or nurse might ask for, sensible or not."""
    visit = dice.choice(visits)
    moved = datetime.fromisoformat(visit["starts_at"]) + timedelta(hours=dice.randint(-72, 72))
    asks: list[tuple[str, dict[str, Any]]] = [
        ("move", {"starts_at": moved.isoformat()}),
        ("move", {"starts_at": moved.isoformat()}),
        ("cancel", {"reason": "patient_asked"}),
        ("ride", {"mode": dice.choice(["driver", "rideshare"])}),
        ("check-in", {"fasted": dice.random() < FASTED}),
        ("send-home", {"reason": "unwell"}),
        ("vitals", VITALS),
        ("dose-plan", clinic.dose()),
        ("clear", {}),
        ("start", {"clinician_id": clinic.clinician_id}),
        ("complete", {}),
        ("ride-seen", DRIVER),
        ("discharge", {"oriented": True}),
    ]
    asked, body = dice.choice(asks)
    return path(visit, asked), body


def missing_wish(series: dict[str, Any], clinic: Clinic, dice: random.Random) -> Wish:
    """An infusion for one that was lost, anywhere near the series."""
    near = datetime.fromisoformat(dice.choice(series["appointments"])["starts_at"])
    wish = {
        "chair_id": clinic.chair_id,
        "starts_at": (near + timedelta(hours=dice.randint(24, 96))).isoformat(),
    }
    return f"/series/{series['series_id']}/appointments", wish


def due_wish(visits: list[dict[str, Any]], clinic: Clinic, dice: random.Random) -> Wish | None:
    """What comes next for the earliest visit that is not over, once its time has come."""
    open_ = [visit for visit in visits if visit["state"] not in LOST | {"discharged"}]
    if not open_:
        return None
    visit = min(open_, key=lambda visit: str(visit["starts_at"]))
    starts_at = datetime.fromisoformat(visit["starts_at"])
    if starts_at > clinic.clock.now():
        clinic.be_there(visit)
    if visit["state"] in {"booked", "checked_in"} and visit["ride"] is None:
        return path(visit, "ride"), {"mode": "rideshare"}
    coming = visit["state"] in {"booked", "confirmed"}
    if coming and local_day(visit) != local_day_of(clinic.clock.now()):
        return path(visit, "cancel"), {"reason": "no_show"}
    if visit["state"] in {"checked_in", "cleared"} and clinic.clock.now() > starts_at + LATEST:
        return path(visit, "send-home"), {"reason": "clinic_asked"}
    if visit["state"] == "recovering" and not visit["ride_seen"]:
        return path(visit, "ride-seen"), DRIVER
    steps = {
        "booked": [("check-in", {"fasted": True})],
        "confirmed": [("check-in", {"fasted": True})],
        "checked_in": [("vitals", VITALS), ("clear", {})]
        if visit["fasted"]
        else [("check-in", {"fasted": True})],
        "cleared": [("vitals", VITALS), ("start", {"clinician_id": clinic.clinician_id})],
        "running": [("complete", {})],
        "completed": [("dose", GIVEN_DOSE), ("vitals", VITALS)],
        "recovering": [
            ("dose", GIVEN_DOSE),
            ("vitals", VITALS),
            ("discharge", {"oriented": True}),
            ("discharge", {"oriented": True}),
        ],
    }
    step, body = dice.choice(steps[visit["state"]])
    return path(visit, step), body


def assert_it_holds(series: dict[str, Any]) -> None:
    standing = [visit for visit in series["appointments"] if visit["state"] not in LOST]
    for earlier, later in pairwise(standing):
        days = local_day(later) - local_day(earlier)
        beside = later["sequence_no"] - earlier["sequence_no"] == 1
        assert 2 <= days <= 7 or (days > 7 and not beside)
    for visit in series["appointments"]:
        started = visit["state"] in STARTED
        assert started == (visit["infusion_id"] is not None)
        if started:
            assert visit["ride"]
            assert visit["fasted"]
            assert visit["cleared_at"]
            assert local_day(visit) == local_day(visit, "started_at")
        if visit["state"] == "discharged":
            assert visit["ride_seen"]
            assert visit["no_drive_until"]
    assert len(standing) <= series["planned_infusions"]
    given = sum(visit["state"] in GIVEN and visit["ran"] is True for visit in standing)
    done = given == len(standing) and given >= 6
    assert (series["state"] == "completed") == done


@pytest.mark.parametrize("seed", [0, 1, 2, None], ids=["first", "second", "third", "fresh"])
async def test_what_must_hold_holds_through_any_life(
    clinic: Clinic, clock: FixedClock, seed: int | None
) -> None:
    seed = fresh_seed() if seed is None else seed
    try:
        ended = await live(clinic, clock, random.Random(seed))  # noqa: S311  # can be had again
    except Exception as error:
        error.add_note(how_to_repeat(seed))
        raise
    assert ended, "a life in which nothing happens proves nothing"


async def live(clinic: Clinic, clock: FixedClock, dice: random.Random) -> int:
    """Two series of one clinic; how many infusions came to their end."""
    chair_id = await clinic.chair()
    two = [await clinic.series(every(3, 6)), await clinic.series(every(3, 8), chair_id=chair_id)]
    for visit in [visit for series in two for visit in series["appointments"]]:
        await clinic.plan_dose(visit)
    answered: Counter[int] = Counter()
    for _ in range(STEPS):
        visits = [visit for series in two for visit in series["appointments"]]
        asked = due_wish(visits, clinic, dice) if dice.random() < SENSIBLE else None
        if asked is None and dice.random() < MISSING:
            asked = missing_wish(dice.choice(two), clinic, dice)
        answered[(await clinic.send(*(asked or any_wish(visits, clinic, dice)))).status_code] += 1
        two = [await clinic.get(f"/series/{series['series_id']}") for series in two]
        for series in two:
            assert_it_holds(series)
        clock.step(timedelta(minutes=dice.choice([0, 5, 40])))
    assert set(answered) == {201, 409}
    ended = 0
    for series in two:
        kinds = Counter(await clinic.kinds_said(series["patient_id"]))
        states = Counter(visit["state"] for visit in series["appointments"])
        ended += states["discharged"]
        assert kinds["InfusionStarted"] == sum(states[state] for state in STARTED)
        assert kinds["InfusionCompleted"] == sum(
            visit["state"] in GIVEN and visit["ran"] is True for visit in series["appointments"]
        )
        assert kinds["PatientDischarged"] == states["discharged"]
        assert kinds["SeriesCompleted"] == (series["state"] == "completed")
    return ended
