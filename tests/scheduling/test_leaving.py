"""After the drip: what a patient leaves with, and what an aborted infusion is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from services.scheduling.rules.visits.doses import DoseState
from services.scheduling.rules.visits.gates import Recovery, broken_by_leaving
from services.scheduling.rules.visits.readings import Vitals
from shared.clock import FixedClock
from tests.scheduling.conftest import DRIVER, Clinic, every

STATE = ("visit_state", "appointment_id")
AT = datetime(2026, 10, 7, 17, 0, tzinfo=UTC)


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


@pytest.mark.parametrize("dose", DoseState)
@pytest.mark.parametrize("known", list(product([True, False], repeat=3)))
def test_a_patient_leaves_with_vitals_orientation_a_ride_and_a_dose_on_record(
    known: tuple[bool, bool, bool], dose: DoseState
) -> None:
    vitals, oriented, ride = known
    after = Recovery(
        orientation_needed=True,
        oriented=oriented,
        ride_needed=True,
        ride_seen=ride,
        vitals_needed=True,
        vitals=Vitals(AT, (), overridden=False) if vitals else None,
        dose=dose,
    )
    wanted = {"vitals_missing": vitals, "not_oriented": oriented, "ride_not_verified": ride}
    of_dose = {
        DoseState.PLANNED: ["dose_not_recorded"],
        DoseState.WASTE_UNWITNESSED: ["waste_not_witnessed"],
    }.get(dose, [])
    broken = broken_by_leaving(after, AT, 30)
    assert [each.rule for each in broken] == [
        *(rule for rule, there in wanted.items() if not there), *of_dose
    ]  # fmt: skip


async def test_all_that_is_missing_before_leaving_is_named(
    clinic: Clinic, clock: FixedClock
) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    leave = path(visit, "discharge")
    assert await clinic.refused(leave, {}) == [
        ("vitals_missing", "vitals"),
        ("not_oriented", "oriented"),
        ("ride_not_verified", "ride"),
        ("dose_not_recorded", "dose"),
    ]
    await clinic.give(visit)
    await clinic.vitals(visit)
    assert (await state_of(clinic, visit))["state"] == "recovering"
    oriented = {"oriented": True}
    assert await clinic.refused(leave, oriented) == [("ride_not_verified", "ride")]
    seen = await clinic.step(visit, "ride-seen", DRIVER)
    assert seen["ride_seen"] == DRIVER | {"seen_by": clinic.subject, "seen_at": AT_END}
    clock.step(timedelta(minutes=31))
    assert await clinic.refused(leave, oriented) == [("vitals_stale", "vitals")]
    await clinic.vitals(visit, systolic_mmhg=190)
    assert await clinic.refused(leave, oriented) == [("vitals_hard_limit", "systolic_mmhg")]
    await clinic.vitals(visit, systolic_mmhg=150)
    assert await clinic.refused(leave, oriented) == [("vitals_soft_limit", "systolic_mmhg")]
    sign = {"clinician_id": clinic.clinician_id, "reason": "It always is."}
    await clinic.step(visit, "overrides", sign)
    gone = await clinic.step(visit, "discharge", oriented)
    assert (gone["state"], gone["no_drive_until"]) == ("discharged", "2026-10-07T22:40:00Z")


async def test_nobody_who_was_infused_is_her_own_driver(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    await clinic.vitals(visit)
    card = await clinic.get(f"/patients/{visit['patient_id']}")
    herself = DRIVER | {"driver_phone": card["phone"]}
    assert await clinic.refused(path(visit, "ride-seen"), herself) == [
        ("driver_is_patient", "driver_phone")
    ]


async def test_a_patient_past_a_hard_limit_after_the_drip_leaves_with_the_ambulance(
    clinic: Clinic,
) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    await clinic.give(visit)
    await clinic.vitals(visit, systolic_mmhg=200, diastolic_mmhg=115)
    refused = await clinic.send(path(visit, "discharge"), {"oriented": True})
    [hard] = [v for v in refused.json()["violations"] if v["rule"] == "vitals_hard_limit"]
    assert "transfer to a hospital" in hard["detail"]
    assert "send the patient home" not in hard["detail"]
    handover = {
        "clinician_id": clinic.clinician_id,
        "transferred_to": "Made Up General Hospital",
        "taken_over_by": "Medic Unit 7",
        "reason": "A pressure that does not come down.",
    }
    gone = await clinic.step(visit, "transfer", handover)
    assert gone["state"] == "discharged"
    [(kept,)] = await clinic.rows(
        "SELECT transferred_to FROM appointments WHERE transferred_to IS NOT NULL"
    )
    assert b"Made Up General" not in bytes(kept)


AT_END = "2026-10-07T16:40:00Z"


async def state_of(clinic: Clinic, visit: dict[str, Any]) -> Any:
    series = await clinic.get(f"/series/{visit['series_id']}")
    return next(
        each for each in series["appointments"] if each["appointment_id"] == visit["appointment_id"]
    )


@pytest.mark.parametrize(
    ("ride", "broken"),
    [
        ({"mode": "driver"}, [("driver_unnamed", "driver_name"),
                              ("driver_phone_missing", "driver_phone")]),
        ({"mode": "driver", "driver_name": "Testa Driver"},
         [("driver_phone_missing", "driver_phone")]),
        ({"mode": "rideshare"}, [("driver_unnamed", "driver_name")]),
    ],
)  # fmt: skip
async def test_a_ride_that_was_seen_has_a_name(
    clinic: Clinic, ride: dict[str, Any], broken: list[tuple[str, str]]
) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    assert await clinic.refused(path(visit, "ride-seen"), ride) == broken


async def test_another_ride_is_seen_anew(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.infuse(visit)
    await clinic.give(visit)
    await clinic.vitals(visit)
    await clinic.step(visit, "ride-seen", DRIVER)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    assert await clinic.refused(path(visit, "discharge"), {"oriented": True}) == [
        ("ride_not_verified", "ride")
    ]


async def test_vitals_of_before_the_end_are_none_to_leave_on(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    await clinic.vitals(visit)
    await clinic.step(visit, "complete")
    await clinic.give(visit)
    await clinic.step(visit, "ride-seen", DRIVER)
    assert await clinic.refused(path(visit, "discharge"), {"oriented": True}) == [
        ("vitals_missing", "vitals")
    ]


async def test_an_aborted_infusion_is_told_and_recovered_from_and_given_in_another(
    clinic: Clinic, clock: FixedClock
) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    await clinic.check_in(visit)
    await clinic.start(visit)
    clock.step(timedelta(minutes=12))
    aborted = await clinic.step(visit, "abort", {"reason": "Canary feels sick."})
    assert aborted["state"] == "aborted"
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["stopped_at"]) == ("InfusionAborted", "2026-10-07T16:12:00Z")
    assert "InfusionCompleted" not in await clinic.kinds_said(series["patient_id"])
    assert "sick" not in str(event)
    assert await clinic.refused(path(visit, "complete"), {}) == [STATE]
    assert len(await clinic.refused(path(visit, "discharge"), {})) == 4
    gone = await clinic.discharge(visit)
    assert (gone["state"], gone["no_drive_until"]) == ("aborted", "2026-10-07T22:12:00Z")
    assert await clinic.refused(path(visit, "discharge"), {"oriented": True}) == [STATE]
    assert await clinic.refused(path(visit, "ride"), {"mode": "rideshare"}) == [STATE]
    assert (await clinic.kinds_said(series["patient_id"]))[-1] == "PatientDischarged"
    chart = await clinic.get(path(visit, "chart"))
    assert chart["abort_reason"] == "Canary feels sick."
    missing = f"/series/{series['series_id']}/appointments"
    last = datetime.fromisoformat(series["appointments"][-1]["starts_at"])
    soon = {"chair_id": clinic.chair_id, "starts_at": (AT + timedelta(days=1)).isoformat()}
    assert ("series_gap", "starts_at") in await clinic.refused(missing, soon)
    other = soon | {"starts_at": (last + timedelta(days=3)).isoformat()}
    assert (await clinic.post(missing, other))["sequence_no"] == 7
    assert await clinic.refused(missing, other | {"starts_at": (last + timedelta(days=6))
                                                  .isoformat()}) == [
        ("series_whole", "series_id")
    ]  # fmt: skip


async def test_a_series_with_an_aborted_infusion_is_not_completed_by_it(clinic: Clinic) -> None:
    series = await clinic.series(every(1, 3), visit_type="ketamine_pain")
    for visit in series["appointments"][:2]:
        await clinic.infuse(visit)
    last = series["appointments"][2]
    await clinic.check_in(last)
    await clinic.start(last)
    await clinic.step(last, "abort", {"reason": "The line came out."})
    assert "SeriesCompleted" not in await clinic.kinds_said(series["patient_id"])
