"""What a file brings has its place: no closed day, no hour outside, no chair out of service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.imported import (
    FHIR_PATIENT,
    bring,
    bundle,
    elsewhere,
    fhir_visit,
    finish,
    look,
    person,
    problems,
    sheet,
    tally,
    visit,
)

__all__ = ["elsewhere"]

Change = Callable[[Clinic], Awaitable[Any]]
SERIES_WRONG = "series_source_id", "series_wrong"


async def close(clinic: Clinic) -> Any:
    wish = {"first_on": "2026-10-10", "last_on": "2026-10-10", "reason": "Holiday, made up"}
    return await clinic.post(f"/locations/{clinic.location_id}/closures", wish)


async def open_late(clinic: Clinic) -> Any:
    """From the day of the second visit on nobody works at noon."""
    await clinic.opens("09:00", "17:00")
    return await clinic.opens("13:00", "17:00", effective_from="2026-10-10")


async def break_it(clinic: Clinic) -> Any:
    path = f"/chairs/{clinic.chair_id}/out-of-service"
    return await clinic.post(path, {"reason": "The pump broke."})


CHANGES: dict[str, tuple[Change, list[tuple[int, str, str]]]] = {
    "closed": (
        close,
        [(2, *SERIES_WRONG), (3, "starts_at", "closed"), (4, *SERIES_WRONG)],
    ),
    "opening_hours": (
        open_late,
        [(2, *SERIES_WRONG), *((n, "starts_at", "opening_hours") for n in (3, 4))],
    ),
    "chair_out": (break_it, [(n, "chair", "chair_out") for n in (2, 3, 4)]),
}


def table(clinic: Clinic) -> str:
    """A patient's three visits, three days apart."""
    return sheet([visit(clinic, n, at) for n, at in enumerate(every(3, 3))])


async def with_patient(clinic: Clinic) -> None:
    await bring(clinic, "patients", sheet([person(1)]))


@pytest.mark.parametrize("rule", CHANGES)
async def test_rows_that_have_no_place_are_wrong_in_the_dry_run(
    elsewhere: Clinic, rule: str
) -> None:
    change, wrong = CHANGES[rule]
    await with_patient(elsewhere)
    await change(elsewhere)
    found = await look(elsewhere, "appointments", table(elsewhere))
    assert await problems(elsewhere, found) == wrong


@pytest.mark.parametrize("rule", CHANGES)
async def test_resources_that_have_no_place_are_wrong_in_the_dry_run(
    elsewhere: Clinic, rule: str
) -> None:
    change, _ = CHANGES[rule]
    await change(elsewhere)
    resources = [FHIR_PATIENT, *(fhir_visit(n, at) for n, at in enumerate(every(3, 3)))]
    found = await look(elsewhere, "fhir_bundle", bundle(*resources))
    rules = {each[2] for each in await problems(elsewhere, found)}
    assert rule in rules
    assert rules <= {rule, "series_wrong"}
    assert found["ready"] == 1  # the patient


@pytest.mark.parametrize("rule", CHANGES)
async def test_what_lost_its_place_since_the_dry_run_is_wrong_when_it_is_applied(
    elsewhere: Clinic, rule: str
) -> None:
    change, wrong = CHANGES[rule]
    await with_patient(elsewhere)
    found = await look(elsewhere, "appointments", table(elsewhere))
    assert tally(found) == {"ready": 3}
    await change(elsewhere)
    await elsewhere.post(f"/imports/{found['import_id']}/apply", {})
    await finish(elsewhere)
    assert await problems(elsewhere, found) == wrong
    listed = await elsewhere.get("/appointments", location_id=elsewhere.location_id)
    assert listed["items"] == []


async def test_sessions_have_their_hours_too(elsewhere: Clinic) -> None:
    """FAQ: preparation sessions are on Mondays, Wednesdays and Fridays, nine to nine."""
    await with_patient(elsewhere)
    wish = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await elsewhere.post("/visit-types/preparation/figures", wish)
    of = {"visit_type": "preparation", "chair": "", "series_source_id": "", "diagnoses": ""}
    days = {1: NOON, 2: NOON + timedelta(days=1), 3: NOON + timedelta(days=2)}
    rows = [visit(elsewhere, n, at, **of) for n, at in days.items()]
    found = await look(elsewhere, "appointments", sheet(rows))
    assert await problems(elsewhere, found) == [(3, "starts_at", "opening_hours")]
    assert found["ready"] == 2
