"""Treatments outside a series: every type of the catalogue, its gates, gaps, ban and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.auth import Role
from shared.claims import InfusionRecord
from tests.scheduling.conftest import CLINICIAN, DRIVER, NOON, Clinic, bearer, every

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MADE_UP = "made up"

IN_A_CHAIR = (
    "ketamine_maintenance",
    "lidocaine",
    "scopolamine",
    "scopolamine_beta_blocker",
    "magnesium",
    "dextromethorphan",
    "nitrous",
    "low_level_laser",
    "nad",
    "amino_acids",
    "vitamins",
)
BY_VOLUME = {"scopolamine_beta_blocker", "nitrous"}
ASKS_NOTHING = {"low_level_laser", "nad", "amino_acids", "vitamins"}


def wish(clinic: Clinic, at: datetime = NOON, **fields: object) -> dict[str, Any]:
    return {
        "location_id": clinic.location_id,
        "chair_id": clinic.chair_id,
        "visit_type": "ketamine_maintenance",
        "starts_at": at.isoformat(),
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    } | fields


async def book(
    clinic: Clinic, at: datetime = NOON, patient_id: str | None = None, **fields: object
) -> dict[str, Any]:
    patient_id = patient_id or await clinic.patient()
    path = f"/patients/{patient_id}/treatments"
    return dict(await clinic.post(path, wish(clinic, at, **fields)))


async def refused(
    clinic: Clinic, at: datetime = NOON, patient_id: str | None = None, **fields: object
) -> list[tuple[str, str]]:
    patient_id = patient_id or await clinic.patient()
    path = f"/patients/{patient_id}/treatments"
    return await clinic.refused(path, wish(clinic, at, **fields))


async def has_length(clinic: Clinic, visit_type: str, **figures: object) -> None:
    """The clinic records how long a treatment takes; once for the tests of a module."""
    wished = {"effective_from": "2026-10-05", "booked_min": {"value": 40, "source": MADE_UP}}
    wished |= {"clinician_id": clinic.clinician_id}
    path = f"/visit-types/{visit_type}/figures"
    answer = await clinic.send(path, wished | figures)
    assert answer.status_code in {201, 409}, answer.text


async def give(clinic: Clinic, visit: dict[str, Any], *, asks: bool = True) -> Any:
    """A treatment from its check-in to the way home, with what its type asks and no more."""
    clinic.be_there(visit)
    await clinic.consent(visit["patient_id"], visit_types=[visit["visit_type"]])
    if asks:
        await clinic.step(visit, "ride", {"mode": "rideshare"})
    await clinic.step(visit, "check-in", {"fasted": True} if asks else {})
    by_volume = visit["visit_type"] in BY_VOLUME
    if asks:
        await clinic.plan_dose(visit, **({"dose_ug": None, "dose_ul": 50_000} if by_volume else {}))
    await clinic.vitals(visit)
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    clinic.clock.step_to(clinic.clock.now() + timedelta(minutes=40))
    await clinic.step(visit, "complete")
    await clinic.vitals(visit)
    if asks and by_volume:
        ran = {"lot": "LOT-0001", "drawn_ul": 50_000, "given_ul": 50_000}
        await clinic.step(visit, "dose", ran)
    elif asks:
        await clinic.give(visit)
    if asks:
        await clinic.step(visit, "ride-seen", DRIVER)
    return await clinic.step(visit, "discharge", {"oriented": True} if asks else {})


@pytest.mark.parametrize("visit_type", IN_A_CHAIR)
async def test_every_treatment_of_the_catalogue_is_booked_and_lived_through_by_itself(
    clinic: Clinic, visit_type: str
) -> None:
    asks = visit_type not in ASKS_NOTHING
    if visit_type != "ketamine_maintenance":
        await has_length(clinic, visit_type)
    visit = await book(clinic, visit_type=visit_type)
    assert (visit["series_id"], visit["ordered_by"]) == (None, clinic.clinician_id)
    home = await give(clinic, visit, asks=asks)
    stopped_at = datetime.fromisoformat(home["stopped_at"])
    assert home["state"] == "discharged"
    assert datetime.fromisoformat(home["no_drive_until"]) - stopped_at == 6 * HOUR * asks
    said = dict(await clinic.said(visit["patient_id"]))
    for event in ("AppointmentBooked", "InfusionCompleted"):
        assert (said[event]["visit_type"], said[event]["type_code"]) == ("other", visit_type)
        assert (said[event]["series_id"], said[event]["sequence_no"]) == (None, None)
    booked = said["AppointmentBooked"]
    assert (booked["ride_needed"], booked["fasting_min"]) == (asks, 120 * asks)
    assert "SeriesCompleted" not in said


async def test_billing_redeems_what_was_given_outside_a_series(clinic: Clinic) -> None:
    await has_length(clinic, "lidocaine")
    headers = bearer(Role.SERVICE, subject="billing")
    for visit_type, drug in (("ketamine_maintenance", "Ketamine, racemic"), ("lidocaine", None)):
        visit = await give(
            clinic, await book(clinic, clinic.clock.now() + DAY, visit_type=visit_type)
        )
        path = f"/internal/infusions/{visit['infusion_id']}"
        answer = await clinic.client.get(path, params={"purpose": "superbill"}, headers=headers)
        record = InfusionRecord.model_validate_json(answer.content)
        assert (record.visit_type, record.diagnoses) == (visit_type, ("F33.1",))
        assert record.drug_name == (drug or "Lidocaine")


async def test_a_treatment_starts_behind_the_same_gates_as_any_infusion(clinic: Clinic) -> None:
    patient_id = await clinic.patient(consents=False, concerns=["heart_disease"])
    visit = await book(clinic, patient_id=patient_id)
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": False})
    path = f"/appointments/{visit['appointment_id']}/clear"
    broken = {rule for rule, _ in await clinic.refused(path, {})}
    assert broken >= {
        "consent_missing",
        "clearance_missing",
        "ride_missing",
        "not_fasted",
        "vitals_missing",
    }


async def test_a_booster_is_not_given_the_day_after_an_infusion_of_a_series(clinic: Clinic) -> None:
    other = await clinic.chair()
    series = await clinic.series()
    patient_id = series["patient_id"]
    for days in (-1, 1, 14, 16):
        at = NOON + days * DAY
        assert await refused(clinic, at, patient_id, chair_id=other) == [("drug_gap", "starts_at")]
    await book(clinic, NOON + 17 * DAY, patient_id, chair_id=other)


async def test_an_infusion_of_a_series_is_not_booked_the_day_after_a_booster(
    clinic: Clinic,
) -> None:
    await clinic.opens()
    visit = await book(clinic)
    patient_id = visit["patient_id"]
    for first in (NOON - DAY, NOON + DAY):
        broken = await clinic.refused("/series", clinic.wish(patient_id, every(3, 6, first)))
        assert ("series_gap", "appointments.0.starts_at") in broken
    await give(clinic, visit)
    plans = (await clinic.plans(patient_id))["plans"]
    assert plans
    firsts = [datetime.fromisoformat(each["appointments"][0]["starts_at"]) for each in plans]
    assert min(firsts).date() >= (NOON + 2 * DAY).date()


async def test_plans_keep_their_distance_from_a_booster_to_come(clinic: Clinic) -> None:
    other = await clinic.chair()
    await clinic.opens()
    visit = await book(clinic, NOON + 3 * DAY, chair_id=other)
    found = await clinic.plans(visit["patient_id"])
    for plan in found["plans"]:
        days = [datetime.fromisoformat(each["starts_at"]) for each in plan["appointments"]]
        assert all(abs((day.date() - (NOON + 3 * DAY).date()).days) >= 2 for day in days)
        wished = clinic.wish(visit["patient_id"], []) | {"appointments": plan["appointments"]}
        await clinic.post("/series", wished)
        break


async def test_sooner_than_its_gap_a_booster_has_a_prescribers_signed_word(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    patient_id, other = series["patient_id"], await clinic.chair()
    last = datetime.fromisoformat(series["appointments"][-1]["starts_at"])
    sooner = {"clinician_id": clinic.clinician_id, "reason": "relapse"}
    visit = await book(clinic, last + DAY, patient_id, chair_id=other, sooner=sooner)
    [signed] = (await clinic.get("/overrides", patient_id=patient_id))["items"]
    assert (signed["kind"], signed["appointment_id"]) == ("drug_gap", visit["appointment_id"])
    assert (signed["series_id"], signed["gap_min_days"], signed["reason"]) == (None, 1, "relapse")
    for infusion in series["appointments"]:
        await clinic.infuse(infusion)
        await clinic.discharge(infusion)
    assert (await give(clinic, visit))["state"] == "discharged"


async def test_a_withdrawn_word_keeps_the_booster_from_starting(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    patient_id, other = series["patient_id"], await clinic.chair()
    first = series["appointments"][0]
    sooner = {"clinician_id": clinic.clinician_id, "reason": "relapse"}
    visit = await book(clinic, NOON + DAY, patient_id, chair_id=other, sooner=sooner)
    await clinic.infuse(first)
    await clinic.discharge(first)
    [signed] = (await clinic.get("/overrides", patient_id=patient_id))["items"]
    await clinic.post(f"/overrides/{signed['override_id']}/withdraw", {})
    await clinic.consent(patient_id, visit_types=["ketamine_maintenance"])
    await clinic.check_in(visit)
    start = {"clinician_id": clinic.clinician_id}
    path = f"/appointments/{visit['appointment_id']}/start"
    assert await clinic.refused(path, start) == [("drug_gap", "starts_at")]


async def test_nobody_signs_where_nothing_is_too_near(clinic: Clinic) -> None:
    sooner = {"clinician_id": clinic.clinician_id, "reason": "just in case"}
    assert await refused(clinic, sooner=sooner) == [("override_needless", "sooner")]


async def test_ketamine_is_ordered_by_who_has_a_dea_number_and_vitamins_by_anybody(
    clinic: Clinic,
) -> None:
    await has_length(clinic, "vitamins")
    nurse = (await clinic.post("/clinicians", CLINICIAN | {"dea_number": None}))["clinician_id"]
    assert await refused(clinic, ordered_by=nurse) == [("dea_number_missing", "ordered_by")]
    await book(clinic, ordered_by=nurse, visit_type="vitamins")


async def test_vitamins_are_given_the_day_after_ketamine_but_not_under_it(clinic: Clinic) -> None:
    await has_length(clinic, "vitamins")
    visit = await book(clinic)
    patient_id, other = visit["patient_id"], await clinic.chair()
    broken = await refused(
        clinic, NOON + 2 * HOUR, patient_id, visit_type="vitamins", chair_id=other
    )
    assert broken == [("driving_ban", "starts_at")]
    await book(clinic, NOON + DAY, patient_id, visit_type="vitamins", chair_id=other)


async def test_a_treatment_moves_by_the_rules_of_its_booking(clinic: Clinic) -> None:
    visit = await book(clinic)
    await clinic.step(visit, "ride", {"mode": "rideshare"})
    path = f"/appointments/{visit['appointment_id']}/move"
    second = await book(clinic, NOON + 9 * DAY, visit["patient_id"])
    broken = await clinic.refused(path, {"starts_at": (NOON + 8 * DAY).isoformat()})
    assert broken == [("drug_gap", "starts_at")]
    moved = await clinic.post(path, {"starts_at": (NOON + 5 * DAY).isoformat()})
    assert (moved["state"], moved["ride_mode"]) == ("booked", None)
    cancelled = await clinic.step(second, "cancel", {"reason": "patient_asked"})
    assert cancelled["state"] == "cancelled"
    kinds = await clinic.kinds_said(visit["patient_id"])
    assert kinds[-2:] == ["AppointmentMoved", "AppointmentCancelled"]


async def test_a_re_plan_is_not_applied_onto_the_day_before_a_booster(clinic: Clinic) -> None:
    await clinic.opens()
    other = await clinic.chair()
    series = await clinic.series(every(3, 6))
    fifth = series["appointments"][4]["appointment_id"]
    to = (NOON + 14 * DAY).isoformat()
    change = {"kind": "move", "appointment_id": fifth, "starts_at": to}
    path = f"/series/{series['series_id']}/replans"
    proposed = await clinic.post(path, {"change": change})
    assert proposed["visits"][-1]["starts_at"].startswith("2026-10-23")
    await book(clinic, NOON + 17 * DAY, series["patient_id"], chair_id=other)
    approve = f"/replans/{proposed['replan_id']}/approve"
    assert await clinic.refused(approve, {}) == [("series_gap", "replan_id")]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"visit_type": "ketamine_mood"}, "type_in_series"),
        ({"visit_type": "preparation"}, "chair_needless"),
        ({"visit_type": "nobody_has_this"}, "unknown_visit_type"),
    ],
)
async def test_what_is_no_treatment_is_not_booked_as_one(
    clinic: Clinic, fields: dict[str, Any], rule: str
) -> None:
    assert await refused(clinic, **fields) == [(rule, "visit_type")]


async def test_a_series_of_what_is_given_by_itself_is_refused(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    wished = clinic.wish(patient_id, every(3, 6), visit_type="lidocaine")
    for path, body in (
        ("/series", wished),
        ("/plans", {name: wished[name] for name in ("patient_id", "location_id", "visit_type")}),
    ):
        assert await clinic.refused(path, body) == [("type_not_in_series", "visit_type")]


async def test_a_clinic_adds_a_type_of_its_own_without_code(clinic: Clinic) -> None:
    added = await clinic.post(
        "/visit-types",
        {
            "visit_type": "made_up_drip",
            "like": "vitamins",
            "effective_from": "2026-10-05",
            "name": {"value": "Made-up drip", "source": MADE_UP},
            "booked_min": {"value": 30, "source": MADE_UP},
            "fasting_min": {"value": 60, "source": MADE_UP},
            "drug": {"value": "Glutathione", "source": MADE_UP},
            "clinician_id": clinic.clinician_id,
        },
    )
    assert added["sources"]["fasting_min"] == MADE_UP
    assert {each["measure"] for each in await clinic.get("/visit-types/made_up_drip/limits")}
    visit = await book(clinic, visit_type="made_up_drip")
    assert (await clinic.get("/appointments"))["items"]
    booked = dict(await clinic.said(visit["patient_id"]))["AppointmentBooked"]
    assert (booked["type_code"], booked["fasting_min"]) == ("made_up_drip", 60)
    again = {"visit_type": "made_up_drip", "like": "vitamins", "effective_from": "2026-10-06"}
    again |= {"name": {"value": "Again", "source": MADE_UP}}
    assert await clinic.refused("/visit-types", again) == [("visit_type_there", "visit_type")]


async def add_drip(clinic: Clinic, visit_type: str, **figures: object) -> Any:
    """A type of the clinic's own, like its vitamin drip."""
    wish = {
        "visit_type": visit_type,
        "like": "vitamins",
        "effective_from": "2026-10-05",
        "name": {"value": "Made-up drip", "source": MADE_UP},
        "booked_min": {"value": 30, "source": MADE_UP},
        "clinician_id": clinic.clinician_id,
    }
    return await clinic.send("/visit-types", wish | figures)


def says(value: object) -> dict[str, object]:
    return {"value": value, "source": MADE_UP}


async def test_what_a_type_does_not_ask_keeps_nobody_in_the_chair(clinic: Clinic) -> None:
    answer = await add_drip(clinic, "quiet_drip", vitals_needed=says(value=False))
    assert answer.status_code == 201, answer.text
    visit = await book(clinic, visit_type="quiet_drip")
    clinic.be_there(visit)
    await clinic.consent(visit["patient_id"], visit_types=["quiet_drip"])
    await clinic.step(visit, "check-in")
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    clinic.clock.step_to(clinic.clock.now() + timedelta(minutes=40))
    await clinic.let_fall_due()
    chart = await clinic.get(f"/appointments/{visit['appointment_id']}/chart")
    assert (chart["late_since"], chart["readings"]) == (None, [])
    await clinic.step(visit, "complete")
    assert (await clinic.step(visit, "discharge"))["state"] == "discharged"


async def test_what_nobody_had_to_take_or_plan_is_judged_once_it_is_there(clinic: Clinic) -> None:
    await add_drip(clinic, "watched_drip", vitals_needed=says(value=False))
    visit = await book(clinic, visit_type="watched_drip")
    path = f"/appointments/{visit['appointment_id']}"
    clinic.be_there(visit)
    await clinic.consent(visit["patient_id"], visit_types=["watched_drip"])
    await clinic.step(visit, "check-in")
    await clinic.vitals(visit, systolic_mmhg=230)
    assert await clinic.refused(f"{path}/clear", {}) == [("vitals_hard_limit", "systolic_mmhg")]
    await clinic.vitals(visit)
    await clinic.plan_dose(visit, dose_ug=None, dose_ul=50_000)
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    await clinic.step(visit, "complete")
    assert await clinic.refused(f"{path}/discharge", {}) == [("dose_not_recorded", "dose")]
    await clinic.step(visit, "dose", {"lot": "LOT-0001", "drawn_ul": 50_000, "given_ul": 50_000})
    await clinic.step(visit, "discharge")


@pytest.mark.parametrize(
    ("figures", "broken"),
    [
        ({"is_controlled": says(value=True)}, ("dose_of_controlled", "dose_needed")),
        ({"drug": says(None), "dose_needed": says(value=True)}, ("drug_missing", "drug")),
    ],
)
async def test_a_dose_is_asked_of_a_controlled_drug_and_of_no_drug_none(
    clinic: Clinic, figures: dict[str, Any], broken: tuple[str, str]
) -> None:
    answer = await add_drip(clinic, "wrong_drip", **figures, route=says(None))
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == broken


async def test_a_type_that_asks_for_orientation_asks_before_the_way_home(clinic: Clinic) -> None:
    await add_drip(clinic, "dizzy_drip", orientation_needed=says(value=True))
    visit = await book(clinic, visit_type="dizzy_drip")
    clinic.be_there(visit)
    await clinic.consent(visit["patient_id"], visit_types=["dizzy_drip"])
    await clinic.step(visit, "check-in")
    await clinic.vitals(visit)
    await clinic.step(visit, "clear")
    await clinic.start(visit)
    await clinic.step(visit, "complete")
    await clinic.vitals(visit)
    path = f"/appointments/{visit['appointment_id']}/discharge"
    assert await clinic.refused(path, {}) == [("not_oriented", "oriented")]
    await clinic.step(visit, "discharge", {"oriented": True})


async def test_the_database_lets_a_treatment_be_no_session_and_no_infusion_of_a_series(
    clinic: Clinic,
) -> None:
    visit = await book(clinic)
    for change in (
        "ordered_by = NULL",
        "diagnoses = NULL",
        "chair_id = NULL",
        "led_by = ordered_by",
    ):
        async with clinic.engine.begin() as connection:
            with pytest.raises(DBAPIError):
                await connection.execute(
                    text(
                        f"UPDATE appointments SET {change} WHERE appointment_id = :id"
                    ),  # from above
                    {"id": visit["appointment_id"]},
                )


@pytest.mark.parametrize(
    ("birth_date", "young"), [("2026-10-05", True), ("2008-10-08", True), ("2008-10-07", False)]
)
async def test_ketamine_is_for_adults_on_the_day_of_the_visit(
    clinic: Clinic,
    birth_date: str,
    young: bool,  # noqa: FBT001  # a table's column
) -> None:
    patient_id = await clinic.patient(birth_date=birth_date)
    if not young:
        await book(clinic, NOON - 2 * HOUR, patient_id)
        return
    assert await refused(clinic, patient_id=patient_id) == [("too_young", "patient_id")]
    wished = clinic.wish(patient_id, every(3, 6))
    assert ("too_young", "patient_id") in await clinic.refused("/series", wished)


async def test_the_least_age_is_a_figure_with_its_source(clinic: Clinic) -> None:
    catalogue = {each["visit_type"]: each for each in await clinic.get("/visit-types")}
    assert catalogue["ketamine_mood"]["least_age_years"] == 18
    assert "Spravato" in catalogue["ketamine_mood"]["sources"]["least_age_years"]
    assert catalogue["vitamins"]["least_age_years"] is None
    figures = {
        "effective_from": datetime(2026, 11, 1, tzinfo=UTC).date().isoformat(),
        "least_age_years": {"value": 65, "source": MADE_UP},
        "clinician_id": clinic.clinician_id,
    }
    await clinic.post("/visit-types/nitrous/figures", figures)
