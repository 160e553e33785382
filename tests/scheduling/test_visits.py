"""One visit from its booking to the driving ban."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.clock import FixedClock
from tests.scheduling.conftest import LOCATION, NOON, Clinic, every

STATE = ("visit_state", "appointment_id")


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


def at(moment: datetime, **more: object) -> dict[str, object]:
    return {"starts_at": moment.isoformat(), **more}


async def test_a_moved_visit_keeps_its_identity_and_counts_a_revision(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][1]
    moved = await clinic.step(visit, "move", at(NOON + timedelta(days=4)))
    assert moved["appointment_id"] == visit["appointment_id"]
    assert moved["revision"] == 1
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert kind == "AppointmentMoved"
    assert event["previous_starts_at"] == visit["starts_at"]
    assert event["starts_at"] == moved["starts_at"] == "2026-10-11T16:00:00Z"
    assert event["ends_at"] == "2026-10-11T16:50:00Z"


async def test_a_moved_visit_frees_its_old_time_and_holds_its_new_one(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    hour = timedelta(hours=1)
    for visit, start in zip(series["appointments"], every(3, 6, NOON + hour), strict=True):
        await clinic.step(visit, "move", at(start))
    other = await clinic.patient()
    refused = await clinic.refused("/series", clinic.wish(other, every(3, 6, NOON + hour)))
    assert {rule for rule, _ in refused} == {"chair_taken"}
    await clinic.series(every(3, 6), patient_id=other)


async def test_a_visit_may_move_into_its_own_old_time(clinic: Clinic) -> None:
    series = await clinic.series()
    moved = await clinic.step(series["appointments"][0], "move", at(NOON + timedelta(minutes=20)))
    assert moved["starts_at"] == "2026-10-07T16:20:00Z"


async def test_a_visit_may_move_to_another_chair_of_its_location_only(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    chair_id = await clinic.chair()
    moved = await clinic.step(visit, "move", at(NOON, chair_id=chair_id))
    assert moved["chair_id"] == chair_id
    elsewhere = (await clinic.post("/locations", LOCATION))["location_id"]
    far = (await clinic.post(f"/locations/{elsewhere}/chairs", {"name": "1"}))["chair_id"]
    assert await clinic.refused(path(visit, "move"), at(NOON, chair_id=far)) == [
        ("chair_elsewhere", "chair_id")
    ]


async def test_a_ride_for_the_old_time_is_none_for_the_new_one(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    await clinic.step(visit, "ride", {"mode": "driver", "driver_name": "Testa Driver"})
    moved = await clinic.step(visit, "move", at(NOON + timedelta(minutes=20)))
    assert (moved["ride"], moved["ride_mode"]) == (None, None)
    assert (await clinic.kinds_said(series["patient_id"]))[-1] == "AppointmentMoved"
    clinic.be_there(moved)
    await clinic.plan_dose(visit)
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    assert await clinic.refused(path(visit, "clear"), {}) == [("ride_missing", "ride")]


async def test_another_chair_at_the_same_time_keeps_the_ride_and_tells_nobody(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    ride = await clinic.step(visit, "ride", {"mode": "driver", "driver_name": "Testa Driver"})
    moved = await clinic.step(visit, "move", at(NOON, chair_id=await clinic.chair()))
    assert moved["ride"] == ride["ride"]
    assert moved["revision"] == 1
    assert (await clinic.kinds_said(series["patient_id"]))[-1] == "RideConfirmed"


@pytest.mark.parametrize(
    ("days", "broken"),
    [
        (1, "series_gap"),  # one day after infusion 1
        (5, "series_gap"),  # one day before infusion 3
        (0, "series_order"),
        (6, "series_order"),
        (-3, "bookable_time"),
    ],
)
async def test_a_move_that_breaks_a_hard_gap_or_the_order_is_refused(
    clinic: Clinic, days: int, broken: str
) -> None:
    series = await clinic.series(every(3, 6))
    visit = series["appointments"][1]
    chair_id = await clinic.chair()
    wish = at(NOON + timedelta(days=days), chair_id=chair_id)
    assert (broken, "starts_at") in await clinic.refused(path(visit, "move"), wish)
    assert (await clinic.get(f"/series/{series['series_id']}")) == series


async def test_a_move_beyond_the_advised_gap_is_told(clinic: Clinic) -> None:
    series = await clinic.series()
    moved = await clinic.step(series["appointments"][-1], "move", at(NOON + timedelta(days=19)))
    assert moved["advice"] == [
        "Infusion 6 is 7 local days after infusion 5; the clinic advises at most 5."
    ]


async def test_a_move_onto_another_patient_s_visit_is_refused(clinic: Clinic) -> None:
    await clinic.series(every(3, 6))
    later = await clinic.series(every(3, 6, NOON + timedelta(hours=2)))
    assert await clinic.refused(path(later["appointments"][0], "move"), at(NOON)) == [
        ("chair_taken", "chair_id")
    ]


async def test_a_move_on_a_stale_look_is_refused(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    half = timedelta(minutes=30)
    await clinic.step(visit, "move", at(NOON + half, revision=0))
    stale = at(NOON + 2 * half, revision=0)
    assert await clinic.refused(path(visit, "move"), stale) == [("changed_meanwhile", "revision")]
    cancel = {"reason": "patient_asked", "revision": 0}
    assert await clinic.refused(path(visit, "cancel"), cancel) == [
        ("changed_meanwhile", "revision")
    ]


async def test_a_cancelled_visit_frees_its_chair_and_takes_no_step(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    cancelled = await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    assert (cancelled["state"], cancelled["revision"]) == ("cancelled", 1)
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["reason"]) == ("AppointmentCancelled", "patient_asked")
    clinic.be_there(visit)
    assert await clinic.refused(path(visit, "cancel"), {"reason": "clinic_asked"}) == [STATE]
    assert await clinic.refused(path(visit, "check-in"), {"fasted": True}) == [STATE]


async def test_a_cancelled_visit_that_leaves_a_long_gap_is_told(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    cancelled = await clinic.step(series["appointments"][2], "cancel", {"reason": "patient_asked"})
    [told] = cancelled["advice"]
    assert told.startswith(
        "Infusion 4 is 8 local days after infusion 2; that breaks the longest gap, which is 7 local"
        " days"
    )
    assert "FAQ" in told


async def test_a_start_beyond_the_longest_gap_is_signed_for_and_says_how_long_it_is(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    first, second, third, fourth, *_ = series["appointments"]
    await clinic.given(first)
    for missed in (second, third):
        clinic.be_there(missed, late=timedelta(minutes=40))
        await clinic.step(missed, "cancel", {"reason": "no_show"})
    longer = {"rule": "series_long_gap", "gap_max_days": 9, "reason": "Was ill, made up."}
    by = {"clinician_id": clinic.clinician_id}
    await clinic.post(f"/series/{series['series_id']}/overrides", longer | by)
    await clinic.check_in(fourth)
    [told] = (await clinic.start(fourth))["advice"]
    assert told.startswith("Infusion 4 is 9 local days after infusion 1; the clinic advises")
    read = await clinic.get(f"/series/{series['series_id']}")
    assert told in read["advice"]


async def test_the_series_stop_reason_is_not_for_a_single_visit(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    answer = await clinic.send(path(visit, "cancel"), {"reason": "series_stopped"})
    assert answer.status_code == 422


async def test_a_visit_is_moved_and_cancelled_only_while_booked(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    soon = at(clinic.clock.now() + timedelta(hours=2))
    assert await clinic.refused(path(visit, "move"), soon) == [STATE]
    assert await clinic.refused(path(visit, "cancel"), {"reason": "patient_asked"}) == [STATE]


async def test_a_ride_is_recorded_and_its_driver_kept_off_the_topic(clinic: Clinic) -> None:
    series = await clinic.series()
    ride = {"mode": "driver", "driver_name": "Testa Driver", "driver_phone": "+12025550111"}
    visit = await clinic.step(series["appointments"][0], "ride", ride)
    assert visit["ride"] == ride
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert kind == "RideConfirmed"
    assert set(event) == {"patient_id", "appointment_id", "mode", "confirmed_at"}
    other = await clinic.step(series["appointments"][0], "ride", {"mode": "rideshare"})
    assert other["ride"] == {"mode": "rideshare", "driver_name": None, "driver_phone": None}


async def test_a_driver_without_a_name_is_no_ride(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    assert await clinic.refused(path(visit, "ride"), {"mode": "driver"}) == [
        ("driver_unnamed", "driver_name")
    ]


async def test_a_drip_starts_once(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    wish = {"clinician_id": clinic.clinician_id}
    first = await clinic.post(path(visit, "start"), wish)
    assert await clinic.refused(path(visit, "start"), wish) == [STATE]
    found = await clinic.rows(
        "SELECT infusion_id FROM appointments WHERE appointment_id = :id",
        id=visit["appointment_id"],
    )
    assert [str(row.infusion_id) for row in found] == [first["infusion_id"]]


async def test_a_visit_is_not_given_on_another_day(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    checks_in = path(visit, "check-in")
    assert await clinic.refused(checks_in, {"fasted": True}) == [("visit_day", "starts_at")]
    clinic.be_there(visit, late=timedelta(days=1))
    assert await clinic.refused(checks_in, {"fasted": True}) == [("visit_day", "starts_at")]


async def test_an_infusion_is_completed_once(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    completed = await clinic.infuse(visit)
    assert completed["state"] == "completed"
    assert await clinic.refused(path(visit, "complete"), {}) == [STATE]
    assert "InfusionCompleted" not in await clinic.kinds_said(series["patient_id"])
    await clinic.give(visit)
    said = [event for kind, event in await clinic.said(series["patient_id"])
            if kind == "InfusionCompleted"]  # fmt: skip
    [event] = said
    assert event["started_at"] == "2026-10-07T16:00:00Z"
    assert event["stopped_at"] == "2026-10-07T16:40:00Z"
    assert event["series_id"] == series["series_id"]
    assert event["infusion_id"] == completed["infusion_id"]


async def test_complete_under_the_same_key_is_answered_the_same(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    await clinic.check_in(visit)
    await clinic.step(visit, "start", {"clinician_id": clinic.clinician_id})
    first = await clinic.send(path(visit, "complete"), {}, key="nurse-taps-twice")
    again = await clinic.send(path(visit, "complete"), {}, key="nurse-taps-twice")
    assert first.json() == again.json()
    await clinic.give(visit)
    assert (await clinic.kinds_said(series["patient_id"])).count("InfusionCompleted") == 1


async def test_the_last_infusion_completes_the_series_exactly_once(clinic: Clinic) -> None:
    series = await clinic.series()
    *earlier, last = series["appointments"]
    for visit in earlier:
        await clinic.infuse(visit)
        await clinic.discharge(visit)
    assert "SeriesCompleted" not in await clinic.kinds_said(series["patient_id"])
    await clinic.given(last)
    assert await clinic.refused(path(last, "complete"), {}) == [STATE]
    said = await clinic.said(series["patient_id"])
    [completed] = [event for kind, event in said if kind == "SeriesCompleted"]
    assert completed["infusions_completed"] == 6
    assert completed["prescriber_id"] == clinic.clinician_id
    assert [kind for kind, _ in said][-2:] == ["InfusionCompleted", "SeriesCompleted"]
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "completed"
    discharged = await clinic.discharge(last, dosed=True)
    assert discharged["no_drive_until"] == "2026-10-22T22:40:00Z"
    stop = f"/series/{series['series_id']}/stop"
    assert await clinic.refused(stop, {"reason": "Late."}) == [("series_state", "series_id")]


async def test_a_series_that_lost_one_of_seven_completes_with_six(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 7))
    *given, last = series["appointments"]
    for visit in given:
        await clinic.given(visit)
    await clinic.step(last, "cancel", {"reason": "patient_asked"})
    assert (await clinic.kinds_said(series["patient_id"]))[-2:] == [
        "AppointmentCancelled",
        "SeriesCompleted",
    ]


async def test_a_series_that_fell_short_stays_open_for_a_person_to_stop(clinic: Clinic) -> None:
    series = await clinic.series()
    await clinic.step(series["appointments"][1], "cancel", {"reason": "patient_asked"})
    for visit in [series["appointments"][0], *series["appointments"][2:]]:
        await clinic.given(visit)
    assert "SeriesCompleted" not in await clinic.kinds_said(series["patient_id"])
    stop = f"/series/{series['series_id']}/stop"
    assert (await clinic.post(stop, {"reason": "Five of six."}))["state"] == "stopped"


@pytest.mark.parametrize(
    ("local_start", "until"),
    [
        ("2026-10-31T19:50:00-04:00", "2026-11-01T01:30:00-05:00"),
        ("2027-03-13T19:50:00-05:00", "2027-03-14T03:30:00-04:00"),
    ],
)
async def test_the_driving_ban_through_a_night_of_changing_clocks(
    clinic: Clinic, clock: FixedClock, local_start: str, until: str
) -> None:
    start = datetime.fromisoformat(local_start)
    clock.step_to(start - timedelta(days=4))
    series = await clinic.series(every(2, 6, start))
    visit = series["appointments"][0]
    await clinic.infuse(visit)  # until 20:30 on the wall
    clock.step(timedelta(minutes=25))
    discharged = await clinic.discharge(visit)
    assert datetime.fromisoformat(discharged["no_drive_until"]) == datetime.fromisoformat(until)
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["no_drive_until"]) == ("PatientDischarged", discharged["no_drive_until"])


async def test_a_patient_is_discharged_once_and_only_after_the_drip(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.step(visit, "start", {"clinician_id": clinic.clinician_id})
    assert await clinic.refused(path(visit, "discharge"), {}) == [STATE]
    await clinic.step(visit, "complete")
    await clinic.discharge(visit)
    assert await clinic.refused(path(visit, "discharge"), {"oriented": True}) == [STATE]


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("move", at(NOON)),
        ("cancel", {"reason": "patient_asked"}),
        ("ride", {"mode": "rideshare"}),
        ("check-in", {"fasted": True}),
        ("start", {"clinician_id": str(uuid4())}),
        ("complete", {}),
        ("discharge", {}),
    ],
)
async def test_an_unknown_appointment_is_not_found(
    clinic: Clinic, step: str, body: dict[str, object]
) -> None:
    answer = await clinic.send(f"/appointments/{uuid4()}/{step}", body)
    assert answer.status_code == 404
    assert answer.json()["violations"][0]["rule"] == "unknown_appointment"


async def test_the_day_s_visits_are_listed_a_page_at_a_time(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    span = {
        "from": (NOON + timedelta(days=3)).isoformat(),
        "to": (NOON + timedelta(days=15)).isoformat(),
        "location_id": clinic.location_id,
        "limit": 3,
    }
    first = await clinic.get("/appointments", **span)
    second = await clinic.get("/appointments", **span, cursor=first["next_cursor"])
    listed = [item["sequence_no"] for item in [*first["items"], *second["items"]]]
    assert listed == [2, 3, 4, 5]
    assert second["next_cursor"] is None
    assert "ride" not in first["items"][0]
    other = await clinic.get("/appointments", **span | {"location_id": str(uuid4())})
    assert other["items"] == []
    assert series["series_id"] == first["items"][0]["series_id"]
