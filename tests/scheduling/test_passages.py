"""The table of a visit's states: the code's and the database's agree, and no writer leaves it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.scheduling.rules.visits.life import PASSES, VisitState
from tests.scheduling.conftest import Clinic

CHANGE = """
    UPDATE appointments SET state = :state, infusion_id = gen_random_uuid(), started_at = now(),
           stopped_at = CASE WHEN :state <> 'running' THEN now() END, clinician_id = :clinician,
           fasted = true, ride_mode = 'rideshare', cleared_at = now(), cleared_by = 'nobody',
           screened_until = current_date,
           dose_plan_id = (SELECT plan_id FROM dose_plans LIMIT 1),
           consent_id = (SELECT consent_id FROM consents LIMIT 1),
           reading_id = (SELECT reading_id FROM readings LIMIT 1)
     WHERE appointment_id = :id
"""


async def test_code_and_database_know_the_same_passages(clinic: Clinic) -> None:
    rows = await clinic.rows("SELECT from_state, to_state FROM visit_passages")
    found = {(row.from_state, row.to_state) for row in rows}
    assert found == {*PASSES, ("held", "booked")}


async def write(clinic: Clinic, visit: dict[str, Any], state: str) -> None:
    """What a writer without manners does."""
    values = {
        "id": visit["appointment_id"], "state": state, "clinician": clinic.clinician_id
    }  # fmt: skip
    async with clinic.engine.connect() as connection:
        await connection.execute(text(CHANGE), values)


@pytest.mark.parametrize("state", ["running", "completed", "recovering"])
async def test_no_writer_at_all_skips_a_state(clinic: Clinic, state: str) -> None:
    cleared, booked = (await clinic.series())["appointments"][:2]
    await clinic.check_in(cleared)
    with pytest.raises(DBAPIError, match=f"does not pass to {state}"):
        await write(clinic, booked, state)
    if state == "running":
        return await write(clinic, cleared, state)
    with pytest.raises(DBAPIError, match=f"does not pass to {state}"):
        await write(clinic, cleared, state)
    return None


async def test_no_writer_at_all_begins_a_visit_in_its_middle(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    query = """
        INSERT INTO appointments (appointment_id, patient_id, series_id, sequence_no, location_id,
                                  chair_id, visit_type, starts_at, ends_at, state, revision)
        SELECT gen_random_uuid(), patient_id, series_id, 9, location_id, chair_id, visit_type,
               starts_at - interval '1 day', ends_at - interval '1 day', 'checked_in', 0
          FROM appointments WHERE appointment_id = :id
    """
    async with clinic.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="does not pass to checked_in"):
            await connection.execute(text(query), {"id": visit["appointment_id"]})


def test_every_state_is_reached_from_a_booking_and_ends_have_no_way_out() -> None:
    """But for a no-show, which is taken back on its day."""
    reached = {VisitState.BOOKED}
    for _ in VisitState:
        reached |= {after for before, after in PASSES if before in reached}
    assert reached == set(VisitState)
    ends = {VisitState.DISCHARGED, VisitState.CANCELLED,
            VisitState.SENT_HOME, VisitState.ABORTED, VisitState.ATTENDED}  # fmt: skip
    assert not {pair for pair in product(ends, VisitState) if pair in PASSES}
