"""Who recovers long past the time, or past the place's hours, is told once and listed by age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.scheduling.events import on
from services.scheduling.handlers.visits.overdue import raise_overdue
from services.scheduling.rules.visits.overdue import next_quarter, overdue_from
from services.scheduling.work import LookForOverdueDischarges
from tests.scheduling.conftest import DRIVER, Clinic, every, unit_on

MINUTE = timedelta(minutes=1)
STOPPED = datetime(2026, 10, 7, 16, 40, tzinfo=UTC)
EASTERN = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("closes_min", "expected_min"),
    [(None, 90), (300, 90), (60, 60), (10, 30), (-10, 30)],
)
def test_it_is_overdue_long_after_the_recovery_or_as_the_place_closes(
    closes_min: int | None, expected_min: int
) -> None:
    closes_at = None if closes_min is None else STOPPED + closes_min * MINUTE
    assert overdue_from(STOPPED, 30, 60, closes_at) == STOPPED + expected_min * MINUTE


def test_rounds_are_every_quarter_of_an_hour() -> None:
    assert next_quarter(STOPPED) == STOPPED + 5 * MINUTE
    assert next_quarter(STOPPED + 5 * MINUTE) == STOPPED + 20 * MINUTE
    assert next_quarter(STOPPED + 14 * MINUTE) == STOPPED + 20 * MINUTE
    assert next_quarter(STOPPED + 20 * MINUTE) == STOPPED + 35 * MINUTE


async def look_round(clinic: Clinic) -> None:
    async with unit_on(clinic.engine, clinic.clock).transaction() as tx:  # type: ignore[arg-type]  # a test's clock
        await raise_overdue(LookForOverdueDischarges(), tx)


async def listed(clinic: Clinic) -> list[dict[str, Any]]:
    found = await clinic.get("/overdue-discharges", location_id=clinic.location_id)
    return list(found["items"])


async def told(clinic: Clinic, visit: dict[str, Any]) -> list[dict[str, Any]]:
    said = await clinic.said(visit["patient_id"])
    return [event for kind, event in said if kind == "DischargeOverdue"]


async def recovering(clinic: Clinic) -> dict[str, Any]:
    visit = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.infuse(visit)
    await clinic.give(visit)
    await clinic.vitals(visit)
    return dict(visit)


async def recovery(clinic: Clinic) -> timedelta:
    types = await clinic.get("/visit-types")
    [mood] = (each for each in types if each["visit_type"] == "ketamine_mood")
    return timedelta(minutes=mood["recovery_min"])


async def test_who_recovers_too_long_is_told_once_and_listed_until_gone(clinic: Clinic) -> None:
    visit = await recovering(clinic)
    stopped, recovered_in = clinic.clock.now(), await recovery(clinic)
    clinic.clock.step_to(stopped + recovered_in + 59 * MINUTE)
    await look_round(clinic)
    assert await told(clinic, visit) == []
    [waits] = await listed(clinic)
    assert (waits["waiting_min"], waits["overdue_since"]) == (
        (recovered_in + 59 * MINUTE) // MINUTE,
        None,
    )
    clinic.clock.step(MINUTE)
    await look_round(clinic)
    await look_round(clinic)
    clinic.clock.step(timedelta(days=3))
    await look_round(clinic)
    [event] = await told(clinic, visit)
    assert event["appointment_id"] == visit["appointment_id"]
    [waits] = await listed(clinic)
    assert datetime.fromisoformat(waits["overdue_since"]) == stopped + recovered_in + 60 * MINUTE
    assert waits["do"]
    await clinic.vitals(visit)
    await clinic.step(visit, "ride-seen", DRIVER)
    await clinic.step(visit, "discharge", {"oriented": True})
    assert await listed(clinic) == []
    await look_round(clinic)
    assert len(await told(clinic, visit)) == 1


async def test_who_is_there_as_the_place_closes_is_told_then(clinic: Clinic) -> None:
    await clinic.opens("09:00", "13:15")
    visit = await recovering(clinic)
    closes = datetime(2026, 10, 7, 13, 15, tzinfo=EASTERN)
    assert clinic.clock.now() + await recovery(clinic) < closes
    clinic.clock.step_to(closes.astimezone(UTC) - MINUTE)
    await look_round(clinic)
    assert await told(clinic, visit) == []
    clinic.clock.step(MINUTE)
    await look_round(clinic)
    assert len(await told(clinic, visit)) == 1


def test_the_round_is_wired() -> None:
    assert "LookForOverdueDischarges" in on.rounds


async def test_an_aborted_infusion_is_on_the_list_too_and_the_longest_comes_first(
    clinic: Clinic,
) -> None:
    first = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.check_in(first)
    await clinic.start(first)
    await clinic.step(first, "abort", {"reason": "The line came out."})
    second = (
        await clinic.series(
            every(3, 6, STOPPED + timedelta(hours=1)), chair_id=await clinic.chair()
        )
    )["appointments"][0]
    await clinic.infuse(second)
    clinic.clock.step(timedelta(hours=5))
    await look_round(clinic)
    assert [each["appointment_id"] for each in await listed(clinic)] == [
        each["appointment_id"] for each in (first, second)
    ]
    assert [each["state"] for each in await listed(clinic)] == ["aborted", "completed"]
    assert len(await told(clinic, first)) == len(await told(clinic, second)) == 1
