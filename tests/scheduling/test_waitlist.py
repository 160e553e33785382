"""A freed chair goes to those who wait: first to whom it saves a gap, then first come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


def any_time(days: int = 40) -> list[dict[str, str]]:
    return [{"from": NOON.isoformat(), "until": (NOON + days * DAY).isoformat()}]


async def wait(clinic: Clinic, series: dict[str, Any], **fields: object) -> Any:
    wish = {
        "patient_id": series["patient_id"],
        "location_id": clinic.location_id,
        "visit_type": "ketamine_mood",
        "windows": any_time(),
    } | fields
    return await clinic.post("/waitlist", wish)


async def lacking(clinic: Clinic, first: datetime, days: int, lost: int) -> dict[str, Any]:
    """A series in a chair of its own that lost one infusion."""
    series: dict[str, Any] = await clinic.series(
        every(days, 6, first), chair_id=await clinic.chair()
    )
    await clinic.step(series["appointments"][lost - 1], "cancel", {"reason": "clinic_asked"})
    await clinic.let_fall_due()
    return series


async def offers(clinic: Clinic, state: str = "open") -> list[dict[str, Any]]:
    found = (await clinic.get("/offers", location_id=clinic.location_id))["items"]
    return [each for each in found if each["state"] == state]


async def free_one(clinic: Clinic, series: dict[str, Any], number: int = 2) -> dict[str, Any]:
    visit: dict[str, Any] = series["appointments"][number - 1]
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    await clinic.let_fall_due()
    return visit


async def test_a_freed_chair_is_offered_first_to_those_whose_gap_would_break(
    clinic: Clinic,
) -> None:
    booked = await clinic.series(every(3, 6))
    early = await lacking(clinic, NOON + HOUR, 3, 6)  # lacks its last, which is due much later
    broken = await lacking(clinic, NOON + 2 * HOUR, 4, 2)  # eight days from the 7th to the 15th
    first = await wait(clinic, early)
    second = await wait(clinic, broken)
    freed = await free_one(clinic, booked)  # on the 10th
    [offer] = await offers(clinic)  # on the 10th only the broken series can have an infusion
    assert offer["patient_id"] == broken["patient_id"]
    assert (offer["chair_id"], offer["starts_at"]) == (clinic.chair_id, freed["starts_at"])
    kind, event = (await clinic.said(broken["patient_id"]))[-1]
    assert (kind, event["offer_id"]) == ("ChairOffered", offer["offer_id"])
    assert first["wish_id"] != second["wish_id"]
    added = await clinic.post(f"/offers/{offer['offer_id']}/accept", {})
    assert (added["sequence_no"], added["starts_at"]) == (7, freed["starts_at"])
    waiting = (await clinic.get("/waitlist", location_id=clinic.location_id))["items"]
    assert [each["wish_id"] for each in waiting] == [first["wish_id"]]


async def movers(clinic: Clinic, count: int) -> list[dict[str, Any]]:
    """Wishes to have the first visit, of the 8th and later, a day sooner."""
    wishes = []
    for _ in range(count):
        series = await clinic.series(every(3, 6, NOON + DAY + HOUR), chair_id=await clinic.chair())
        first = series["appointments"][0]["appointment_id"]
        wishes.append(await wait(clinic, series, appointment_id=first))
        clinic.clock.step(timedelta(seconds=1))
    return wishes


async def test_offers_go_to_several_and_the_first_who_accepts_has_the_chair(
    clinic: Clinic,
) -> None:
    booked = await clinic.series(every(3, 6))
    wishes = await movers(clinic, 5)
    await free_one(clinic, booked, 1)
    made = await offers(clinic)
    assert [each["wish_id"] for each in made] == [each["wish_id"] for each in wishes[:3]]
    answers = await asyncio.gather(
        *(clinic.send(f"/offers/{each['offer_id']}/accept", {}) for each in made)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    lost = [answer.json()["violations"] for answer in answers if answer.status_code == 409]
    assert [[each["rule"] for each in violations] for violations in lost] == [["offer_lost"]] * 2
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (won["chair_id"], won["starts_at"]) == (clinic.chair_id, "2026-10-07T16:00:00Z")
    assert await offers(clinic) == []
    await clinic.let_fall_due()
    assert len(await offers(clinic, "taken")) == 1


async def test_offers_that_nobody_takes_run_out_and_the_next_are_asked(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    wishes = await movers(clinic, 5)
    await free_one(clinic, booked, 1)
    made = await offers(clinic)
    clinic.clock.step(timedelta(minutes=15))
    late = f"/offers/{made[0]['offer_id']}/accept"
    assert await clinic.refused(late, {}) == [("offer_expired", "offer_id")]
    await clinic.let_fall_due()
    assert await clinic.refused(late, {}) == [("offer_expired", "offer_id")]
    again = await offers(clinic)
    assert [each["wish_id"] for each in again] == [each["wish_id"] for each in wishes[3:]]
    clinic.clock.step(timedelta(minutes=15))
    await clinic.let_fall_due()
    assert await offers(clinic) == []
    assert len(await offers(clinic, "expired")) == 5


async def test_who_declines_goes_on_waiting_and_who_leaves_does_not(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    await movers(clinic, 2)
    await free_one(clinic, booked, 1)
    one, other = await offers(clinic)
    declined = await clinic.post(f"/offers/{one['offer_id']}/decline", {})
    assert declined["state"] == "declined"
    accept = f"/offers/{one['offer_id']}/accept"
    assert await clinic.refused(accept, {}) == [("offer_declined", "offer_id")]
    left = await clinic.post(f"/waitlist/{other['wish_id']}/withdraw", {})
    assert left["state"] == "withdrawn"
    gone = f"/offers/{other['offer_id']}/accept"
    assert await clinic.refused(gone, {}) == [("offer_declined", "offer_id")]
    waiting = (await clinic.get("/waitlist", location_id=clinic.location_id))["items"]
    assert [each["wish_id"] for each in waiting] == [one["wish_id"]]
    twice = await clinic.refused(f"/waitlist/{other['wish_id']}/withdraw", {})
    assert twice == [("wish_over", "wish_id")]


@pytest.mark.parametrize("how", ["moved", "sent home", "stopped", "missed"])
async def test_every_way_in_which_a_chair_becomes_free_is_noticed(clinic: Clinic, how: str) -> None:
    chair = await clinic.chair()
    booked = await clinic.series(every(3, 6), chair_id=chair)
    pain = None
    if how in {"sent home", "missed"}:  # what is left of four hours is enough for another
        pain = await clinic.series(
            every(1, 3), visit_type="ketamine_pain", chair_id=await clinic.chair()
        )
    series = await clinic.series(every(3, 6, NOON + DAY + HOUR), chair_id=await clinic.chair())
    await wait(clinic, series, appointment_id=series["appointments"][0]["appointment_id"])
    first = booked["appointments"][0]
    if how == "moved":
        await clinic.step(first, "move", {"starts_at": (NOON + 3 * HOUR).isoformat()})
    elif how == "stopped":
        await clinic.post(f"/series/{booked['series_id']}/stop", {"reason": "No relief."})
    elif how == "sent home":
        assert pain
        visit = pain["appointments"][0]
        clinic.be_there(visit)
        await clinic.step(visit, "check-in", {"fasted": False})
        await clinic.step(visit, "send-home", {"reason": "not_fasted"})
    else:
        assert pain
        clinic.be_there(pain["appointments"][0], late=timedelta(minutes=5))
        await clinic.step(pain["appointments"][0], "cancel", {"reason": "no_show"})
    await clinic.let_fall_due()
    made = await offers(clinic)
    assert len(made) >= 1
    soonest = datetime.fromisoformat(made[0]["starts_at"])
    if pain:
        assert soonest >= clinic.clock.now() + timedelta(hours=2), "nobody has fasted yet"
    else:
        assert soonest == NOON


async def test_nobody_is_asked_at_night(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    await movers(clinic, 1)
    clinic.clock.step_to(datetime(2026, 10, 6, 1, 0, tzinfo=UTC))  # 21:00 in Alexandria
    await free_one(clinic, booked, 1)
    assert await offers(clinic) == []
    clinic.clock.step_to(datetime(2026, 10, 6, 12, 0, tzinfo=UTC))
    await clinic.let_fall_due()
    [offer] = await offers(clinic)
    assert offer["offered_at"] == "2026-10-06T12:00:00Z"


async def test_nothing_is_offered_outside_a_patient_s_times_or_gaps(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    early = await lacking(clinic, NOON + HOUR, 4, 2)
    windows = [{"from": NOON.isoformat(), "until": (NOON + HOUR).isoformat()}]
    await wait(clinic, early, windows=windows)
    crowded = await lacking(clinic, NOON + 2 * HOUR, 3, 6)
    await wait(clinic, crowded)
    await free_one(clinic, booked)
    assert await offers(clinic) == []


async def test_a_chair_that_somebody_booked_meanwhile_is_refused_to_all(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6))
    await movers(clinic, 1)
    freed = await free_one(clinic, booked, 1)
    [offer] = await offers(clinic)
    taken = datetime.fromisoformat(freed["starts_at"])
    await clinic.series([taken, *every(3, 5, taken + 3 * DAY + HOUR)])
    broken = await clinic.refused(f"/offers/{offer['offer_id']}/accept", {})
    assert broken == [("chair_taken", "chair_id")]
    clinic.clock.step(timedelta(minutes=15))
    await clinic.let_fall_due()
    assert await offers(clinic) == []


async def test_what_nobody_can_wait_for(clinic: Clinic) -> None:
    series = await clinic.series()
    wish = {
        "patient_id": series["patient_id"],
        "location_id": clinic.location_id,
        "visit_type": "ketamine_mood",
        "windows": any_time(),
    }
    nothing = [("nothing_to_wait_for", "appointment_id")]
    assert await clinic.refused("/waitlist", wish) == nothing
    stranger = wish | {"appointment_id": str(uuid4())}
    assert await clinic.refused("/waitlist", stranger) == nothing
    past = {"from": "2026-10-01T12:00:00Z", "until": "2026-10-02T12:00:00Z"}
    backwards = {"from": "2026-10-09T12:00:00Z", "until": "2026-10-08T12:00:00Z"}
    visit = series["appointments"][0]["appointment_id"]
    wrong = wish | {"appointment_id": visit, "windows": [past, backwards]}
    assert await clinic.refused("/waitlist", wrong) == [
        ("window", "windows.0"),
        ("window", "windows.1"),
    ]
    nobody = wish | {"patient_id": str(uuid4()), "location_id": str(uuid4())}
    assert {rule for rule, _ in await clinic.refused("/waitlist", nobody)} == {
        "unknown_patient",
        "unknown_location",
        "nothing_to_wait_for",
    }
    for path in (f"/offers/{uuid4()}/accept", f"/offers/{uuid4()}/decline"):
        assert (await clinic.send(path, {})).status_code == 404


async def test_a_wish_of_which_every_time_has_passed_waits_no_more(clinic: Clinic) -> None:
    series = await lacking(clinic, NOON, 3, 6)
    until = NOON + 2 * DAY
    short = [
        {"from": NOON.isoformat(), "until": (NOON + DAY).isoformat()},
        {"from": NOON.isoformat(), "until": until.isoformat()},
    ]
    over = await wait(clinic, series, windows=short)
    body = {key: over[key] for key in ("patient_id", "location_id", "visit_type", "windows")}
    assert await clinic.refused("/waitlist", body) == [("waits_already", "patient_id")]
    longer = await wait(clinic, await lacking(clinic, NOON + HOUR, 3, 6))

    async def listed(**state: str) -> list[str]:
        asked = {"location_id": clinic.location_id, **state}
        return [each["wish_id"] for each in (await clinic.get("/waitlist", **asked))["items"]]

    clinic.clock.step_to(until - HOUR)
    await clinic.let_fall_due()
    assert await listed() == [over["wish_id"], longer["wish_id"]]
    clinic.clock.step_to(until)
    await clinic.let_fall_due()
    assert await listed() == [longer["wish_id"]]
    assert await listed(state="expired") == [over["wish_id"]]
    assert await clinic.refused(f"/waitlist/{over['wish_id']}/withdraw", {}) == [
        ("wish_over", "wish_id")
    ]
    await clinic.post(f"/waitlist/{longer['wish_id']}/withdraw", {})
    clinic.clock.step_to(NOON + 50 * DAY)
    await clinic.let_fall_due()
    assert await listed(state="withdrawn") == [longer["wish_id"]]
    assert await listed(state="expired") == [over["wish_id"]]


async def test_when_all_who_were_asked_decline_the_next_are_asked_at_once(clinic: Clinic) -> None:
    booked = await clinic.series(every(3, 6, NOON + HOUR))
    await movers(clinic, 4)
    await free_one(clinic, booked, 1)
    asked = await offers(clinic)
    at_once = len(asked)
    assert 0 < at_once < 4
    for offer in asked:
        await clinic.post(f"/offers/{offer['offer_id']}/decline", {})
    await clinic.let_fall_due()
    next_ones = await offers(clinic)
    assert len(next_ones) == 4 - at_once
    assert {each["wish_id"] for each in next_ones}.isdisjoint(each["wish_id"] for each in asked)
