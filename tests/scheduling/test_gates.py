"""No drip starts past a closed gate, and every closed one is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from services.scheduling.rules.patients.screening import Screened, Screening, broken_by_screening
from services.scheduling.rules.visits.gates import Asked, Consented, Readiness, broken_by_start
from services.scheduling.rules.visits.readings import Limit, Measure, Vitals, outside
from shared.auth import Role
from shared.clock import FixedClock
from tests.scheduling.conftest import NOON, PATIENT, VITALS, Clinic, bearer

STATE = ("visit_state", "appointment_id")
AT = datetime(2026, 10, 7, 16, 0, tzinfo=UTC)
FRESH = Vitals(AT, (), overridden=False)
PRESSURE = Limit(Measure.SYSTOLIC_MMHG, date(2020, 1, 1), 80, 90, 140, 180, "made up")
ASKED = Asked(
    120,
    ride_needed=True,
    dose_needed=True,
    vitals_needed=True,
    orientation_needed=True,
    sources={"fasting_min": "made up", "ride_needed": "made up"},
)
SIGNED = Consented(AT + timedelta(minutes=1), withdrawn=False)
CLEAR = Screened(Screening.CLEAR, date(2026, 10, 7))
CONCERN = Screened(Screening.CONCERN, None)
GATES = ["consent_missing", "clearance_missing", "ride_missing", "not_fasted", "vitals_missing",
         "dose_not_planned"]  # fmt: skip


@pytest.mark.parametrize("shut", list(product([True, False], repeat=len(GATES))))
def test_the_drip_starts_only_when_no_gate_is_closed_and_every_closed_one_is_named(
    shut: tuple[bool, ...],
) -> None:
    ready = Readiness(
        consent=None if shut[0] else SIGNED,
        screening=broken_by_screening(CONCERN if shut[1] else CLEAR, AT.date()),
        ride_recorded=not shut[2],
        fasted=not shut[3],
        vitals=None if shut[4] else FRESH,
        dose_planned=not shut[5],
    )
    broken = broken_by_start(ready, ASKED, AT, 30)
    assert [each.rule for each in broken] == [
        gate for gate, closed in zip(GATES, shut, strict=True) if closed
    ]
    assert all(each.source and each.detail.endswith(".") for each in broken)


@pytest.mark.parametrize(
    ("fasting_min", "span"), [(120, "2 hours"), (60, "1 hour"), (90, "90 minutes")]
)
def test_a_gate_says_what_the_type_of_visit_asks_for_and_where_it_is_written(
    fasting_min: int, span: str
) -> None:
    ready = Readiness(
        consent=SIGNED,
        screening=[],
        ride_recorded=False,
        fasted=False,
        vitals=FRESH,
        dose_planned=False,
    )
    sources = {"fasting_min": "the anesthetists' rule", "ride_needed": "nobody asks"}
    asked = replace(
        ASKED, fasting_min=fasting_min, ride_needed=False, dose_needed=False, sources=sources
    )
    [eaten] = broken_by_start(ready, asked, AT, 30)
    assert f"within the last {span};" in eaten.detail
    assert eaten.source == "the anesthetists' rule"
    assert broken_by_start(ready, replace(asked, fasting_min=0), AT, 30) == []
    unasked = replace(asked, fasting_min=0, vitals_needed=False)
    assert broken_by_start(replace(ready, vitals=None), unasked, AT, 30) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (79, "hard"), (80, "soft"), (89, "soft"), (90, None), (140, None), (141, "soft"),
        (180, "soft"), (181, "hard"),
    ],
)  # fmt: skip
def test_a_value_at_its_limit_is_inside_it(value: int, kind: str | None) -> None:
    found = outside({Measure.SYSTOLIC_MMHG: value}, [PRESSURE])
    assert [each.hard for each in found] == ([] if kind is None else [kind == "hard"])


def path(visit: dict[str, Any], step: str) -> str:
    return f"/appointments/{visit['appointment_id']}/{step}"


async def here(clinic: Clinic, **fields: Any) -> dict[str, Any]:
    """A visit whose patient is here, fasted, with a ride and a dose; no vitals are taken."""
    visit: dict[str, Any] = (await clinic.series(**fields))["appointments"][0]
    clinic.be_there(visit)
    await clinic.plan_dose(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    return visit


async def test_nothing_is_infused_into_who_turns_out_to_be_too_young(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    card = f"/patients/{visit['patient_id']}"
    await clinic.check_in(visit)
    await clinic.post(card, {"birth_date": "2012-01-01"}, method="PATCH")
    start = {"clinician_id": clinic.clinician_id}
    refused = await clinic.refused(f"/appointments/{visit['appointment_id']}/start", start)
    assert refused == [("too_young", "birth_date")]
    born = {"birth_date": "1980-02-29", "same_name_is_another_person": True}
    await clinic.post(card, born, method="PATCH")
    await clinic.start(visit)


async def test_a_visit_passes_every_gate_on_its_way_to_the_drip(clinic: Clinic) -> None:
    held = await clinic.patient(consents=False, concerns=["uncontrolled_blood_pressure"])
    visit = (await clinic.series(patient_id=held))["appointments"][0]
    clinician = {"clinician_id": clinic.clinician_id}
    everything = [(gate, gate.removesuffix("_missing")) for gate in GATES]
    everything[3] = ("not_fasted", "fasted")
    everything[5] = ("dose_not_planned", "dose")
    assert await clinic.refused(path(visit, "start"), {"clinician_id": str(uuid4())}) == [
        STATE,
        ("visit_day", "starts_at"),
        *everything,
        ("unknown_clinician", "clinician_id"),
    ]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": False})
    clear, left = path(visit, "clear"), list(everything)
    assert await clinic.refused(clear, {}) == left
    await clinic.consent(held)
    await clinic.clear_patient(held, note="Pressure is down.")
    assert await clinic.refused(clear, {}) == left[2:]
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    assert await clinic.refused(clear, {}) == left[3:]
    await clinic.step(visit, "check-in", {"fasted": True, "instead_of": False})
    assert await clinic.refused(clear, {}) == left[4:]
    await clinic.vitals(visit)
    assert await clinic.refused(clear, {}) == left[5:]
    await clinic.plan_dose(visit)
    assert await clinic.refused(path(visit, "start"), clinician) == [STATE]
    cleared = await clinic.step(visit, "clear")
    assert (cleared["state"], cleared["cleared_at"]) == ("cleared", visit["starts_at"])
    running = await clinic.step(visit, "start", clinician)
    assert running["state"] == "running"
    assert running["infusion_id"]
    kinds = await clinic.kinds_said(held)
    assert kinds.count("PatientCheckedIn") == 1
    assert kinds[-1] == "InfusionStarted"


async def test_a_gate_that_closes_after_the_clearing_is_closed_at_the_start(
    clinic: Clinic, clock: FixedClock
) -> None:
    visit = await here(clinic)
    await clinic.vitals(visit)
    await clinic.step(visit, "clear")
    start, wish = path(visit, "start"), {"clinician_id": clinic.clinician_id}
    [consent] = await clinic.get(f"/patients/{visit['patient_id']}/consents")
    await clinic.post(f"/consents/{consent['consent_id']}/withdraw", {})
    assert await clinic.refused(start, wish) == [("consent_withdrawn", "consent")]
    await clinic.consent(visit["patient_id"])
    await clinic.vitals(visit, systolic_mmhg=150)
    assert await clinic.refused(start, wish) == [("vitals_soft_limit", "systolic_mmhg")]
    await clinic.vitals(visit)
    clock.step(timedelta(minutes=31))
    assert await clinic.refused(start, wish) == [("vitals_stale", "vitals")]
    again = await clinic.step(visit, "check-in", {"fasted": True})
    assert (again["state"], again["cleared_at"]) == ("checked_in", None)
    await clinic.vitals(visit)
    await clinic.step(visit, "clear")
    assert (await clinic.start(visit))["state"] == "running"


async def test_past_a_soft_limit_a_prescriber_signs_with_a_reason(clinic: Clinic) -> None:
    visit = await here(clinic)
    reading = await clinic.vitals(visit, systolic_mmhg=150, pulse_bpm=104)
    assert [(each["measure"], each["hard"]) for each in reading["outside"]] == [
        ("pulse_bpm", False),
        ("systolic_mmhg", False),
    ]
    refused = await clinic.refused(path(visit, "clear"), {})
    assert {rule for rule, _ in refused} == {"vitals_soft_limit"}
    sign = {"clinician_id": clinic.clinician_id, "reason": "Anxious; 128 an hour ago."}
    clinic.headers = bearer(Role.NURSE)
    assert (await clinic.send(path(visit, "overrides"), sign)).status_code == 403
    clinic.headers = clinic.as_staff(clinic.subject)
    assert (await clinic.send(path(visit, "overrides"), sign | {"reason": " "})).status_code == 422
    signed = await clinic.step(visit, "overrides", sign)
    assert (signed["signed_by"], signed["reason"]) == (clinic.subject, sign["reason"])
    assert await clinic.refused(path(visit, "overrides"), sign) == [
        ("overridden_already", "appointment_id")
    ]
    await clinic.step(visit, "clear")
    listed = await clinic.get("/overrides", kind="vitals", patient_id=visit["patient_id"])
    [shown] = listed["items"]
    assert (shown["override_id"], shown["kind"]) == (signed["override_id"], "vitals")
    assert shown["appointment_id"] == visit["appointment_id"]
    assert (shown["series_id"], shown["reason"]) == (visit["series_id"], sign["reason"])
    assert shown["outside"] == signed["outside"]
    [row] = await clinic.rows(
        "SELECT o::text FROM vitals_overrides AS o WHERE override_id = :id",
        id=signed["override_id"],
    )
    assert "Anxious" not in row[0]
    assert b"Anxious".hex() not in row[0]


@pytest.mark.parametrize(
    "values", [{"systolic_mmhg": 141}, {"diastolic_mmhg": 91}, {"pulse_bpm": 49}, {"spo2_pct": 93}]
)
async def test_past_the_soft_limit_of_any_measure_nobody_is_cleared_unsigned(
    clinic: Clinic, values: dict[str, int]
) -> None:
    visit = await here(clinic)
    await clinic.vitals(visit, **values)
    [measure] = values
    assert await clinic.refused(path(visit, "clear"), {}) == [("vitals_soft_limit", measure)]
    sign = {"clinician_id": clinic.clinician_id, "reason": "As at every visit."}
    await clinic.step(visit, "overrides", sign)
    await clinic.step(visit, "clear")


async def test_the_patient_is_not_their_own_driver(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    own = {"mode": "driver", "driver_name": "Test Patient", "driver_phone": PATIENT["phone"]}
    assert await clinic.refused(path(visit, "ride"), own) == [("driver_is_patient", "driver_phone")]
    await clinic.step(visit, "ride", own | {"driver_phone": "+12025550199"})


async def test_another_answer_about_fasting_names_the_one_that_it_replaces(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": False})
    checks_in = path(visit, "check-in")
    for unseen in ({}, {"instead_of": True}):
        answer = await clinic.send(checks_in, {"fasted": True} | unseen)
        [broken] = answer.json()["violations"]
        assert (answer.status_code, broken["rule"], broken["found"]) == (
            409,
            "answered_meanwhile",
            "false",
        )
        assert "has eaten" in broken["detail"]
    await clinic.step(visit, "check-in", {"fasted": False})
    fasted = await clinic.step(visit, "check-in", {"fasted": True, "instead_of": False})
    assert fasted["fasted"] is True


async def test_an_override_is_of_one_reading_only(clinic: Clinic) -> None:
    visit = await here(clinic)
    sign = {"clinician_id": clinic.clinician_id, "reason": "As at every visit."}
    nothing = [("nothing_to_override", "appointment_id")]
    assert await clinic.refused(path(visit, "overrides"), sign) == nothing
    await clinic.vitals(visit)
    assert await clinic.refused(path(visit, "overrides"), sign) == nothing
    await clinic.vitals(visit, systolic_mmhg=150)
    await clinic.step(visit, "overrides", sign)
    await clinic.vitals(visit, systolic_mmhg=150)
    assert await clinic.refused(path(visit, "clear"), {}) == [
        ("vitals_soft_limit", "systolic_mmhg")
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"systolic_mmhg": 181}, "systolic_mmhg"),
        ({"diastolic_mmhg": 121}, "diastolic_mmhg"),
        ({"pulse_bpm": 39}, "pulse_bpm"),
        ({"spo2_pct": 89}, "spo2_pct"),
    ],
)
async def test_past_a_hard_limit_nobody_signs(
    clinic: Clinic, values: dict[str, int], field: str
) -> None:
    visit = await here(clinic)
    await clinic.vitals(visit, **({"systolic_mmhg": 140} | values))
    sign = {"clinician_id": clinic.clinician_id, "reason": "The patient insists."}
    assert await clinic.refused(path(visit, "overrides"), sign) == [
        ("hard_limit", "appointment_id")
    ]
    assert await clinic.refused(path(visit, "clear"), {}) == [("vitals_hard_limit", field)]


async def test_a_limit_is_a_figure_with_a_source_and_a_first_day(clinic: Clinic) -> None:
    limits = await clinic.get("/visit-types/ketamine_mood/limits")
    of_no_mass = {Measure.DOSE_UL, Measure.FIRST_DOSE_UL, Measure.DOSE_MIU, Measure.FIRST_DOSE_MIU}
    assert {each["measure"] for each in limits} == set(Measure) - of_no_mass
    assert all("until a clinician of the practice signs" in each["source"] for each in limits)
    where = "/visit-types/ketamine_pain/limits"
    wish = {
        "clinician_id": clinic.clinician_id,
        "measure": "systolic_mmhg",
        "effective_from": "2026-10-07",
        "soft_high": 120,
        "hard_high": 160,
        "source": "Dr. Made Up, by letter",
    }
    await clinic.post(where, wish)
    past, crossed = {"effective_from": "2026-10-01"}, {"hard_high": 100}
    assert await clinic.refused(where, wish | past) == [("first_day_past", "effective_from")]
    assert await clinic.refused(where, wish | {"effective_from": "2026-10-09"} | crossed) == [
        ("limits_order", "soft_high")
    ]
    unknown = await clinic.send("/visit-types/bloodletting/limits", wish)
    assert unknown.status_code == 404
    visit = await here(clinic, visit_type="ketamine_pain", starts=[AT + timedelta(days=n)
                                                                  for n in range(3)])  # fmt: skip
    reading = await clinic.vitals(visit)
    [found] = reading["outside"]
    assert (found["measure"], found["source"]) == ("systolic_mmhg", "Dr. Made Up, by letter")


async def test_a_limit_that_was_mistyped_and_is_in_force_is_put_right_the_same_day(
    clinic: Clinic,
) -> None:
    """108 for 180: nobody would be cleared for a day."""
    where = "/visit-types/ketamine_pain/limits"
    wish = {
        "clinician_id": clinic.clinician_id,
        "measure": "systolic_mmhg",
        "effective_from": clinic.in_days(0),
        "soft_high": 104,
        "hard_high": 108,
        "source": "Dr. Made Up, by letter",
    }
    await clinic.consent(patient := await clinic.patient())
    starts = [NOON + timedelta(days=n) for n in range(3)]
    series = await clinic.series(starts, patient, visit_type="ketamine_pain")
    visit = series["appointments"][0]
    clinic.be_there(visit)
    wish["effective_from"] = clinic.in_days(0)
    typed = await clinic.post(where, wish)
    await clinic.plan_dose(visit)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit)
    shut = [("vitals_hard_limit", "systolic_mmhg")]
    assert await clinic.refused(path(visit, "clear"), {}) == shut
    mended = await clinic.post(where, wish | {"soft_high": 140, "hard_high": 180})
    assert mended["revision"] == typed["revision"] + 1
    await clinic.step(visit, "clear")
    kept = [each for each in await clinic.get(where) if each["measure"] == "systolic_mmhg"]
    assert [each["hard_high"] for each in kept][-2:] == [108, 180], "what was decided by stays"


@pytest.mark.parametrize(
    "values",
    [
        {"systolic_mmhg": 0},
        {"diastolic_mmhg": -1},
        {"pulse_bpm": 1000},
        {"spo2_pct": 101},
        {"spo2_pct": "high"},
        {"weight_kg": 70},
    ],
)
async def test_vitals_of_nobody_alive_are_not_taken(
    clinic: Clinic, values: dict[str, object]
) -> None:
    visit = await here(clinic)
    assert (await clinic.send(path(visit, "vitals"), VITALS | values)).status_code == 422


async def test_a_pressure_is_higher_above_than_below(clinic: Clinic) -> None:
    visit = await here(clinic)
    swapped = VITALS | {"systolic_mmhg": 78, "diastolic_mmhg": 124}
    assert await clinic.refused(path(visit, "vitals"), swapped) == [
        ("vitals_order", "diastolic_mmhg")
    ]


async def test_a_consent_is_signed_before_it_is_recorded_and_withdrawn_once(
    clinic: Clinic,
) -> None:
    patient_id = await clinic.patient(consents=False)
    later = (clinic.clock.now() + timedelta(minutes=1)).isoformat()
    wish = clinic.form(signed_at=later)
    consents = f"/patients/{patient_id}/consents"
    assert await clinic.refused(consents, wish) == [("signed_later", "signed_at")]
    consent = await clinic.consent(patient_id)
    withdraw = f"/consents/{consent['consent_id']}/withdraw"
    assert (await clinic.post(withdraw, {}))["withdrawn_by"] == clinic.subject
    assert await clinic.refused(withdraw, {}) == [("withdrawn_already", "consent_id")]
    assert [each["signer"] for each in await clinic.get(consents)] == ["Testa Canary"]


async def test_a_ride_confirms_a_visit_until_it_moves(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    confirmed = await clinic.step(visit, "ride", {"mode": "rideshare"})
    assert confirmed["state"] == "confirmed"
    later = datetime.fromisoformat(visit["starts_at"]) + timedelta(minutes=20)
    moved = await clinic.step(visit, "move", {"starts_at": later.isoformat()})
    assert (moved["state"], moved["ride"]) == ("booked", None)


async def test_who_does_not_come_is_a_no_show_and_the_chair_is_free(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    clinic.be_there(visit)
    missed = await clinic.step(visit, "cancel", {"reason": "no_show"})
    assert missed["state"] == "no_show"
    taken = await clinic.rows(
        "SELECT count(*) FROM appointments WHERE chair_id = :chair AND starts_at = :start"
        " AND state NOT IN ('cancelled', 'no_show', 'sent_home')",
        chair=clinic.chair_id, start=datetime.fromisoformat(visit["starts_at"]),
    )  # fmt: skip
    assert taken[0][0] == 0


async def test_whoever_withdraws_the_newest_consent_does_not_start_on_an_older_one(
    clinic: Clinic,
) -> None:
    visit = await here(clinic)
    await clinic.vitals(visit)
    await clinic.consent(visit["patient_id"])
    newest, _older = await clinic.get(f"/patients/{visit['patient_id']}/consents")
    await clinic.post(f"/consents/{newest['consent_id']}/withdraw", {})
    assert await clinic.refused(path(visit, "clear"), {}) == [("consent_withdrawn", "consent")]


async def test_who_does_not_prescribe_signs_no_override(clinic: Clinic) -> None:
    visit = await here(clinic)
    await clinic.vitals(visit, systolic_mmhg=150)
    login = f"{clinic.subject}-assistant"
    assistant = await clinic.clinician(dea_number=None, subject=login)
    clinic.headers = clinic.as_staff(login)
    sign = {"clinician_id": assistant, "reason": "She always has it."}
    assert await clinic.refused(path(visit, "overrides"), sign) == [
        ("signer_does_not_prescribe", "clinician_id")
    ]


async def test_a_dose_of_one_milligram_per_kilogram_is_not_below_it(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    plan = {"clinician_id": clinic.clinician_id, "dose_ug": 80_000, "weight_g": 80_000}
    assert await clinic.refused(path(visit, "dose-plan"), plan) == [("dose_ceiling", "dose_ug")]
    why = {"dose_ug": 79_900, "reason": "Tolerated as much elsewhere."}
    await clinic.step(visit, "dose-plan", plan | why)


async def test_a_visit_starts_and_ends_without_what_its_type_does_not_ask_for(
    clinic: Clinic,
) -> None:
    named = {"value": False, "source": "made up: nobody is sedated"}
    figures = {
        "effective_from": "2026-10-07",
        "clinician_id": clinic.clinician_id,
        "ride_needed": named,
        "fasting_min": {"value": 0, "source": "made up: nothing is swallowed"},
    }
    await clinic.post("/visit-types/ketamine_mood/figures", figures)
    visit = (await clinic.series())["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": False})
    await clinic.plan_dose(visit)
    await clinic.vitals(visit)
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    await clinic.step(visit, "complete")
    await clinic.give(visit)
    await clinic.vitals(visit)
    gone = await clinic.step(visit, "discharge", {"oriented": True})
    assert gone["state"] == "discharged"
