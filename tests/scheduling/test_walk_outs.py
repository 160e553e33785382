"""A patient walks out: signed, with the driving ban, the drug's record, and a call that is owed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.auth import Role
from tests.scheduling.conftest import VITALS, Clinic, bearer, every
from tests.scheduling.test_leaving import path, state_of
from tests.scheduling.test_overdue_discharges import listed, look_round, told
from tests.scheduling.test_transfers import nurse
from tests.scheduling.walk_outs import CALLED, walk_out


async def mood_series(clinic: Clinic) -> list[dict[str, Any]]:
    return list((await clinic.series(every(3, 6)))["appointments"])


def six_hours_after(moment: str) -> str:
    until = datetime.fromisoformat(moment) + timedelta(hours=6)
    return until.isoformat().replace("+00:00", "Z")


async def test_who_leaves_in_recovery_may_not_drive_and_is_owed_a_call_and_a_dose(
    clinic: Clinic,
) -> None:
    visit = (await mood_series(clinic))[0]
    over = await clinic.infuse(visit)
    clinic.clock.step(timedelta(minutes=10))
    gone = await clinic.step(visit, "walk-out", walk_out(clinic, left_min_ago=5))
    assert (gone["state"], gone["ran"]) == ("left", None)
    assert gone["no_drive_until"] == six_hours_after(over["stopped_at"])
    [waits] = await listed(clinic)
    assert "Call the patient" in waits["do"]
    assert "Record what ran" in waits["do"]
    assert waits["left_at"] == gone["left_at"]
    await clinic.step(visit, "welfare-calls", CALLED)
    [waits] = await listed(clinic)
    assert "Call the patient" not in waits["do"]
    assert "InfusionCompleted" not in await clinic.kinds_said(visit["patient_id"])
    await clinic.give(visit, drawn_ug=50_000)
    [waits] = await listed(clinic)
    assert waits["do"] == "A second person confirms what was left of the dose."
    clinic.headers = clinic.as_staff("witness-1")
    await clinic.step(visit, "dose/witness")
    assert await listed(clinic) == []
    assert (await state_of(clinic, visit))["state"] == "left"
    assert (await clinic.kinds_said(visit["patient_id"]))[-4:] == [
        "PatientDischarged",
        "PatientWalkedOut",
        "InfusionCompleted",
        "WalkOutSettled",
    ]


async def test_who_leaves_while_it_runs_ends_the_drip(clinic: Clinic) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    clinic.clock.step(timedelta(minutes=20))
    gone = await clinic.step(visit, "walk-out", walk_out(clinic, left_min_ago=8))
    assert (gone["state"], gone["stopped_at"]) == ("aborted", gone["left_at"])
    assert gone["no_drive_until"] == six_hours_after(gone["left_at"])
    said = await clinic.said(visit["patient_id"])
    assert [kind for kind, _ in said[-3:]] == [
        "InfusionAborted",
        "PatientDischarged",
        "PatientWalkedOut",
    ]
    event = said[-1][1]
    assert (event["phase"], event["left_at"]) == ("running", gone["left_at"])
    assert "Made Up" not in str(event)
    # The chair is free: somebody else's drip starts in it.
    other = (await clinic.series(every(3, 6, clinic.clock.now() + timedelta(hours=1))))[
        "appointments"
    ][0]
    await clinic.check_in(other)
    await clinic.start(other)
    await clinic.give(visit, given_ug=10_000, drawn_ug=10_000)
    await clinic.step(visit, "welfare-calls", CALLED)
    assert (await state_of(clinic, visit))["state"] == "aborted"
    assert await listed(clinic) == []
    assert "InfusionCompleted" not in await clinic.kinds_said(visit["patient_id"])


async def test_who_leaves_before_the_start_was_not_seen_and_is_called_too(clinic: Clinic) -> None:
    first, second, *_ = await mood_series(clinic)
    await clinic.check_in(first)
    gone = await clinic.step(first, "walk-out", walk_out(clinic, form="not_asked"))
    assert (gone["state"], gone["sent_home_reason"]) == ("sent_home", "left_unseen")
    assert gone["no_drive_until"] is None
    assert (await clinic.kinds_said(first["patient_id"]))[-2:] == [
        "PatientSentHome",
        "PatientWalkedOut",
    ]
    [waits] = await listed(clinic)
    assert (waits["stopped_at"], waits["waiting_min"]) == (None, 0)
    assert "drive" not in waits["do"]
    assert "dose" not in waits["do"]
    answer = await clinic.step(first, "welfare-calls", CALLED)
    assert answer["do"] is None
    assert await listed(clinic) == []
    # What is left of the series goes on by its own gates.
    assert (await state_of(clinic, second))["state"] == "booked"
    await clinic.infuse(second)


async def test_a_call_is_owed_until_the_patient_is_reached_or_looked_for(clinic: Clinic) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.given(visit)
    wish = walk_out(clinic, left_by="drove")
    assert await clinic.refused(path(visit, "welfare-calls"), CALLED) == [
        ("no_walk_out", "appointment_id")
    ]
    await clinic.step(visit, "walk-out", wish)
    assert (await listed(clinic))[0]["do"].startswith("The patient drove off: call at once")
    missed = {"outcome": "not_reached", "found": "No answer."}
    assert "Call the patient" in (await clinic.step(visit, "welfare-calls", missed))["do"]
    assert len(await listed(clinic)) == 1
    handed = {"outcome": "handed_on", "found": "The police look for them."}
    assert (await clinic.step(visit, "welfare-calls", handed))["do"] is None
    await clinic.step(visit, "welfare-calls", CALLED)
    assert await listed(clinic) == []
    assert (await clinic.kinds_said(visit["patient_id"])).count("WalkOutSettled") == 1
    chart = await clinic.get(f"/appointments/{visit['appointment_id']}/chart")
    assert [each["note"]["outcome"] for each in chart["notes"]] == [
        "not_reached",
        "handed_on",
        "reached",
    ]
    assert chart["walk_out"]["condition"] == wish["condition"]
    assert chart["walk_out"]["called_by"] == clinic.subject


async def test_who_walked_out_is_not_told_as_overdue(clinic: Clinic) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.infuse(visit)
    await clinic.step(visit, "walk-out", walk_out(clinic))
    clinic.clock.step(timedelta(days=2))
    await look_round(clinic)
    assert await told(clinic, visit) == []
    [waits] = await listed(clinic)
    assert waits["waiting_min"] == 2 * 24 * 60


async def test_nobody_stays_on_the_list_who_was_found_gone_days_later(clinic: Clinic) -> None:
    """As a visit that was overdue is: told once, then signed as what it was."""
    visit = (await mood_series(clinic))[0]
    await clinic.infuse(visit)
    clinic.clock.step(timedelta(days=2))
    await look_round(clinic)
    assert len(await told(clinic, visit)) == 1
    await clinic.step(visit, "walk-out", walk_out(clinic, left_min_ago=2 * 24 * 60 - 30))
    await clinic.give(visit)
    await clinic.step(visit, "welfare-calls", CALLED)
    assert await listed(clinic) == []


async def test_a_series_waits_for_the_dose_of_who_walked_out_and_counts_what_ran(
    clinic: Clinic,
) -> None:
    visits = await mood_series(clinic)
    for visit in visits[:-1]:
        await clinic.infuse(visit)
        await clinic.discharge(visit)
    last = visits[-1]
    await clinic.infuse(last)
    await clinic.step(last, "walk-out", walk_out(clinic))
    assert "SeriesCompleted" not in await clinic.kinds_said(last["patient_id"])
    assert await clinic.refused(f"/series/{last['series_id']}/stop", {"reason": "Made up."}) == [
        ("dose_not_recorded", "series_id")
    ]
    await clinic.give(last)
    assert "SeriesCompleted" in await clinic.kinds_said(last["patient_id"])


async def test_where_nothing_ran_of_who_walked_out_the_series_lacks_one(clinic: Clinic) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.infuse(visit)
    await clinic.step(visit, "walk-out", walk_out(clinic))
    wish = {"clinician_id": clinic.clinician_id, "reason": "The line had come out."}
    await clinic.step(visit, "dose/not-given", wish)
    gone = await state_of(clinic, visit)
    assert (gone["state"], gone["ran"]) == ("aborted", False)
    assert gone["no_drive_until"] is not None
    assert "InfusionAborted" in await clinic.kinds_said(visit["patient_id"])


async def test_the_moment_is_one_at_which_the_patient_can_have_left(clinic: Clinic) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.infuse(visit)
    clinic.clock.step(timedelta(minutes=10))
    await clinic.vitals(visit)
    early, late = (walk_out(clinic, left_min_ago=minutes) for minutes in (1, -1))
    assert await clinic.refused(path(visit, "walk-out"), early) == [("left_before_seen", "left_at")]
    assert await clinic.refused(path(visit, "walk-out"), late) == [("left_in_future", "left_at")]
    await clinic.step(visit, "walk-out", walk_out(clinic))
    refused = [("visit_state", "appointment_id")]
    assert await clinic.refused(path(visit, "walk-out"), walk_out(clinic)) == refused
    assert await clinic.refused(path(visit, "discharge"), {}) == refused
    assert await clinic.refused(path(visit, "vitals"), VITALS) == refused


async def test_nobody_walks_out_who_has_not_come_or_was_discharged(clinic: Clinic) -> None:
    first, second, *_ = await mood_series(clinic)
    refused = [("visit_state", "appointment_id")]
    assert await clinic.refused(path(first, "walk-out"), walk_out(clinic)) == refused
    await clinic.infuse(first)
    await clinic.discharge(first)
    assert await clinic.refused(path(first, "walk-out"), walk_out(clinic)) == refused
    assert await clinic.refused(path(second, "walk-out"), walk_out(clinic)) == refused


async def test_a_walk_out_is_signed_and_listed_with_the_overrides(clinic: Clinic) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.given(visit)
    clinic.headers = bearer(Role.NURSE, subject="nurse-8")
    assert await clinic.refused(path(visit, "walk-out"), walk_out(clinic)) == [
        ("signer_is_another", "clinician_id")
    ]
    wish = walk_out(clinic, clinician_id=await nurse(clinic, "nurse-8"))
    clinic.headers = bearer(Role.NURSE, subject="nurse-8")
    key = "walks-out-once"
    gone = await clinic.post(path(visit, "walk-out"), wish, key=key)
    assert await clinic.post(path(visit, "walk-out"), wish, key=key) == gone
    listed_ = await clinic.get("/overrides", kind="walk_out", patient_id=visit["patient_id"])
    [signed] = listed_["items"]
    assert (signed["reason"], signed["signed_by"]) == ("Would not wait any longer.", "nurse-8")
    [(sealed,)] = await clinic.rows(
        "SELECT account FROM walk_outs WHERE appointment_id = :id", id=visit["appointment_id"]
    )
    assert b"Would not wait" not in bytes(sealed)


@pytest.mark.parametrize(
    "field",
    ["clinician_id", "left_at", "seen_by", "reason", "advised", "form", "condition", "told"],
)
async def test_a_walk_out_says_who_saw_it_when_what_was_said_and_who_was_told(
    clinic: Clinic, field: str
) -> None:
    visit = (await mood_series(clinic))[0]
    await clinic.infuse(visit)
    wish = {name: value for name, value in walk_out(clinic).items() if name != field}
    answer = await clinic.send(path(visit, "walk-out"), wish)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["violations"]} == {field}
