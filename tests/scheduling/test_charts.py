"""The chart of a visit: entries at their interval, doses with a witness, what was noted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.events import on
from services.scheduling.handlers.visits.monitoring import flag_late_entry
from services.scheduling.rules.visits.amounts import Amount, Scale
from services.scheduling.rules.visits.doses import broken_by_ceiling
from services.scheduling.rules.visits.readings import Limit, Measure
from services.scheduling.work import ExpectEntry
from shared.auth import Role
from shared.clock import FixedClock
from shared.messaging import UnitOfWork
from shared.vault import Vault
from tests.scheduling.conftest import DRIVER, STAFF, VAULT_KEYS, Clinic, bearer

MOOD_CEILING = Limit(Measure.DOSE_UG_PER_KG, date(2020, 1, 1), None, None, None, 1000, "made up")

POLICY = {"visit_types", "clinical_limits", "chart_words"}
"""What the clinic says of everybody: a drug that stands there is nobody's."""


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


async def running(clinic: Clinic) -> dict[str, Any]:
    visit: dict[str, Any] = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    return visit


async def entry_falls_due(clinic: Clinic, engine: AsyncEngine, visit: dict[str, Any]) -> Any:
    """What the worker does when the clock reaches it. Returns since when an entry is late."""
    work = ExpectEntry(appointment_id=visit["appointment_id"])
    unit = UnitOfWork(engine, clinic.clock, on, vault=Vault(VAULT_KEYS))
    async with unit.transaction() as tx:
        await flag_late_entry(work, tx)
    return (await clinic.get(path(visit, "chart")))["late_since"]


async def due_at(clinic: Clinic, visit: dict[str, Any]) -> list[str]:
    rows = await clinic.rows(
        "SELECT due_at FROM due_work WHERE key = :key", key=f"entry/{visit['appointment_id']}"
    )
    return [f"{row.due_at:%H:%M}" for row in rows]


async def test_an_entry_that_does_not_come_is_late_until_it_comes(
    clinic: Clinic, engine: AsyncEngine, clock: FixedClock
) -> None:
    visit = await running(clinic)
    assert await due_at(clinic, visit) == ["16:15"]
    clock.step(timedelta(minutes=10))
    await clinic.vitals(visit)
    assert await due_at(clinic, visit) == ["16:25"]
    clock.step(timedelta(minutes=5))
    assert await entry_falls_due(clinic, engine, visit) is None  # 16:15 was met at 16:10
    clock.step(timedelta(minutes=11))
    assert await entry_falls_due(clinic, engine, visit) == "2026-10-07T16:25:00Z"
    day = {"from": visit["starts_at"], "location_id": clinic.location_id, "limit": 1}
    [listed] = (await clinic.get("/appointments", **day))["items"]
    assert listed["late_since"] == "2026-10-07T16:25:00Z"
    await clinic.vitals(visit)
    assert (await clinic.get(path(visit, "chart")))["late_since"] is None


async def test_entries_are_due_until_the_patient_leaves(
    clinic: Clinic, engine: AsyncEngine, clock: FixedClock
) -> None:
    visit = await running(clinic)
    clock.step(timedelta(minutes=40))
    await clinic.step(visit, "complete")
    assert await entry_falls_due(clinic, engine, visit) == "2026-10-07T16:15:00Z"
    gone = await clinic.discharge(visit)
    assert gone["late_since"] is None
    assert await due_at(clinic, visit) == []
    clock.step(timedelta(minutes=40))
    assert await entry_falls_due(clinic, engine, visit) is None


async def test_what_is_noted_at_a_visit_stands_in_its_chart_and_nowhere_else(
    clinic: Clinic, clock: FixedClock
) -> None:
    visit = (await clinic.series())["appointments"][0]
    patch = {"drug": "scopolamine_patch", "dose": "one patch"}
    premedicate = path(visit, "premedications")
    assert await clinic.refused(premedicate, patch) == [("visit_state", "appointment_id")]
    await clinic.check_in(visit)
    await clinic.post(premedicate, patch)
    await clinic.start(visit)
    clock.step(timedelta(minutes=10))
    event = {
        "event": "nausea", "severity": "expected", "action": "Ondansetron.", "resolved": True
    }  # fmt: skip
    await clinic.step(visit, "adverse-events", event)
    clock.step(timedelta(minutes=30))
    await clinic.step(visit, "complete")
    await clinic.discharge(visit)
    chart = await clinic.get(path(visit, "chart"))
    assert [each["note"]["kind"] for each in chart["notes"]] == ["premedication", "adverse_event"]
    assert chart["notes"][1]["noted_by"] == clinic.subject
    assert [each["phase"] for each in chart["readings"]] == ["before", "after"]
    assert chart["consent"]["version"] == "2026-01"
    for (table,) in await clinic.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    ):
        for (row,) in await clinic.rows(f"SELECT t::text FROM {table} AS t"):
            for secret in ("nausea", "scopolamine_patch", "Ondansetron", '"systolic'):
                assert secret.encode().hex() not in row, table
                assert table in POLICY or secret not in row, table


async def test_the_front_desk_sees_no_chart(clinic: Clinic) -> None:
    visit = await running(clinic)
    clinic.headers = bearer(Role.FRONT_DESK)
    answer = await clinic.client.get(path(visit, "chart"), headers=clinic.headers)
    assert answer.status_code == 403


async def test_a_dose_is_planned_below_the_ceiling_and_recorded_and_its_waste_is_witnessed(
    clinic: Clinic,
) -> None:
    visit = (await clinic.series())["appointments"][0]
    plan = clinic.dose()
    above = plan | {"dose_ug": 70_001}
    assert await clinic.refused(path(visit, "dose-plan"), above) == [("dose_ceiling", "dose_ug")]
    await clinic.step(visit, "dose-plan", plan)
    await clinic.infuse(visit)
    await clinic.vitals(visit)
    await clinic.step(visit, "ride-seen", DRIVER)
    leave = path(visit, "discharge")
    assert await clinic.refused(leave, {"oriented": True}) == [("dose_not_recorded", "dose")]
    given = {"lot": "LOT-0001", "drawn_ug": 50_000, "given_ug": 35_000}
    too_much = given | {"given_ug": 50_001}
    assert await clinic.refused(path(visit, "dose"), too_much) == [
        ("dose_above_drawn", "given_ug"),
        ("dose_off_plan", "given_ug"),
    ]
    clinic.headers = bearer(*STAFF, subject="nurse-1")
    dose = await clinic.step(visit, "dose", given)
    assert (dose["wasted_ug"], dose["lot"], dose["recorded_by"]) == (15_000, "LOT-0001", "nurse-1")
    again = await clinic.refused(path(visit, "dose"), given)
    assert again == [("dose_recorded_already", "appointment_id")]
    assert await clinic.refused(leave, {"oriented": True}) == [("waste_not_witnessed", "dose")]
    witness = path(visit, "dose/witness")
    assert await clinic.refused(witness, {}) == [("witness_is_giver", "appointment_id")]
    clinic.headers = bearer(*STAFF, subject="nurse-2")
    assert (await clinic.post(witness, {}))["witnessed_by"] == "nurse-2"
    assert await clinic.refused(witness, {}) == [("nothing_to_witness", "appointment_id")]
    await clinic.step(visit, "discharge", {"oriented": True})


@pytest.mark.parametrize(("dose_ug", "fits"), [(70_000, True), (70_001, False), (1, True)])
def test_a_dose_is_rounded_up_before_it_is_judged(dose_ug: int, fits: bool) -> None:  # noqa: FBT001  # a table's column
    assert (broken_by_ceiling(Amount(Scale.MASS, dose_ug), 70_000, [MOOD_CEILING]) == []) == fits
