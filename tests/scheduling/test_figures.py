"""The clinic's figures are rows with sources, and a later row is in force from its first day on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.scheduling import store
from services.scheduling.events import on
from shared.clock import FixedClock
from shared.messaging import UnitOfWork
from tests.scheduling.conftest import NOON, NOW, Clinic, every
from tests.scheduling.figures import MOOD, PAIN

BESIDE = {"visit_type", "effective_from", "sources", "protocol"} | {
    "revision",
    "clinician_id",
    "signed_by",
}
"""What a row of figures says beside them."""
WORD = "Medical director, 2026-10-05"


def figure(value: object) -> dict[str, object]:
    return {"value": value, "source": WORD}


async def record(clinic: Clinic, what: str, **figures: object) -> Any:
    wish = {"effective_from": "2026-10-05", "clinician_id": clinic.clinician_id} | {
        name: value if name == "effective_from" else figure(value)
        for name, value in figures.items()
    }
    return await clinic.post(f"/visit-types/ketamine_mood/{what}", wish)


@pytest.fixture(autouse=True)
async def _faq_again(clinic: Clinic) -> Any:
    """Visit types are the whole house's; what a test records is gone after it."""
    yield
    async with clinic.engine.begin() as connection:
        for table in ("visit_types", "protocols"):
            await connection.exec_driver_sql(
                f"DELETE FROM {table} WHERE effective_from > '2020-01-01'"
            )


async def test_the_faq_s_figures_are_the_defaults(clinic: Clinic) -> None:
    unit = UnitOfWork(clinic.engine, FixedClock(NOW), on)
    async with unit.transaction() as tx:
        for visit_type, protocol in (("ketamine_mood", MOOD), ("ketamine_pain", PAIN)):
            policy = await store.policy_of(tx, uuid4(), visit_type)
            assert policy.protocol_on(NOW.date()) == protocol


async def test_the_catalogue_holds_what_the_faq_names_each_figure_with_its_source(
    clinic: Clinic,
) -> None:
    catalogue = {each["visit_type"]: each for each in await clinic.get("/visit-types")}
    assert len(catalogue) == 17
    mood, pain = catalogue["ketamine_mood"], catalogue["ketamine_pain"]
    assert (mood["booked_min"], mood["fasting_min"], mood["no_drive_min"]) == (50, 120, 360)
    assert (mood["ride_needed"], mood["chair_needed"], mood["recovery_min"]) == (True, True, 0)
    assert mood["sources"]["booked_min"] == "FAQ: intravenously over the course of 40-50 minutes"
    assert pain["booked_min"] == 240
    assert pain["protocol"]["size_max"] == 5
    assert catalogue["spray_consult"]["chair_needed"] is False
    assert catalogue["lidocaine"]["booked_min"] is None
    for each in catalogue.values():
        figures = set(each) - BESIDE
        assert set(each["sources"]) == figures
        assert all(each["sources"].values())
        if each["protocol"] is not None:
            figures = set(each["protocol"]) - BESIDE - {"kind"}
            assert set(each["protocol"]["sources"]) == figures


async def test_preparation_sessions_have_the_faq_s_hours_everywhere(clinic: Clinic) -> None:
    unit = UnitOfWork(clinic.engine, FixedClock(NOW), on)
    async with unit.transaction() as tx:
        policy = await store.policy_of(tx, uuid4(), "preparation")
    hours = policy.hours_on(NOW.date())
    assert hours is not None
    assert [(w.weekday, w.from_min, w.until_min) for w in hours.windows] == [
        (weekday, 9 * 60, 21 * 60) for weekday in (1, 3, 5)
    ]


async def test_a_longer_visit_with_recovery_holds_its_chair_from_its_first_day_on(
    clinic: Clinic,
) -> None:
    answer = await record(
        clinic, "figures", effective_from="2026-10-14", booked_min=60, recovery_min=30
    )
    assert (answer["booked_min"], answer["no_drive_min"]) == (60, 360)
    assert answer["sources"]["booked_min"] == WORD
    assert answer["sources"]["no_drive_min"] == "FAQ: no driving for 6 hours after an infusion"
    series = await clinic.series(every(3, 6))
    lasts = [
        datetime.fromisoformat(each["ends_at"]) - datetime.fromisoformat(each["starts_at"])
        for each in series["appointments"]
    ]
    assert lasts == [timedelta(minutes=50)] * 3 + [timedelta(minutes=90)] * 3
    [entry] = [
        each
        for each in await clinic.get("/visit-types", on="2026-10-13")
        if each["visit_type"] == "ketamine_mood"
    ]
    assert entry["booked_min"] == 50


async def test_a_longer_driving_ban_is_told_at_discharge(clinic: Clinic) -> None:
    await record(clinic, "figures", no_drive_min=24 * 60)
    visit = (await clinic.series())["appointments"][0]
    given = await clinic.infuse(visit)
    gone = await clinic.discharge(visit)
    stopped = datetime.fromisoformat(given["stopped_at"])
    assert datetime.fromisoformat(gone["no_drive_until"]) == stopped + timedelta(hours=24)


async def test_a_series_keeps_the_protocol_of_the_day_it_was_booked(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6))
    await record(clinic, "protocol", effective_from="2026-10-06", gap_min_days=3)
    clinic.clock.step_to(NOW + timedelta(days=1))
    visit = series["appointments"][1]
    earlier = {"starts_at": (NOON + timedelta(days=2)).isoformat()}
    await clinic.step(visit, "move", earlier)
    other = clinic.wish(await clinic.patient(), every(2, 6, NOON + timedelta(hours=4)))
    assert {rule for rule, _ in await clinic.refused("/series", other)} == {"series_gap"}


async def test_a_weekly_cap_is_kept_by_bookings_moves_and_plans(clinic: Clinic) -> None:
    await clinic.opens()
    await record(clinic, "protocol", weekly_cap=3)
    patient = await clinic.patient()
    assert await clinic.refused("/series", clinic.wish(patient, every(2, 6))) == [
        ("series_week", f"appointments.{n}.starts_at") for n in (3, 4, 5)
    ]
    days = [0, 2, 4, 7, 9, 11]
    series = await clinic.series([NOON + timedelta(days=n) for n in days], patient_id=patient)
    third = series["appointments"][3]
    wish = {"starts_at": (NOON + timedelta(days=6)).isoformat()}
    path = f"/appointments/{third['appointment_id']}/move"
    assert await clinic.refused(path, wish) == [("series_week", "starts_at")]
    await record(clinic, "protocol", effective_from="2026-10-06", weekly_cap=None)
    clinic.clock.step_to(NOW + timedelta(days=1))
    await clinic.series(every(2, 6, NOON + timedelta(hours=3)))


@pytest.mark.parametrize(
    ("what", "figures", "broken"),
    [
        ("figures", {"no_drive_min": 359}, [("driving_ban_shorter", "no_drive_min")]),
        ("figures", {"booked_min": 700, "recovery_min": 60}, [("visit_length", "booked_min")]),
        (
            "figures",
            {"effective_from": "2026-10-04", "booked_min": 55},
            [("first_day_past", "effective_from")],
        ),
        ("protocol", {"size_min": 9}, [("figures_order", "size_min")]),
        (
            "protocol",
            {"gap_min_days": 6, "gap_max_days": 4},
            [("figures_order", "gap_min_days"), ("figures_order", "gap_advised_days")],
        ),
    ],
)
async def test_figures_that_cannot_be_are_refused(
    clinic: Clinic, what: str, figures: dict[str, object], broken: list[tuple[str, str]]
) -> None:
    wish = {"effective_from": "2026-10-05", "clinician_id": clinic.clinician_id} | {
        name: value if name == "effective_from" else figure(value)
        for name, value in figures.items()
    }
    assert await clinic.refused(f"/visit-types/ketamine_mood/{what}", wish) == broken


async def test_a_recorded_figure_is_never_changed_and_a_later_revision_of_its_day_counts(
    clinic: Clinic,
) -> None:
    typed = await record(clinic, "figures", booked_min=500, room_needed=True)
    mended = await record(clinic, "figures", booked_min=55)
    assert (typed["revision"], mended["revision"]) == (1, 2)
    assert mended["room_needed"], "what was not mistyped stays"
    [entry] = [
        each
        for each in await clinic.get("/visit-types", on="2026-10-05")
        if each["visit_type"] == "ketamine_mood"
    ]
    assert entry["booked_min"] == 55
    kept = await clinic.rows(
        "SELECT booked_min FROM visit_types WHERE visit_type = 'ketamine_mood'"
        " AND effective_from = '2026-10-05' ORDER BY revision"
    )
    assert [each for (each,) in kept] == [500, 55]


async def test_a_series_keeps_the_protocol_that_was_on_record_when_it_was_booked(
    clinic: Clinic,
) -> None:
    await record(clinic, "protocol", weekly_cap=2)
    series = await clinic.series(every(4, 6))
    clinic.clock.step(timedelta(minutes=5))
    await record(clinic, "protocol", weekly_cap=2, gap_min_days=4)
    move = f"/appointments/{series['appointments'][1]['appointment_id']}/move"
    await clinic.post(move, {"starts_at": (NOON + timedelta(days=3)).isoformat()})
    later = clinic.wish(await clinic.patient(), every(3, 6, NOON + timedelta(hours=3)))
    assert ("series_gap", "appointments.1.starts_at") in await clinic.refused("/series", later)


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        ("figures", {}, "body"),
        ("figures", {"booked_min": 50}, "booked_min"),
        ("figures", {"booked_min": {"value": 50}}, "booked_min"),
        ("figures", {"booked_min": {"value": 0, "source": "x"}}, "booked_min"),
        ("figures", {"booked_min": {"value": 50, "source": " "}}, "booked_min"),
        ("protocol", {"kind": figure("mood")}, "kind"),
        ("protocol", {"gap_max_days": figure(32)}, "gap_max_days"),
    ],
)
async def test_a_figure_without_its_source_or_out_of_reach_is_not_understood(
    clinic: Clinic, path: str, wrong: dict[str, object], field: str
) -> None:
    wish = {"effective_from": "2026-10-05"} | wrong
    answer = await clinic.send(f"/visit-types/ketamine_mood/{path}", wish)
    assert answer.status_code == 422
    assert answer.json()["violations"][0].get("field", "body").startswith(field)


@pytest.mark.parametrize("path", ["visit-types/brain_swap/figures", "visit-types/nad/protocol"])
async def test_figures_are_recorded_for_what_the_clinic_gives(clinic: Clinic, path: str) -> None:
    name = "booked_min" if path.endswith("figures") else "size_min"
    wish = {"effective_from": "2026-10-05", name: figure(3)}
    answer = await clinic.send(f"/{path}", wish)
    assert answer.status_code == 404


async def test_hours_are_kept_by_bookings_and_moves(clinic: Clinic) -> None:
    await clinic.opens("12:00", "14:00")
    series = await clinic.series(every(3, 6))
    path = f"/appointments/{series['appointments'][0]['appointment_id']}/move"
    late = {"starts_at": (NOON + timedelta(minutes=71)).isoformat()}
    assert await clinic.refused(path, late) == [("opening_hours", "starts_at")]
    early = clinic.wish(await clinic.patient(), every(3, 6, NOON - timedelta(minutes=1)))
    refused = await clinic.refused("/series", early)
    assert [each for each in refused if each[0] == "opening_hours"] == [
        ("opening_hours", f"appointments.{n}.starts_at") for n in range(6)
    ]


async def test_a_closed_day_takes_no_visit_until_the_closure_is_withdrawn(clinic: Clinic) -> None:
    closure = await clinic.post(
        f"/locations/{clinic.location_id}/closures",
        {"first_on": "2026-10-10", "last_on": "2026-10-11", "reason": "Holiday"},
    )
    wish = clinic.wish(await clinic.patient(), every(3, 6))
    assert await clinic.refused("/series", wish) == [("closed", "appointments.1.starts_at")]
    path = f"/closures/{closure['closure_id']}/withdraw"
    assert (await clinic.post(path, None))["withdrawn_at"] is not None
    assert (await clinic.send(path, None)).status_code == 404
    await clinic.post("/series", wish)


async def test_a_place_s_figures_are_shown_as_they_are_recorded(clinic: Clinic) -> None:
    hours = await clinic.opens()
    await clinic.has_nurses(2, 3)
    shown = await clinic.get(f"/locations/{clinic.location_id}/figures")
    assert shown["opening_hours"] == [hours]
    assert shown["rosters"][0]["chairs_per_nurse"] == 3
    assert shown["closures"] == []


async def test_hours_and_rosters_that_cannot_be_are_refused(clinic: Clinic) -> None:
    await clinic.opens()
    await clinic.has_nurses(1, 1)
    at = f"/locations/{clinic.location_id}"
    window = {"weekday": 1, "from": "09:00", "until": "12:00"}
    hours = {
        "visit_type": "brain_swap",
        "effective_from": "2026-10-04",
        "windows": [window, window | {"from": "11:00", "until": "13:00"}],
        "source": WORD,
    }
    assert await clinic.refused(f"{at}/opening-hours", hours) == [
        ("first_day_past", "effective_from"),
        ("unknown_visit_type", "visit_type"),
        ("windows_overlap", "windows"),
    ]
    roster = {"effective_from": "2026-10-04", "chairs_per_nurse": 2, "shifts": [], "source": WORD}
    assert await clinic.refused(f"{at}/rosters", roster) == [
        ("first_day_past", "effective_from"),
        ("roster_empty", "shifts"),
    ]
    later = roster | {"effective_from": "2026-10-12"}
    assert await clinic.refused(f"{at}/rosters", later) == [("roster_empty", "shifts")]
    past = {"first_on": "2026-10-01", "last_on": "2026-10-04", "reason": "Holiday"}
    assert await clinic.refused(f"{at}/closures", past) == [("first_day_past", "last_on")]
    for path, body in (("opening-hours", hours), ("rosters", roster), ("closures", past)):
        answer = await clinic.send(f"/locations/{uuid4()}/{path}", body)
        assert answer.status_code == 404
