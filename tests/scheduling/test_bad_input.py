"""What is mistyped is refused with the rule, what would be right in plain words, and its source."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.scheduling.conftest import CLINICIAN, DRIVER, LOCATION, PATIENT, Clinic, every


async def wrong(clinic: Clinic, path: str, body: object) -> dict[str, str]:
    """The one violation of a request. Nothing of it repeats what was sent."""
    answer = await clinic.send(path, body)
    assert answer.status_code in {409, 422}, answer.text
    [violation] = answer.json()["violations"]
    assert set(violation) == {"field", "rule", "detail", "source"}
    return dict(violation)


@pytest.mark.parametrize(
    ("starts_at", "rule", "says"),
    [
        ("2026-02-30T12:00:00Z", "datetime_from_date_parsing", "no moment of the calendar"),
        ("tomorrow", "datetime_from_date_parsing", "no moment of the calendar"),
        ("2026-11-01T12:00:00", "timezone_aware", "no zone"),
        ("1791201600", "moment_as_written", "no number"),
        ("1999-10-07T12:00:00Z", "calendar_years", "2000 to 2199"),
        ("0001-01-01T00:00:00+14:00", "calendar_years", "1 to 9999"),
        ("2026-10-04T12:00:00Z", "bookable_time", "has passed"),
        ("2026-10-07T16:00:30Z", "whole_minute", "whole minute"),
        ("2026-10-07T16:00:00.123456Z", "whole_minute", "whole minute"),
    ],
)
async def test_a_time_that_no_visit_can_have_is_explained(
    clinic: Clinic, starts_at: str, rule: str, says: str
) -> None:
    wish = clinic.wish(await clinic.patient(), every(3, 6))
    wish["appointments"][0]["starts_at"] = starts_at
    violation = await wrong(clinic, "/series", wish)
    assert (violation["rule"], violation["field"]) == (rule, "appointments.0.starts_at")
    assert says in violation["detail"]


@pytest.mark.parametrize("day", ["2026-02-30", "soon", "2026-10-05T12:00:00Z", 1791201600, "0"])
async def test_a_day_that_is_in_no_calendar_is_explained(clinic: Clinic, day: object) -> None:
    wish = {"effective_from": day, "booked_min": {"value": 50, "source": "made up"}}
    violation = await wrong(clinic, "/visit-types/ketamine_mood/figures", wish)
    assert violation["field"] == "effective_from"
    assert "such as 2026-10-05" in violation["detail"]


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "Factory", "localtime", "EST5EDT", "posixrules", "America/New_York\0"]
)
async def test_a_zone_that_is_no_place_s_opens_no_location(clinic: Clinic, zone: str) -> None:
    violation = await wrong(clinic, "/locations", LOCATION | {"zone": zone})
    assert (violation["rule"], violation["field"]) == ("known_zone", "zone")
    assert "America/New_York" in violation["detail"]
    assert "IANA" in violation["source"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Indiana/Knox", "Etc/GMT+12"])
async def test_a_zone_of_a_place_opens_one(clinic: Clinic, zone: str) -> None:
    assert (await clinic.post("/locations", LOCATION | {"zone": zone}))["zone"] == zone


@pytest.mark.parametrize("count", [0, 1, 99])
async def test_a_series_of_no_likely_size_names_the_faq_whoever_asks(
    clinic: Clinic, count: int
) -> None:
    patient_id = await clinic.patient()
    booked = await wrong(clinic, "/series", clinic.wish(patient_id, every(3, count)))
    planned = (
        await clinic.send(
            "/plans",
            {
                "patient_id": patient_id,
                "location_id": clinic.location_id,
                "visit_type": "ketamine_mood",
                "infusions": count,
            },
        )
    ).json()["violations"][0]
    for violation, field in ((booked, "appointments"), (planned, "infusions")):
        assert (violation["rule"], violation["field"]) == ("series_size", field)
        assert violation["detail"] == f"A mood series has 6 to 8 infusions, not {count}."
        assert violation["source"].startswith("FAQ")


async def test_what_ends_before_it_begins_is_told_so_in_its_own_words(clinic: Clinic) -> None:
    place = f"/locations/{clinic.location_id}"
    closure = {"first_on": "2026-10-09", "last_on": "2026-10-08", "reason": "last holiday"}
    violation = await wrong(clinic, f"{place}/closures", closure)
    assert (violation["rule"], violation["field"]) == ("closure_days", "last_on")
    assert "ends before it begins" in violation["detail"]
    shift = {"weekday": 1, "from": "12:00", "until": "09:00"}
    roster = {"effective_from": "2026-10-12", "chairs_per_nurse": 1, "source": "until further"}
    violation = await wrong(
        clinic, f"{place}/rosters", roster | {"shifts": [shift | {"nurses": 1}]}
    )
    assert (violation["rule"], violation["field"]) == ("clock_order", "shifts.0.until")
    plan = {
        "patient_id": str(uuid4()),
        "location_id": clinic.location_id,
        "visit_type": "ketamine_mood",
        "preferences": {"from": "17:00", "until": "09:00"},
    }
    violation = await wrong(clinic, "/plans", plan)
    assert (violation["rule"], violation["field"]) == ("clock_order", "preferences.until")
    assert violation["detail"] == (
        "This ends before it begins; its until is later than its from, on the same day."
    )


@pytest.mark.parametrize(
    ("ride", "rule"),
    [
        ({"mode": "driver"}, "driver_unnamed"),
        ({"mode": "driver", "driver_name": "."}, "driver_unnamed"),
        ({"mode": "rideshare", "driver_name": "?!"}, "driver_unnamed"),
        ({"mode": "driver", "driver_name": "   "}, "string_too_short"),
        ({"mode": "on foot"}, "enum"),
        ({}, "missing"),
    ],
)
async def test_a_ride_without_a_name_is_not_recorded(
    clinic: Clinic, ride: dict[str, Any], rule: str
) -> None:
    visit = (await clinic.series())["appointments"][0]
    violation = await wrong(clinic, f"/appointments/{visit['appointment_id']}/ride", ride)
    assert violation["rule"] == rule
    assert violation["source"]


async def test_a_word_that_is_nearly_right_is_told_the_right_ones(clinic: Clinic) -> None:
    wish = clinic.wish(await clinic.patient(), every(3, 6), visit_type="ketamine")
    violation = await wrong(clinic, "/series", wish)
    assert "'ketamine_mood'" in violation["detail"]


@pytest.mark.parametrize("value", [True, False])
async def test_a_truth_value_is_no_dose_and_no_reading(
    clinic: Clinic,
    value: bool,  # noqa: FBT001  # a table's column
) -> None:
    visit = f"/appointments/{(await clinic.series())['appointments'][0]['appointment_id']}"
    planned = await wrong(clinic, f"{visit}/dose-plan", clinic.dose(dose_ug=value))
    assert (planned["rule"], planned["field"]) == ("number_needed", "dose_ug")
    weighed = await wrong(clinic, f"{visit}/dose-plan", clinic.dose(weight_g=value))
    assert (weighed["rule"], weighed["field"]) == ("number_needed", "weight_g")
    figures = {
        "effective_from": "2026-10-12",
        "recovery_min": {"value": value, "source": "made up"},
    }
    figure = await wrong(clinic, "/visit-types/ketamine_mood/figures", figures)
    assert (figure["rule"], figure["field"]) == ("number_needed", "recovery_min.value")


@pytest.mark.parametrize("value", [1, 0, "true", "no", 1.0])
async def test_what_is_no_truth_value_answers_no_question(clinic: Clinic, value: object) -> None:
    visit = f"/appointments/{(await clinic.series())['appointments'][0]['appointment_id']}"
    answered = await wrong(clinic, f"{visit}/check-in", {"fasted": value})
    assert (answered["rule"], answered["field"]) == ("truth_needed", "fasted")


@pytest.mark.parametrize("value", ["35000", "3.5e4", ""])
async def test_a_number_in_quotes_is_no_dose(clinic: Clinic, value: str) -> None:
    visit = f"/appointments/{(await clinic.series())['appointments'][0]['appointment_id']}"
    planned = await wrong(clinic, f"{visit}/dose-plan", clinic.dose(dose_ug=value))
    assert (planned["rule"], planned["field"]) == ("number_needed", "dose_ug")


@pytest.mark.parametrize("name", ["-1", "😀", ".", "+12025550111"])
async def test_whoever_is_seen_to_take_a_patient_home_has_a_name(clinic: Clinic, name: str) -> None:
    visit = (await clinic.series())["appointments"][0]
    await clinic.given(visit)
    path = f"/appointments/{visit['appointment_id']}/ride-seen"
    violation = await wrong(clinic, path, DRIVER | {"driver_name": name})
    assert (violation["rule"], violation["field"]) == ("driver_unnamed", "driver_name")
    assert violation["source"].startswith("FAQ")


HIDDEN = ["\u200b", "\u2060\ufeff", "Testa\u202eyranaC", "Te\u00adsta", "Tes\x85ta", "a\x00b"]
"""A space of no width, a word joiner, a mark that turns the rest around, a soft hyphen, a next line
of old terminals, and what PostgreSQL keeps in no text."""


@pytest.mark.parametrize("text", HIDDEN)
async def test_a_text_hides_nothing(clinic: Clinic, text: str) -> None:
    for path, body, field in (
        ("/patients", PATIENT | {"last_name": text}, "last_name"),
        ("/clinicians", CLINICIAN | {"subject": text}, "subject"),
        (f"/locations/{clinic.location_id}/chairs", {"name": text}, "name"),
    ):
        violation = await wrong(clinic, path, body)
        assert violation["field"] == field
        assert violation["rule"] in {"text_hides", "string_pattern_mismatch"}
    series = await clinic.series()
    violation = await wrong(clinic, f"/series/{series['series_id']}/stop", {"reason": text})
    assert (violation["rule"], violation["field"]) == ("text_hides", "reason")


@pytest.mark.parametrize("text", ["\u200c\u200d", "\u0301", "\u3000\u200d"])
async def test_a_text_says_something(clinic: Clinic, text: str) -> None:
    violation = await wrong(clinic, "/patients", PATIENT | {"first_name": text})
    assert (violation["rule"], violation["field"]) == ("text_blank", "first_name")


@pytest.mark.parametrize("name", ["Zoë", "O'Brien-Smith", "می‌خواهم", "李", "क्‍ष", "3rd"])
async def test_a_name_may_be_of_any_script(clinic: Clinic, name: str) -> None:
    wish = PATIENT | {"first_name": name, "last_name": "Any Script"}
    assert (await clinic.send("/patients", wish)).status_code == 201


async def test_a_reason_may_have_several_lines(clinic: Clinic) -> None:
    series = await clinic.series()
    body = {"reason": "Moves away.\n\tWas told so by phone. 👍🏽"}
    assert (await clinic.send(f"/series/{series['series_id']}/stop", body)).is_success


async def test_a_diagnosis_is_named_once(clinic: Clinic) -> None:
    wish = clinic.wish(await clinic.patient(), every(3, 6), diagnoses=["F33.1", "F41.1", "F33.1"])
    violation = await wrong(clinic, "/series", wish)
    assert (violation["rule"], violation["field"]) == ("diagnosis_twice", "diagnoses")
    assert violation["source"].startswith("CMS-1500")
    booked = await clinic.series(diagnoses=["F33.1", "F41.1"])
    assert booked["series_id"]
    none = clinic.wish(await clinic.patient(), every(3, 6), diagnoses=[])
    assert (await wrong(clinic, "/series", none))["rule"] == "too_short"
