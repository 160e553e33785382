"""No-shows and late cancellations count by the house's figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import Clinic, every


async def figure(clinic: Clinic, name: str, value: int) -> None:
    await clinic.post(
        "/house-figures",
        {"figure": name, "effective_from": "2026-10-05", "value": value, "source": "made up"},
    )


async def missed(clinic: Clinic, series: dict[str, Any]) -> list[tuple[str, int]]:
    rows = await clinic.get(f"/patients/{series['patient_id']}/missed-visits")
    return [(row["kind"], row["notice_min"]) for row in rows]


@pytest.mark.parametrize(
    ("reason", "before", "counted"),
    [
        ("patient_asked", timedelta(hours=24), []),
        ("patient_asked", timedelta(hours=23, minutes=59), [("late_cancel", 1439)]),
        ("patient_asked", timedelta(minutes=-20), [("late_cancel", -20)]),
        ("clinic_asked", timedelta(hours=1), []),
        ("no_show", timedelta(minutes=-15), [("no_show", -15)]),
    ],
)
async def test_a_cancellation_counts_by_who_asked_and_how_late(
    clinic: Clinic, reason: str, before: timedelta, counted: list[tuple[str, int]]
) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    clinic.be_there(visit, late=-before)
    await clinic.step(visit, "cancel", {"reason": reason})
    assert await missed(clinic, series) == counted


async def test_a_patient_misses_a_visit_after_the_grace_that_the_house_gives(
    clinic: Clinic,
) -> None:
    await figure(clinic, "no_show_after_min", 15)
    visit = (await clinic.series())["appointments"][0]
    clinic.be_there(visit, late=timedelta(minutes=14))
    path = f"/appointments/{visit['appointment_id']}/cancel"
    assert await clinic.refused(path, {"reason": "no_show"}) == [("not_missed_yet", "reason")]
    clinic.be_there(visit, late=timedelta(minutes=15))
    await clinic.post(path, {"reason": "no_show"})


async def test_a_visit_that_is_missed_in_a_re_plan_counts_too(clinic: Clinic) -> None:
    await clinic.opens()
    series = await clinic.series(every(3, 6))
    visit = series["appointments"][0]
    clinic.be_there(visit, late=timedelta(hours=1))
    change = {"kind": "cancel", "appointment_id": visit["appointment_id"], "reason": "no_show"}
    proposed = await clinic.post(f"/series/{series['series_id']}/replans", {"change": change})
    assert await missed(clinic, series) == []
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    assert await missed(clinic, series) == [("no_show", -60)]
