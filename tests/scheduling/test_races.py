"""Many at once: one wins, the others are told clearly, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from tests.scheduling.conftest import GIVEN_DOSE, NOON, PATIENT, Clinic, every
from tests.scheduling.races import RACERS, nobody_deadlocks, race, until_waiting

__all__ = ["nobody_deadlocks"]


async def test_forty_patients_and_one_chair(clinic: Clinic) -> None:
    patients = [await clinic.patient() for _ in range(RACERS)]
    won, lost = await race(
        *(clinic.send("/series", clinic.wish(patient, every(3, 6))) for patient in patients)
    )
    assert len(won) == 1
    assert lost == {"chair_taken": RACERS - 1}
    booked = await clinic.rows(
        "SELECT count(*) FROM appointments WHERE chair_id = :chair", chair=clinic.chair_id
    )
    assert booked == [(6,)]
    said = [await clinic.kinds_said(patient) for patient in patients]
    assert sorted(len(kinds) for kinds in said) == [*[1] * (RACERS - 1), 8]


async def test_forty_planners_are_offered_the_last_chair_and_one_gets_it(clinic: Clinic) -> None:
    """Each books what was proposed; nothing was held, so thirty-nine are told what is taken."""
    await clinic.opens("12:00", "12:50")
    patients = [await clinic.patient() for _ in range(RACERS)]
    wishes = {"latest": "2026-10-16", "earliest": "2026-10-06"}
    plans = [await clinic.plans(patients[0], preferences=wishes)] * RACERS
    offered = [plan["plans"][0]["appointments"] for plan in plans]
    won, lost = await race(
        *(
            clinic.send("/series", clinic.wish(patient, [], appointments=appointments))
            for patient, appointments in zip(patients, offered, strict=True)
        )
    )
    assert len(won) == 1
    assert lost == {"chair_taken": RACERS - 1}
    answer = await clinic.plans(patients[-1], preferences=wishes)
    assert answer["plans"] == []
    assert answer["blocked"]


async def test_a_re_plan_against_a_move_and_a_start_of_the_same_series(clinic: Clinic) -> None:
    await clinic.opens()
    series = await clinic.series()
    first, second = series["appointments"][:2]
    await clinic.check_in(first)
    change = {
        "kind": "move",
        "appointment_id": second["appointment_id"],
        "starts_at": (NOON + timedelta(days=4)).isoformat(),
    }
    proposed = await clinic.post(f"/series/{series['series_id']}/replans", {"change": change})
    approve = f"/replans/{proposed['replan_id']}/approve"
    moves = {"starts_at": (NOON + timedelta(days=3, hours=1)).isoformat(), "revision": 0}
    answers = await asyncio.gather(
        clinic.send(approve, {}),
        clinic.send(f"/appointments/{second['appointment_id']}/move", moves),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [201, 409])
    [lost] = [answer.json() for answer in answers if answer.status_code == 409]
    assert {each["rule"] for each in lost["violations"]} == {"changed_meanwhile"}
    assert "at revision 1" in lost["violations"][0]["detail"]
    moved = (await clinic.get(f"/series/{series['series_id']}"))["appointments"]
    assert [visit["revision"] for visit in moved] == [0, 1, 0, 0, 0, 0]


async def test_many_re_plans_that_cross_each_other_s_chairs(clinic: Clinic) -> None:
    """Each series moves its second visit to where another's is: no circle, and nothing by half."""
    await clinic.opens()
    hours = [NOON + n * timedelta(hours=1) for n in range(-3, 4)]
    all_ = [await clinic.series(every(3, 6, hour)) for hour in hours]
    proposals = []
    for n, series in enumerate(all_):
        to = hours[(n + 1) % len(hours)] + timedelta(days=4)
        change = {
            "kind": "move",
            "appointment_id": series["appointments"][1]["appointment_id"],
            "starts_at": to.isoformat(),
        }
        path = f"/series/{series['series_id']}/replans"
        proposals.append(await clinic.post(path, {"change": change}))
    answers = await asyncio.gather(
        *(
            clinic.send(f"/replans/{each['replan_id']}/approve", {})
            for each in proposals
            for _ in range(2)
        )
    )
    assert {answer.status_code for answer in answers} == {200, 409}
    for series, proposed in zip(all_, proposals, strict=True):
        shown = await clinic.get(f"/series/{series['series_id']}")
        moved = sum(visit["revision"] for visit in shown["appointments"])
        whole = 1 + sum(each["fate"] == "moves" for each in proposed["visits"])
        assert moved in {0, whole}


async def test_series_that_cross_each_other_s_chairs_in_any_order(clinic: Clinic) -> None:
    chairs = [await clinic.chair() for _ in range(3)]
    shuffled = random.Random(20261007)  # noqa: S311  # a fixed disorder

    async def book() -> httpx.Response:
        wish = clinic.wish(await clinic.patient(), every(3, 6))
        for appointment in wish["appointments"]:
            appointment["chair_id"] = shuffled.choice(chairs)
        return await clinic.send("/series", wish)

    won, lost = await race(*(book() for _ in range(RACERS)))
    assert 1 <= len(won) <= 3
    assert lost == {"chair_taken": RACERS - len(won)}


async def test_one_patient_booked_by_many_at_once(clinic: Clinic) -> None:
    patient = await clinic.patient()
    chairs = [await clinic.chair() for _ in range(10)]
    won, lost = await race(
        *(
            clinic.send("/series", clinic.wish(patient, every(3, 6), chair_id=chair))
            for chair in chairs
        )
    )
    assert len(won) == 1
    assert lost["series_open"] == lost["patient_taken"] == 9


async def test_changes_of_one_patient_s_phone_and_address_both_stay(clinic: Clinic) -> None:
    patient = await clinic.patient()
    moved_to = PATIENT["address"] | {"line1": "2 Made Up Street"}
    changes = {"phone": "+12025550190", "email": "other@example.test", "address": moved_to}
    answers = await asyncio.gather(
        *(
            clinic.send(f"/patients/{patient}", {name: value}, method="PATCH")
            for name, value in changes.items()
        )
    )
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    on_file = await clinic.get(f"/patients/{patient}")
    assert on_file["address"]["line1"] == "2 Made Up Street"
    assert (on_file["phone"], on_file["email"]) == ("+12025550190", "other@example.test")


async def test_many_chairs_of_one_name(clinic: Clinic) -> None:
    path = f"/locations/{clinic.location_id}/chairs"
    won, lost = await race(*(clinic.send(path, {"name": "Window"}) for _ in range(10)))
    assert len(won) == 1
    assert lost == {"chair_name_taken": 9}


async def test_many_clearances_of_one_hold(clinic: Clinic) -> None:
    patient = await clinic.patient(concerns=["heart_disease"])
    wish = clinic.clearance()
    won, lost = await race(
        *(clinic.send(f"/patients/{patient}/clearance", wish) for _ in range(10))
    )
    assert len(won) == 1
    assert lost == {"cleared_already": 9}


async def test_two_who_look_at_one_visit_and_move_it(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    won, lost = await race(
        *(
            clinic.send(
                f"/appointments/{visit['appointment_id']}/move",
                {"starts_at": (NOON + timedelta(minutes=n)).isoformat(), "revision": 0},
            )
            for n in range(1, 11)
        )
    )
    assert [moved["revision"] for moved in won] == [1]
    assert lost == {"changed_meanwhile": 9}


async def test_a_move_that_waited_for_another_move_is_decided_anew_by_its_caller(
    clinic: Clinic,
) -> None:
    visit = (await clinic.series())["appointments"][0]
    path = f"/appointments/{visit['appointment_id']}/move"
    async with clinic.engine.begin() as other:
        await other.execute(
            text("SELECT 1 FROM patients WHERE patient_id = :id FOR NO KEY UPDATE"),
            {"id": visit["patient_id"]},
        )
        wish = {"starts_at": (NOON + timedelta(hours=1)).isoformat()}
        move = asyncio.create_task(clinic.send(path, wish))
        await until_waiting(clinic)
        await other.execute(
            text("UPDATE appointments SET revision = 1 WHERE appointment_id = :id"),
            {"id": visit["appointment_id"]},
        )
    _, lost = await race(move)
    assert lost == {"changed_meanwhile": 1}


async def test_many_visits_moved_onto_one_hour(clinic: Clinic) -> None:
    hour = timedelta(hours=1)
    visits = [
        (await clinic.series(every(3, 6, NOON + n * hour)))["appointments"][0] for n in range(1, 6)
    ]
    won, lost = await race(
        *(
            clinic.send(
                f"/appointments/{visit['appointment_id']}/move", {"starts_at": NOON.isoformat()}
            )
            for visit in visits
        )
    )
    assert len(won) == 1
    assert lost == {"chair_taken": 4}


async def test_visits_that_change_chairs_with_each_other(clinic: Clinic) -> None:
    """Each wants the chair that the other has: neither gets it, and neither waits forever."""
    other_chair = await clinic.chair()
    one = (await clinic.series())["appointments"][0]
    other = (await clinic.series(chair_id=other_chair))["appointments"][0]
    won, lost = await race(
        *(
            clinic.send(
                f"/appointments/{visit['appointment_id']}/move",
                {"starts_at": visit["starts_at"], "chair_id": chair},
            )
            for visit, chair in [(one, other_chair), (other, clinic.chair_id)] * 5
        )
    )
    assert won == []
    assert lost == {"chair_taken": 10}


@pytest.mark.parametrize("checked_in", [False, True])
async def test_a_cancel_against_a_start(
    clinic: Clinic,
    checked_in: bool,  # noqa: FBT001  # a table's column
) -> None:
    visit = (await clinic.series())["appointments"][0]
    if checked_in:
        await clinic.check_in(visit)
    path = f"/appointments/{visit['appointment_id']}"
    won, lost = await race(
        *(clinic.send(f"{path}/cancel", {"reason": "patient_asked"}) for _ in range(5)),
        *(clinic.send(f"{path}/start", {"clinician_id": clinic.clinician_id}) for _ in range(5)),
    )
    assert [each["state"] for each in won] == ["running" if checked_in else "cancelled"]
    assert lost["visit_state"] == 9


async def test_a_cancel_against_a_check_in(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    clinic.be_there(visit)
    path = f"/appointments/{visit['appointment_id']}"
    won, lost = await race(
        clinic.send(f"{path}/cancel", {"reason": "patient_asked"}),
        clinic.send(f"{path}/check-in", {"fasted": True}),
    )
    assert len(won) == 1
    assert lost == {"visit_state": 1}


async def test_two_at_the_desk_hear_different_things_about_fasting(clinic: Clinic) -> None:
    """One answer stands; whoever said the other is told what is on record."""
    visits = [(await clinic.series(every(2, 6)))["appointments"][0]]
    clinic.be_there(visits[0])
    path = f"/appointments/{visits[0]['appointment_id']}"
    for _ in range(5):
        won, lost = await race(
            clinic.send(f"{path}/check-in", {"fasted": False}),
            clinic.send(f"{path}/check-in", {"fasted": True}),
        )
        assert len(won) == 1
        assert lost == {"answered_meanwhile": 1}
        await clinic.step(visits[0], "undo-check-in")


async def test_two_prescribers_plan_one_dose(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    path = f"/appointments/{visit['appointment_id']}/dose-plan"
    clinic.headers = clinic.as_staff(clinic.subject)
    won, lost = await race(
        *(clinic.send(path, clinic.dose(dose_ug=dose)) for dose in (20_000, 30_000))
    )
    [planned] = won
    assert lost == {"planned_meanwhile": 1}
    answer = await clinic.send(path, clinic.dose())
    [broken] = answer.json()["violations"]
    assert broken["found"] == planned["plan_id"]
    assert planned["dose"] in broken["detail"]
    won, lost = await race(
        *(
            clinic.send(path, clinic.dose(dose_ug=dose, instead_of=planned["plan_id"]))
            for dose in (25_000, 28_000)
        )
    )
    assert (len(won), lost) == (1, {"planned_meanwhile": 1})


async def test_many_nurses_complete_the_last_infusion(clinic: Clinic) -> None:
    series = await clinic.series(every(1, 3), visit_type="ketamine_pain")
    for visit in series["appointments"][:2]:
        await clinic.given(visit)
    last = series["appointments"][2]
    await clinic.check_in(last)
    start, complete = (
        f"/appointments/{last['appointment_id']}/{do}" for do in ("start", "complete")
    )
    wish = {"clinician_id": clinic.clinician_id}
    started, _ = await race(*(clinic.send(start, wish) for _ in range(10)))
    completed, lost = await race(*(clinic.send(complete, {}) for _ in range(10)))
    assert len(started) == len(completed) == 1
    assert lost == {"visit_state": 9}
    dose = f"/appointments/{last['appointment_id']}/dose"
    recorded, lost = await race(*(clinic.send(dose, GIVEN_DOSE) for _ in range(10)))
    assert len(recorded) == 1
    assert lost == {"dose_recorded_already": 9}
    kinds = Counter(await clinic.kinds_said(series["patient_id"]))
    assert (kinds["InfusionStarted"], kinds["InfusionCompleted"], kinds["SeriesCompleted"]) == (
        3,
        3,
        1,
    )


async def test_a_stop_against_a_start(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    await clinic.check_in(visit)
    won, lost = await race(
        clinic.send(f"/series/{series['series_id']}/stop", {"reason": "No."}),
        clinic.send(
            f"/appointments/{visit['appointment_id']}/start",
            {"clinician_id": clinic.clinician_id},
        ),
    )
    assert len(won) == 1
    assert sum(lost.values()) == 1


async def test_a_writer_who_takes_no_lock_is_met_by_the_constraint_and_told(
    clinic: Clinic,
) -> None:
    like = (await clinic.series(every(3, 6, NOON + timedelta(hours=5))))["appointments"][0]
    patient = await clinic.patient()
    other = await clinic.patient()
    async with clinic.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO appointments (appointment_id, patient_id, series_id, sequence_no,"
                " location_id, chair_id, visit_type, starts_at, ends_at, state, revision)"
                " SELECT gen_random_uuid(), :patient, series_id, 9,"
                " location_id, chair_id, visit_type, :start, CAST(:start AS timestamptz) +"
                " interval '50 minutes', 'booked', 0 FROM appointments WHERE appointment_id = :id"
            ),
            {"patient": other, "start": NOON, "id": like["appointment_id"]},
        )
        booking = asyncio.create_task(clinic.send("/series", clinic.wish(patient, every(3, 6))))
        await until_waiting(clinic)
    won, lost = await race(booking)
    assert won == []
    assert lost == {"chair_taken": 1}


async def test_the_same_key_forty_times_at_once_is_decided_once(clinic: Clinic) -> None:
    wish = clinic.wish(await clinic.patient(), every(3, 6))
    won, _ = await race(*(clinic.send("/series", wish, key="one-click") for _ in range(RACERS)))
    assert len({each["series_id"] for each in won}) == 1
    assert len(won) == RACERS
