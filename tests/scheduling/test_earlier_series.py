"""Gaps and the driving ban are counted from a patient's infusions, whatever series they were of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.scheduling.rules.planner.search import Calendar
from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.figures import MOOD, PLANNING

DAY = timedelta(days=1)


async def given_once(clinic: Clinic, patient_id: str) -> None:
    """A series that is stopped after its first infusion, of the 7th."""
    series = await clinic.series(patient_id=patient_id)
    await clinic.infuse(series["appointments"][0])
    await clinic.discharge(series["appointments"][0])
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Made up."})


async def rules_broken(clinic: Clinic, path: str, body: Any) -> set[tuple[str, str]]:
    return set(await clinic.refused(path, body))


async def test_a_new_series_keeps_its_days_from_the_last_infusion_of_another(
    clinic: Clinic,
) -> None:
    patient_id = await clinic.patient()
    await given_once(clinic, patient_id)
    same_day = clinic.wish(patient_id, every(3, 6, NOON + timedelta(hours=2)))
    assert await rules_broken(clinic, "/series", same_day) == {
        ("series_gap", "appointments.0.starts_at"),
        ("driving_ban", "appointments.0.starts_at"),
    }
    next_day = clinic.wish(patient_id, every(3, 6, NOON + DAY))
    assert await rules_broken(clinic, "/series", next_day) == {
        ("series_gap", "appointments.0.starts_at")
    }
    booked = await clinic.post("/series", clinic.wish(patient_id, every(3, 6, NOON + 2 * DAY)))
    move = {"starts_at": (NOON + DAY).isoformat()}
    first = booked["appointments"][0]["appointment_id"]
    assert ("series_gap", "starts_at") in await clinic.refused(f"/appointments/{first}/move", move)


async def test_a_second_series_after_a_completed_one_is_planned_two_days_on(clinic: Clinic) -> None:
    await clinic.opens()
    patient_id = await clinic.patient()
    series = await clinic.series(every(2, 6), patient_id)
    for visit in series["appointments"]:
        await clinic.infuse(visit)
        await clinic.discharge(visit)
    last = NOON + 10 * DAY
    found = await clinic.plans(patient_id)
    assert found["plans"]
    for plan in found["plans"]:
        first = datetime.fromisoformat(plan["appointments"][0]["starts_at"])
        assert first.date() >= (last + 2 * DAY).date()
    days = {"earliest": "2026-10-17", "latest": "2026-10-18"}
    await clinic.plans(patient_id, preferences=days | {"latest": "2026-11-10"})
    soon = {"earliest": "2026-10-17", "latest": "2026-10-27"}
    blocked = (await clinic.plans(patient_id, preferences=soon))["blocked"]
    assert [(each["date"], each["rule"]) for each in blocked] == [
        ("2026-10-17", "series_gap"),
        ("2026-10-18", "series_gap"),
    ]


async def test_a_hold_from_before_is_booked_only_if_its_days_are_kept(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    await given_once(clinic, patient_id)
    wish = clinic.wish(patient_id, every(3, 6, NOON + DAY))
    del wish["prescriber_id"], wish["diagnoses"]
    assert ("series_gap", "appointments.0.starts_at") in await clinic.refused("/holds", wish)


async def test_a_signed_override_lets_a_new_series_begin_the_next_day(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    await given_once(clinic, patient_id)
    series = await clinic.series(every(3, 6, NOON + 2 * DAY), patient_id)
    signed = {"rule": "series_gap", "gap_min_days": 1, "reason": "Made up."}
    path = f"/series/{series['series_id']}/overrides"
    await clinic.post(path, signed | {"clinician_id": clinic.clinician_id})
    first = series["appointments"][0]
    moved = await clinic.step(first, "move", {"starts_at": (NOON + DAY).isoformat()})
    await clinic.infuse(moved)


def test_the_weekly_cap_counts_the_days_of_other_series() -> None:
    from dataclasses import replace

    days = [(NOON + n * DAY).date() for n in range(20)]
    given = [days[0], days[2]]
    capped = replace(MOOD, weekly_cap=3)
    free = [0.0] * len(days)
    found = Calendar(capped, PLANNING, days[4:], elsewhere=given).cheapest(3, lambda _: free[4:])
    for chain in found:
        all_days = [*given, *(days[4:][place] for place in chain.places)]
        for last in all_days:
            assert sum(0 <= (last - day).days < 7 for day in all_days if day <= last) <= 3
    assert found[0].places[0] == 0
