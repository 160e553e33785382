"""Infusions that are lost: sent home, missed, and the one that is given in their place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.scheduling.rules.outcomes.places import Drip, broken_by_before_infusion
from services.scheduling.rules.visits.life import VisitState
from shared.auth import Role
from tests.scheduling.conftest import NOON, Clinic, bearer, every

STATE = ("visit_state", "appointment_id")
REASONS = [
    "not_fasted", "no_ride", "unwell", "blood_pressure", "patient_asked", "clinic_asked"
]  # fmt: skip


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


async def send_home(clinic: Clinic, visit: dict[str, Any], reason: str = "unwell") -> Any:
    """A visit whose patient came and goes home without an infusion."""
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": False})
    return await clinic.step(visit, "send-home", {"reason": reason})


async def book_missing(
    clinic: Clinic, series: dict[str, Any], starts_at: datetime, **how: Any
) -> Any:
    wish = {"chair_id": clinic.chair_id, "starts_at": starts_at.isoformat()}
    return await clinic.post(f"/series/{series['series_id']}/appointments", wish, **how)


async def refused_missing(
    clinic: Clinic, series: dict[str, Any], starts_at: datetime, **fields: object
) -> list[tuple[str, str]]:
    wish = {"chair_id": clinic.chair_id, "starts_at": starts_at.isoformat()} | fields
    return await clinic.refused(f"/series/{series['series_id']}/appointments", wish)


@pytest.mark.parametrize("reason", REASONS)
async def test_a_patient_is_sent_home_and_only_the_clinic_keeps_why(
    clinic: Clinic, reason: str
) -> None:
    series = await clinic.series()
    sent = await send_home(clinic, series["appointments"][0], reason)
    assert (sent["state"], sent["sent_home_reason"]) == ("sent_home", reason)
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert kind == "PatientSentHome"
    assert event == {
        "patient_id": series["patient_id"],
        "appointment_id": sent["appointment_id"],
        "location_id": clinic.location_id,
        "sent_home_at": "2026-10-07T16:00:00Z",
        "revision": 1,
    }
    [row] = await clinic.rows(
        "SELECT a::text FROM appointments AS a WHERE appointment_id = :id",
        id=sent["appointment_id"],
    )
    assert reason not in row[0]
    assert reason.encode().hex() not in row[0]


async def test_who_is_sent_home_is_not_charged_and_the_series_stays_open(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    sent = await send_home(clinic, visit)
    assert sent["infusion_id"] is None
    assert "InfusionCompleted" not in await clinic.kinds_said(series["patient_id"])
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "booked"
    for step, body in (
        ("start", {"clinician_id": clinic.clinician_id}),
        ("ride", {"mode": "rideshare"}),
        ("check-in", {"fasted": True}),
        ("send-home", {"reason": "unwell"}),
    ):
        assert STATE in await clinic.refused(path(visit, step), body)


async def test_the_chair_of_who_is_sent_home_is_free(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    await send_home(clinic, visit)
    soon = clinic.clock.now() + timedelta(minutes=5)
    await clinic.series([soon, *every(3, 5, NOON + timedelta(days=3, hours=2))])


async def test_only_who_is_checked_in_is_sent_home(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    assert await clinic.refused(path(visit, "send-home"), {"reason": "unwell"}) == [STATE]
    await clinic.check_in(visit)
    await clinic.step(visit, "start", {"clinician_id": clinic.clinician_id})
    assert await clinic.refused(path(visit, "send-home"), {"reason": "unwell"}) == [STATE]
    unsaid = await clinic.send(path(visit, "send-home"), {})
    assert unsaid.status_code == 422
    unknown = await clinic.send(f"/appointments/{uuid4()}/send-home", {"reason": "unwell"})
    assert unknown.status_code == 404


async def test_a_visit_is_missed_only_once_its_time_has_come(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    missed = {"reason": "no_show"}
    assert await clinic.refused(path(visit, "cancel"), missed) == [("not_missed_yet", "reason")]
    clinic.be_there(visit, late=timedelta(minutes=15))
    assert (await clinic.step(visit, "cancel", missed))["state"] == "no_show"


@pytest.mark.parametrize("how", ["sent home", "cancelled", "missed"])
async def test_a_series_that_lost_an_infusion_completes_with_the_one_in_its_place(
    clinic: Clinic, how: str
) -> None:
    series = await clinic.series()
    lost, *rest = series["appointments"]
    if how == "sent home":
        await send_home(clinic, lost)
    else:
        clinic.be_there(lost)
        reason = "patient_asked" if how == "cancelled" else "no_show"
        await clinic.step(lost, "cancel", {"reason": reason})
    last = datetime.fromisoformat(rest[-1]["starts_at"])
    added = await book_missing(clinic, series, last + timedelta(days=3))
    assert (added["state"], added["sequence_no"], added["revision"]) == ("booked", 7, 0)
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["appointment_id"]) == ("AppointmentBooked", added["appointment_id"])
    assert event["sequence_no"] == 7
    for visit in rest:
        await clinic.given(visit)
    assert "SeriesCompleted" not in await clinic.kinds_said(series["patient_id"])
    await clinic.given(added)
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["infusions_completed"]) == ("SeriesCompleted", 6)


async def test_the_missing_infusion_may_stand_where_the_lost_one_stood(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    lost = series["appointments"][2]
    await clinic.step(lost, "cancel", {"reason": "patient_asked"})
    there = datetime.fromisoformat(lost["starts_at"]) + timedelta(hours=1)
    added = await book_missing(clinic, series, there)
    assert added["advice"] == []
    shown = await clinic.get(f"/series/{series['series_id']}")
    assert [visit["sequence_no"] for visit in shown["appointments"]] == [1, 2, 3, 7, 4, 5, 6]
    beyond = {"starts_at": (there + timedelta(days=4)).isoformat()}
    broken = await clinic.refused(path(added, "move"), beyond)
    assert ("series_gap", "starts_at") in broken or ("series_order", "starts_at") in broken


@pytest.mark.parametrize(
    ("days", "broken"),
    [
        (1, ("series_gap", "starts_at")),
        (8, ("series_gap", "starts_at")),
        (-1, ("series_gap", "starts_at")),
        (0, ("chair_taken", "chair_id")),
        (-30, ("bookable_time", "starts_at")),
    ],
)
async def test_the_missing_infusion_keeps_the_gaps(
    clinic: Clinic, days: int, broken: tuple[str, str]
) -> None:
    series = await clinic.series()
    await clinic.step(series["appointments"][1], "cancel", {"reason": "clinic_asked"})
    last = datetime.fromisoformat(series["appointments"][-1]["starts_at"])
    assert broken in await refused_missing(clinic, series, last + timedelta(days=days))
    assert await clinic.get(f"/series/{series['series_id']}") != series
    await book_missing(clinic, series, last + timedelta(days=2))


async def test_a_series_gets_back_as_many_as_it_lost_and_no_more(clinic: Clinic) -> None:
    series = await clinic.series()
    last = datetime.fromisoformat(series["appointments"][-1]["starts_at"])
    whole = await refused_missing(clinic, series, last + timedelta(days=3))
    assert whole == [("series_whole", "series_id")]
    await clinic.step(series["appointments"][-1], "cancel", {"reason": "clinic_asked"})
    await book_missing(clinic, series, last + timedelta(days=1))
    again = await refused_missing(clinic, series, last + timedelta(days=4))
    assert again == [("series_whole", "series_id")]


async def test_a_series_that_is_over_gets_no_infusion(clinic: Clinic) -> None:
    series = await clinic.series()
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "No relief."})
    assert await refused_missing(clinic, series, NOON) == [("series_state", "series_id")]
    unknown = {"series_id": str(uuid4())}
    answer = await clinic.send(
        f"/series/{unknown['series_id']}/appointments",
        {"chair_id": clinic.chair_id, "starts_at": NOON.isoformat()},
    )
    assert answer.status_code == 404


def test_a_form_comes_after_the_infusion_given_before_it_whatever_its_number() -> None:
    given = [NOON + timedelta(days=3 * n) for n in range(3)]
    stops = [start + timedelta(minutes=40) for start in given]
    first, added, second = (
        Drip(number, VisitState.COMPLETED, start, stop)
        for number, start, stop in zip((1, 7, 2), given, stops, strict=True)
    )
    drips = [first, added, second]
    assert broken_by_before_infusion(added, drips, stops[0]) == []
    [early] = broken_by_before_infusion(second, drips, stops[0])
    assert early.rule == "taken_too_early"
    assert "Infusion 7 was not over" in early.detail


async def test_who_books_and_who_sends_home(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": True})
    clinic.headers = bearer(Role.PRESCRIBER, Role.BILLER)
    for place in (path(visit, "send-home"), f"/series/{series['series_id']}/appointments"):
        assert (await clinic.send(place, {"reason": "unwell"})).status_code == 403
    clinic.headers = bearer(Role.NURSE)
    assert (await clinic.step(visit, "send-home", {"reason": "no_ride"}))["state"] == "sent_home"
