"""A series is planned over the API, and a plan is booked as it was proposed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.clock import FixedClock
from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.races import OVERLAPS, RACERS, race

NOTHING_STORED = (
    "SELECT (SELECT count(*) FROM series), (SELECT count(*) FROM appointments),"
    " (SELECT count(*) FROM idempotency_keys)"
)


def booking(clinic: Clinic, patient_id: str, plan: dict[str, Any]) -> dict[str, Any]:
    return clinic.wish(patient_id, [], appointments=plan["appointments"])


async def test_a_proposed_plan_is_booked_as_it_is(clinic: Clinic) -> None:
    await clinic.opens()
    patient = await clinic.patient()
    before = await clinic.rows(NOTHING_STORED)
    answer = await clinic.plans(patient)
    assert await clinic.rows(NOTHING_STORED) == before
    assert answer["infusions"] == 6
    assert (answer["earliest"], answer["latest"]) == ("2026-10-05", "2026-11-09")
    assert (answer["blocked"], answer["between"], answer["nearest"]) == ([], [], [])
    assert len(answer["plans"]) == 3
    for plan in answer["plans"]:
        assert plan["points"] == sum(item["points"] for item in plan["why"])
        assert plan["leaves"] == []
    assert [
        " of 6 dates are not the first plan's" in plan["differs"] for plan in answer["plans"]
    ] == [
        False,
        True,
        True,
    ]
    best = answer["plans"][0]
    assert (
        best["local"][0] == "2026-10-05T12:00:00-04:00"
    )  # a full hour that all six have, and two of notice
    series = await clinic.post("/series", booking(clinic, patient, best))
    assert series["advice"] == best["advice"]
    assert [
        {"chair_id": each["chair_id"], "starts_at": each["starts_at"]}
        for each in series["appointments"]
    ] == best["appointments"]


async def test_a_plan_keeps_to_what_the_patient_asked_for(clinic: Clinic) -> None:
    await clinic.opens()
    answer = await clinic.plans(
        await clinic.patient(),
        infusions=8,
        preferences={
            "weekdays": [1, 3, 5],
            "from": "13:00",
            "until": "16:00",
            "earliest": "2026-10-19",
            "latest": "2026-11-13",
        },
    )
    for plan in answer["plans"]:
        starts = [datetime.fromisoformat(each) for each in plan["local"]]
        assert len(starts) == 8
        assert {start.isoweekday() for start in starts} <= {1, 3, 5}
        assert all("13:00" <= f"{start:%H:%M}" <= "15:10" for start in starts)
        assert starts[0].date().isoformat() >= "2026-10-19"
        assert starts[-1].date().isoformat() <= "2026-11-13"
        assert {start.utcoffset() for start in starts} <= {timedelta(hours=-4), timedelta(hours=-5)}


async def test_a_plan_lies_around_what_is_booked(clinic: Clinic) -> None:
    await clinic.opens("11:00", "13:00")
    await clinic.series(every(3, 6))
    patient = await clinic.patient()
    answer = await clinic.plans(patient, preferences={"earliest": "2026-10-07"})
    for plan in answer["plans"]:
        series = await clinic.post("/series", booking(clinic, patient, plan))
        await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Another."})
    assert await clinic.rows(OVERLAPS) == [(0,)]


async def test_when_no_plan_is_legal_each_date_is_explained_and_the_nearest_can_be_booked(
    clinic: Clinic,
) -> None:
    await clinic.opens()
    await clinic.post(
        f"/locations/{clinic.location_id}/closures",
        {"first_on": "2026-10-12", "last_on": "2026-10-12", "reason": "Holiday"},
    )
    patient = await clinic.patient()
    answer = await clinic.plans(
        patient,
        preferences={"weekdays": [1, 4], "earliest": "2026-10-05", "latest": "2026-10-22"},
    )
    assert answer["plans"] == []
    blocked = {each["date"]: each["rule"] for each in answer["blocked"]}
    assert blocked["2026-10-12"] == "closed"
    assert blocked["2026-10-06"] == "weekday"
    assert "2026-10-08" not in blocked
    assert answer["between"][0]["rule"] == "series_fit"
    nearest = answer["nearest"][0]
    assert len(nearest["leaves"]) == 1
    await clinic.post("/series", booking(clinic, patient, nearest))


async def test_without_hours_on_record_no_time_is_invented(clinic: Clinic) -> None:
    answer = await clinic.plans(await clinic.patient())
    assert answer["plans"] == answer["nearest"] == []
    assert {each["rule"] for each in answer["blocked"]} == {"opening_hours_missing"}


async def test_a_question_without_an_answer_is_refused(clinic: Clinic) -> None:
    series = await clinic.series()
    wish: dict[str, Any] = {
        "patient_id": series["patient_id"],
        "location_id": clinic.location_id,
        "visit_type": "ketamine_mood",
        "infusions": 99,
        "preferences": {"earliest": "2026-10-04", "latest": "2027-10-12"},
    }
    assert await clinic.refused("/plans", wish) == [
        ("series_open", "patient_id"),
        ("series_size", "infusions"),
        ("bookable_time", "preferences.earliest"),
        ("bookable_time", "preferences.latest"),
        ("plan_span", "preferences.latest"),
    ]
    wish |= {"patient_id": await clinic.patient(), "preferences": {}}
    assert await clinic.refused("/plans", wish) == [("series_size", "infusions")]
    unknown = wish | {"patient_id": str(uuid4()), "location_id": str(uuid4())}
    assert await clinic.refused("/plans", unknown) == [
        ("unknown_patient", "patient_id"),
        ("unknown_location", "location_id"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"infusions": -1},
        {"infusions": 100},
        {"visit_type": "No code"},
        {"preferences": {"weekdays": []}},
        {"preferences": {"weekdays": [0]}},
        {"preferences": {"from": "9:00"}},
        {"preferences": {"from": "24:30"}},
        {"preferences": {"from": "12:00", "until": "12:00"}},
        {"preferences": {"earliest": "2026-02-30"}},
        {"preferences": {"latest": "9999-12-31"}},
    ],
)
async def test_a_question_that_is_not_understood_is_told_so(
    clinic: Clinic, wrong: dict[str, Any]
) -> None:
    wish = {
        "patient_id": str(uuid4()),
        "location_id": clinic.location_id,
        "visit_type": "ketamine_mood",
    }
    answer = await clinic.send("/plans", wish | wrong)
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"].startswith(next(iter(wrong)))


async def test_forty_who_plan_for_the_last_chair(clinic: Clinic, clock: FixedClock) -> None:
    """All are proposed the same chair and times; one books them, and the others' next plan fits."""
    await clinic.opens("09:00", "10:00")
    assert isinstance(clock, FixedClock)
    patients = [await clinic.patient() for _ in range(RACERS)]
    wish = {"latest": "2026-10-19"}
    plans = [
        (await clinic.plans(patient, preferences=wish | {"earliest": "2026-10-06"}))["plans"][0]
        for patient in patients
    ]
    assert len({str(plan["appointments"]) for plan in plans}) == 1

    async def plan_and_book(patient: str) -> httpx.Response:
        found = await clinic.plans(patient, preferences=wish | {"earliest": "2026-10-06"})
        plan = (found["plans"] or plans)[0]
        return await clinic.send("/series", booking(clinic, patient, plan))

    won, lost = await race(*(plan_and_book(patient) for patient in patients))
    # What the first leaves free on its days between may make one more series, and no third.
    assert 1 <= len(won) <= 2
    assert lost == {"chair_taken": RACERS - len(won)}
    assert await clinic.rows(OVERLAPS) == [(0,)]
    [(deadlocks,)] = await clinic.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert deadlocks == 0
    loser = next(p for p in patients if p not in {each["patient_id"] for each in won})
    again = await clinic.plans(loser, preferences={"earliest": "2026-10-06"})
    for plan in again["plans"]:
        assert plan["appointments"] not in [each["appointments"] for each in plans]


async def test_forty_who_book_the_last_nurse_in_chairs_of_their_own(clinic: Clinic) -> None:
    await clinic.has_nurses(1, 3)
    chairs = [await clinic.chair() for _ in range(RACERS)]
    patients = [await clinic.patient() for _ in range(RACERS)]
    won, lost = await race(
        *(
            clinic.send("/series", clinic.wish(patient, every(3, 6), chair_id=chair))
            for patient, chair in zip(patients, chairs, strict=True)
        )
    )
    assert len(won) == 3
    assert lost == {"nurses_busy": RACERS - 3}


async def test_many_who_move_to_where_one_nurse_is_left(clinic: Clinic) -> None:
    await clinic.has_nurses(1, 2)
    visits = []
    for n in range(6):
        start = NOON + timedelta(hours=n // 2 + 1)
        chair = await clinic.chair()
        visits.append((await clinic.series(every(3, 6, start), chair_id=chair))["appointments"][0])
    wish = {"starts_at": NOON.isoformat()}
    won, lost = await race(
        *(clinic.send(f"/appointments/{each['appointment_id']}/move", wish) for each in visits)
    )
    assert len(won) == 2
    assert lost == {"nurses_busy": 4}


async def test_planners_at_once_each_get_an_answer(clinic: Clinic) -> None:
    await clinic.opens()
    patients = [await clinic.patient() for _ in range(8)]
    answers = await asyncio.gather(*(clinic.plans(patient) for patient in patients))
    assert all(len(answer["plans"]) == 3 for answer in answers)
