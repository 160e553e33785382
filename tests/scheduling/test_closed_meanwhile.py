"""A place that closes, loses nurses or a chair while a visit is being booked or is held there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.scheduling.conftest import Clinic, every
from tests.scheduling.races import until_waiting
from tests.scheduling.test_holds import booking, plan

ALL_WEEK = range(1, 8)


def closure(clinic: Clinic) -> tuple[str, dict[str, Any]]:
    wish = {"first_on": "2026-10-13", "last_on": "2026-10-13", "reason": "Holiday, made up"}
    return f"/locations/{clinic.location_id}/closures", wish


def roster(clinic: Clinic, first: str = "2026-10-13") -> tuple[str, dict[str, Any]]:
    """Nurses who have gone home by the time of every visit here."""
    gone = {"from": "00:00", "until": "06:00", "nurses": 1}
    wish = {
        "effective_from": first,
        "chairs_per_nurse": 1,
        "shifts": [gone | {"weekday": n} for n in ALL_WEEK],
        "source": "made up",
    }
    return f"/locations/{clinic.location_id}/rosters", wish


def hours(clinic: Clinic) -> tuple[str, dict[str, Any]]:
    wish = {
        "visit_type": "ketamine_mood",
        "effective_from": "2026-10-13",
        "windows": [{"weekday": n, "from": "06:00", "until": "07:00"} for n in ALL_WEEK],
        "source": "made up",
    }
    return f"/locations/{clinic.location_id}/opening-hours", wish


def out(clinic: Clinic) -> tuple[str, dict[str, Any]]:
    return f"/chairs/{clinic.chair_id}/out-of-service", {"reason": "The pump broke."}


CHANGES = {"closed": closure, "nurses_busy": roster, "opening_hours": hours, "chair_out": out}


@asynccontextmanager
async def chairs_are_held(clinic: Clinic) -> AsyncIterator[None]:
    """Whoever books stops where the chairs are taken, after the place's days were looked at."""
    async with clinic.engine.begin() as other:
        await other.execute(
            text("SELECT 1 FROM chairs WHERE chair_id = :id FOR NO KEY UPDATE"),
            {"id": clinic.chair_id},
        )
        yield


async def displaced(clinic: Clinic) -> list[dict[str, Any]]:
    items = (await clinic.get("/displaced-visits", location_id=clinic.location_id))["items"]
    return list(items)


async def attempt(clinic: Clinic, path: str) -> httpx.Response:
    patient_id = await clinic.patient()
    if path == "/holds":
        return await clinic.send(path, plan(clinic, patient_id))
    return await clinic.send(path, clinic.wish(patient_id, every(3, 6)))


@pytest.mark.parametrize("path", ["/series", "/holds"])
@pytest.mark.parametrize("kind", ["closed", "nurses_busy"])
async def test_what_is_recorded_while_somebody_books_names_what_was_booked_meanwhile(
    clinic: Clinic, kind: str, path: str
) -> None:
    """The booking has looked at the days already, and the closure comes before it is stored."""
    async with chairs_are_held(clinic):
        books = asyncio.create_task(attempt(clinic, path))
        await until_waiting(clinic, 1)
        change = asyncio.create_task(clinic.send(*CHANGES[kind](clinic)))
        await until_waiting(clinic, 2)
    booked, changed = await asyncio.gather(books, change)
    assert (booked.status_code, changed.status_code) == (201, 201), booked.text + changed.text
    stands = [each["starts_at"] for each in booked.json()["appointments"][2:]]
    touched = changed.json()["touches"]
    assert [each["starts_at"] for each in touched] == (stands[:1] if kind == "closed" else stands)
    holds = {booked.json()["hold_id"]} if path == "/holds" else {None}
    assert {each["hold_id"] for each in touched} == holds
    assert [each["starts_at"] for each in await displaced(clinic)] == [
        each["starts_at"] for each in touched
    ]


@pytest.mark.parametrize("path", ["/series", "/holds"])
@pytest.mark.parametrize("kind", CHANGES)
async def test_many_who_book_while_the_place_changes_are_refused_or_named(
    clinic: Clinic, kind: str, path: str
) -> None:
    """Whatever comes first: nobody stands there without a word."""
    clinic_chairs = [clinic.chair_id, *[await clinic.chair() for _ in range(5)]]
    patients = [await clinic.patient() for _ in clinic_chairs]
    wishes = [
        clinic.wish(each, every(3, 6), chair_id=chair)
        for each, chair in zip(patients, clinic_chairs, strict=True)
    ]
    keys = ("patient_id", "location_id", "visit_type", "appointments")
    if path == "/holds":
        wishes = [{key: wish[key] for key in keys} for wish in wishes]
    half = len(wishes) // 2
    answers = await asyncio.gather(
        *(clinic.send(path, wish) for wish in wishes[:half]),
        clinic.send(*CHANGES[kind](clinic)),
        *(clinic.send(path, wish) for wish in wishes[half:]),
    )
    changed = answers.pop(half)
    assert changed.status_code == 201, changed.text
    named = {(each["patient_id"], each["starts_at"]) for each in await displaced(clinic)}
    for answer, patient_id, chair in zip(answers, patients, clinic_chairs, strict=True):
        if answer.status_code == 409:
            rules = {each["rule"] for each in answer.json()["violations"]}
            assert rules == {kind}
            continue
        assert answer.status_code == 201, answer.text
        starts = [each["starts_at"] for each in answer.json()["appointments"]]
        if kind == "closed":
            stands = starts[2:3]
        elif kind == "chair_out":
            stands = starts if chair == clinic.chair_id else []
        else:
            stands = starts[2:]
        assert {start for whose, start in named if whose == patient_id} == set(stands)


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_hold_where_no_place_is_left_is_named_and_not_booked(
    clinic: Clinic, kind: str
) -> None:
    hold = await clinic.post("/holds", plan(clinic, await clinic.patient()))
    changed = await clinic.post(*CHANGES[kind](clinic))
    touched = {each["hold_id"] for each in changed["touches"]}
    assert touched == {hold["hold_id"]}
    listed = await displaced(clinic)
    assert {(each["hold_id"], *(why["rule"] for why in each["why"])) for each in listed} == {
        (hold["hold_id"], kind)
    }
    path = f"/holds/{hold['hold_id']}"
    refused = await clinic.refused(f"{path}/book", booking(clinic))
    assert set(refused) == {(kind, "hold_id")}
    await clinic.post(f"{path}/release", {})
    assert await displaced(clinic) == []


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_visit_where_no_place_is_left_is_on_the_list_until_it_is_moved(
    clinic: Clinic, kind: str
) -> None:
    visits = (await clinic.series(every(3, 6)))["appointments"]
    changed = await clinic.post(*CHANGES[kind](clinic))
    listed = await displaced(clinic)
    assert [each["appointment_id"] for each in listed] == [
        each["appointment_id"] for each in changed["touches"]
    ]
    assert {why["rule"] for each in listed for why in each["why"]} == {kind}
    assert all(each["do"] and why["source"] for each in listed for why in each["why"])
    third = visits[2]["appointment_id"]
    assert third in {each["appointment_id"] for each in listed}
    await clinic.post(f"/appointments/{third}/cancel", {"reason": "clinic_asked"})
    assert third not in {each["appointment_id"] for each in await displaced(clinic)}


async def test_who_is_checked_in_is_named_by_a_closure_of_today(clinic: Clinic) -> None:
    visit = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.check_in(visit)
    path, wish = closure(clinic)
    changed = await clinic.post(path, wish | {"first_on": "2026-10-07", "last_on": "2026-10-07"})
    assert [each["appointment_id"] for each in changed["touches"]] == [visit["appointment_id"]]


async def test_a_roster_that_is_taken_back_leaves_its_visits_on_the_list(clinic: Clinic) -> None:
    """A smaller one was to be replaced by a larger one, by which somebody was booked."""
    await clinic.post(*roster(clinic, "2026-10-06"))
    path, wish = roster(clinic, "2026-10-07")
    all_day = {"from": "00:00", "until": "24:00", "nurses": 1}
    wish["shifts"] = [all_day | {"weekday": n} for n in ALL_WEEK]
    larger = await clinic.post(path, wish)
    visits = (await clinic.series(every(3, 6)))["appointments"]
    assert await displaced(clinic) == []
    await clinic.post("/withdrawn-figures", {"kind": "roster", "id": larger["roster_id"]})
    assert [each["appointment_id"] for each in await displaced(clinic)] == [
        each["appointment_id"] for each in visits
    ]
