"""Forms at intake, before each infusion and after the series: kept sealed, scored, withdrawn."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.auth import Role
from tests.scheduling.conftest import NOON, NOW, Clinic, bearer, every
from tests.scheduling.forms import before, form, record

SHEET = "Patient,Task,Standard Score,Percentile\nTesta Canary,Spatial Span,104.3,61\n"


async def refused(clinic: Clinic, patient_id: str, wish: dict[str, Any]) -> Any:
    return await clinic.refused(f"/patients/{patient_id}/outcomes", wish)


async def test_a_form_is_scored_by_a_version_of_its_rule_and_kept_with_its_items(
    clinic: Clinic,
) -> None:
    patient_id = await clinic.patient()
    answer = await record(clinic, patient_id, form("phq9", 17))
    assert answer["score"] == {
        "total": 17,
        "band": "moderately_severe",
        "parts": {},
        "criteria_met": None,
    }
    assert (answer["rule_version"], answer["recorded_by"], answer["reviews"]) == (
        1,
        clinic.subject,
        [],
    )
    [listed] = (await clinic.get(f"/patients/{patient_id}/outcomes"))["items"]
    assert listed == {name: value for name, value in answer.items() if name != "reviews"}
    assert sum(listed["answers"]) == 17


@pytest.mark.parametrize(
    ("instrument", "total", "band"),
    [("gad7", 15, "severe"), ("pcl5", 33, "probable_ptsd"), ("nrs", 7, "severe")],
)
async def test_each_form_has_its_own_figures(
    clinic: Clinic, instrument: str, total: int, band: str
) -> None:
    answer = await record(clinic, await clinic.patient(), form(instrument, total))
    assert (answer["score"]["total"], answer["score"]["band"]) == (total, band)
    assert sum(answer["score"]["parts"].values()) == (total if instrument == "pcl5" else 0)


async def test_a_missing_item_is_refused_with_words_and_nothing_is_kept(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    wish = form("gad7", 12) | {"answers": [3, None, 3, 4, 0, 0, 0]}
    answer = await clinic.send(f"/patients/{patient_id}/outcomes", wish)
    assert answer.status_code == 409
    missing, outside = answer.json()["violations"]
    assert (missing["rule"], missing["field"]) == ("item_missing", "answers.1")
    assert missing["detail"].startswith("Item 2 of the GAD-7 is not answered; ask for it.")
    assert (outside["rule"], outside["field"]) == ("item_range", "answers.3")
    assert (await clinic.get(f"/patients/{patient_id}/outcomes"))["items"] == []


async def test_a_form_that_is_refused_and_names_self_harm_says_that_somebody_asks_now(
    clinic: Clinic,
) -> None:
    wish = form("phq9", 12, item_9=1)
    wish["answers"][0] = None
    assert await refused(clinic, await clinic.patient(), wish) == [
        ("item_missing", "answers.0"),
        ("ask_now", "answers.8"),
    ]
    misplaced = form("phq9", 12, item_9=1, appointment_id=str(uuid4()))
    assert await refused(clinic, await clinic.patient(), misplaced) == [
        ("occasion_place", "appointment_id"),
        ("ask_now", "answers.8"),
    ]


async def test_a_form_belongs_to_a_moment_between_two_infusions(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, (first, second, *_) = series["patient_id"], series["appointments"]
    done = await clinic.infuse(first)
    started = datetime.fromisoformat(done["started_at"])
    stopped = datetime.fromisoformat(done["stopped_at"])

    def at(moment: datetime, visit: dict[str, Any]) -> dict[str, Any]:
        return form("phq9", 12, **before(visit), taken_at=moment.isoformat())

    late = started + timedelta(minutes=1)
    assert await refused(clinic, patient_id, at(late, first)) == [("taken_after_start", "taken_at")]
    early = stopped - timedelta(minutes=1)
    assert await refused(clinic, patient_id, at(early, second)) == [("taken_too_early", "taken_at")]
    ahead = stopped + timedelta(days=1)
    assert await refused(clinic, patient_id, at(ahead, second)) == [("taken_later", "taken_at")]
    ages_ago = at(datetime(1998, 12, 31, tzinfo=UTC), first)
    assert await refused(clinic, patient_id, ages_ago) == [("taken_earlier", "taken_at")]
    await record(clinic, patient_id, at(started - timedelta(minutes=5), first))
    await record(clinic, patient_id, at(stopped, second))


async def test_each_form_is_filled_in_once_per_infusion_until_it_is_withdrawn(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    patient_id, first = series["patient_id"], series["appointments"][0]
    wrong = await record(clinic, patient_id, form("phq9", 12, **before(first)))
    await record(clinic, patient_id, form("gad7", 12, **before(first)))
    again = form("phq9", 14, **before(first))
    assert await refused(clinic, patient_id, again) == [("recorded_already", "instrument")]
    path = f"/outcomes/{wrong['outcome_id']}/withdraw"
    gone = await clinic.post(path, {"why": "Another patient's sheet."})
    assert (gone["withdrawn_by"], gone["withdrawn_why"]) == (
        clinic.subject,
        "Another patient's sheet.",
    )
    assert await clinic.refused(path, {"why": "Again."}) == [("withdrawn_already", "outcome_id")]
    right = await record(clinic, patient_id, again)
    trends = await clinic.get(f"/series/{series['series_id']}/outcomes")
    shown = [point["outcome_id"] for trend in trends["trends"] for point in trend["points"]]
    assert right["outcome_id"] in shown
    assert wrong["outcome_id"] not in shown
    assert len((await clinic.get(f"/patients/{patient_id}/outcomes"))["items"]) == 3


async def test_a_form_after_the_series_waits_until_it_is_over(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, series_id = series["patient_id"], series["series_id"]
    wish = form("phq9", 4, occasion="after_series", series_id=series_id)
    assert await refused(clinic, patient_id, wish) == [("series_not_over", "series_id")]
    done = await clinic.given(series["appointments"][0])
    await clinic.post(f"/series/{series_id}/stop", {"reason": "Moved away."})
    early = wish | {"taken_at": done["started_at"]}
    assert await refused(clinic, patient_id, early) == [("taken_too_early", "taken_at")]
    await record(clinic, patient_id, wish)
    assert await refused(clinic, patient_id, wish) == [("recorded_already", "instrument")]


async def test_months_after_a_series_a_form_is_filled_in_again_once_a_day(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id, series_id = series["patient_id"], series["series_id"]
    await record(clinic, patient_id, form("phq9", 20))
    await clinic.given(series["appointments"][0])
    await clinic.post(f"/series/{series_id}/stop", {"reason": "Well enough."})
    wish = form("phq9", 4, occasion="after_series", series_id=series_id)
    await record(clinic, patient_id, wish)
    clinic.clock.step_to(datetime(2026, 11, 10, 3, 30, tzinfo=UTC))  # November 9 in Alexandria
    again = form("phq9", 12, occasion="after_series", series_id=series_id)
    await record(clinic, patient_id, again)
    clinic.clock.step_to(datetime(2026, 11, 10, 4, 59, tzinfo=UTC))
    assert await refused(clinic, patient_id, again) == [("recorded_already", "instrument")]
    clinic.clock.step_to(datetime(2026, 11, 10, 5, 1, tzinfo=UTC))  # the day after
    await record(clinic, patient_id, again)
    [trend] = (await clinic.get(f"/series/{series_id}/outcomes"))["trends"]
    assert [point["score"]["total"] for point in trend["points"]] == [20, 4, 12, 12]
    assert [point["response"] for point in trend["points"]] == [None, True, False, False]
    assert [point["remission"] for point in trend["points"]] == [False, True, False, False]
    picture = await clinic.client.get(
        f"/patients/{patient_id}/outcomes.svg", headers=clinic.headers
    )
    assert "12 (moderate) after the series, Nov 10" in picture.text


async def test_a_cancelled_visit_and_another_patient_s_take_no_form(clinic: Clinic) -> None:
    series, other = await clinic.series(), await clinic.patient()
    visit = series["appointments"][0]
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    wish = form("nrs", 3, **before(visit))
    assert await refused(clinic, series["patient_id"], wish) == [
        ("visit_cancelled", "appointment_id")
    ]
    assert await refused(clinic, other, wish) == [("unknown_appointment", "appointment_id")]
    after = form("nrs", 3, occasion="after_series", series_id=series["series_id"])
    assert await refused(clinic, other, after) == [("unknown_series", "series_id")]


async def test_a_session_has_no_infusion_that_a_form_could_come_before(clinic: Clinic) -> None:
    hour = {"effective_from": "2026-10-05", "booked_min": {"value": 60, "source": "made up"}}
    await clinic.post("/visit-types/preparation/figures", hour)
    patient_id = await clinic.patient()
    wish = {"location_id": clinic.location_id, "clinician_id": clinic.clinician_id}
    link = await clinic.post(f"/patients/{patient_id}/booking-links", wish)
    start = {"starts_at": (NOW + timedelta(hours=2)).isoformat()}
    await clinic.client.post(link["path"], data=start)
    [*_, (kind, session)] = await clinic.said(patient_id)
    assert kind == "AppointmentBooked"
    broken = await refused(clinic, patient_id, form("nrs", 3, **before(session)))
    assert broken == [("no_infusion", "appointment_id")]


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"occasion": "before_infusion"}, ["appointment_id"]),
        ({"occasion": "after_series"}, ["series_id"]),
        (
            {"appointment_id": str(uuid4()), "series_id": str(uuid4())},
            ["appointment_id", "series_id"],
        ),
        (
            {"occasion": "after_series", "appointment_id": str(uuid4())},
            ["appointment_id", "series_id"],
        ),
    ],
)
async def test_a_form_names_what_its_occasion_belongs_to_and_nothing_else(
    clinic: Clinic, wrong: dict[str, Any], fields: list[str]
) -> None:
    answered = await refused(clinic, await clinic.patient(), form("nrs", 3) | wrong)
    assert answered == [("occasion_place", field) for field in fields]


@pytest.mark.parametrize(
    "wrong",
    [
        {"occasion": "yesterday"},
        {"instrument": "mmse"},
        {"answers": ["often"] * 9},
        {"answers": [True] * 9},
        {"answers": [0] * 51},
        {"taken_at": "2026-10-05T10:00:00"},
        {"total": 12},
    ],
)
async def test_a_form_that_is_not_understood_repeats_no_answer(
    clinic: Clinic, wrong: dict[str, Any]
) -> None:
    answer = await clinic.send(f"/patients/{uuid4()}/outcomes", form("phq9", 12) | wrong)
    assert answer.status_code == 422
    assert "often" not in answer.text


async def test_a_creyos_sheet_is_read_without_the_name_in_it(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    path = f"/patients/{patient_id}/outcomes/creyos.csv"
    headers = clinic.headers | {"Idempotency-Key": str(uuid4()), "Content-Type": "text/csv"}
    answer = await clinic.client.post(
        path, params={"occasion": "intake"}, content=SHEET, headers=headers
    )
    assert answer.status_code == 201, answer.text
    recorded = answer.json()
    assert recorded["tasks"] == [
        {"task": "spatial_span", "standard_score": 104.3, "percentile": 61}
    ]
    assert recorded["score"]["parts"] == {"spatial_span": 104.3}
    assert "Canary" not in answer.text
    again = await clinic.client.post(
        path, params={"occasion": "intake"}, content=SHEET, headers=headers
    )
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_creyos_sheet_that_cannot_be_read_says_why(clinic: Clinic) -> None:
    path = f"/patients/{await clinic.patient()}/outcomes/creyos.csv"
    for sheet, rule in ((b"\xff\xfe\x00", "csv_unreadable"), (b"a,b\n1,2\n", "csv_columns")):
        headers = clinic.headers | {"Idempotency-Key": str(uuid4()), "Content-Type": "text/csv"}
        answer = await clinic.client.post(
            path, params={"occasion": "intake"}, content=sheet, headers=headers
        )
        assert answer.status_code == 409
        assert answer.json()["violations"][0]["rule"] == rule


async def test_a_creyos_summary_comes_as_json_too_and_changes_task_by_task(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id = series["patient_id"]
    path = f"/patients/{patient_id}/outcomes/creyos"

    def summary(score: float) -> list[dict[str, object]]:
        return [{"task": "Digit Span", "standard_score": score, "percentile": 50, "raw": 7}]

    await clinic.post(path, {"occasion": "intake", "tasks": summary(95)})
    await clinic.infuse(series["appointments"][0])
    await clinic.post(path, before(series["appointments"][1]) | {"tasks": summary(102.5)})
    [trend] = (await clinic.get(f"/series/{series['series_id']}/outcomes"))["trends"]
    assert trend["checkpoint"] is None
    assert trend["points"][1]["part_changes"] == {"digit_span": 7.5}
    chess = [{"task": "Chess", "standard_score": 1, "percentile": 1}]
    wish = {"occasion": "intake", "tasks": chess}
    assert await clinic.refused(path, wish) == [("unknown_task", "tasks.0.task")]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/patients/{uuid4()}/outcomes", form("nrs", 3)),
        (
            "POST",
            f"/patients/{uuid4()}/outcomes/creyos",
            {
                "occasion": "intake",
                "tasks": [{"task": "polygons", "standard_score": 1, "percentile": 1}],
            },
        ),
        ("GET", f"/patients/{uuid4()}/outcomes", None),
        ("GET", f"/patients/{uuid4()}/outcomes.svg", None),
        ("POST", f"/outcomes/{uuid4()}/withdraw", {"why": "x"}),
        ("GET", f"/series/{uuid4()}/outcomes", None),
        ("POST", f"/reviews/{uuid4()}/acknowledge", {"done": "x"}),
    ],
)
async def test_what_is_not_on_record_is_not_found(
    clinic: Clinic, method: str, path: str, body: Any
) -> None:
    assert (await clinic.send(path, body, method=method)).status_code == 404


async def test_a_form_recorded_twice_under_one_key_is_kept_once(clinic: Clinic) -> None:
    patient_id, key = await clinic.patient(), str(uuid4())
    path = f"/patients/{patient_id}/outcomes"
    one = await clinic.post(path, form("phq9", 12, item_9=2), key=key)
    assert await clinic.post(path, form("phq9", 12, item_9=2), key=key) == one
    assert len((await clinic.get(path))["items"]) == 1
    assert len((await clinic.get("/reviews", patient_id=patient_id))["items"]) == 1


async def test_of_many_who_record_one_form_at_once_one_does(clinic: Clinic) -> None:
    series = await clinic.series()
    path = f"/patients/{series['patient_id']}/outcomes"
    wish = form("phq9", 12, item_9=1, **before(series["appointments"][0]))
    answers = await asyncio.gather(*(clinic.send(path, wish) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert len((await clinic.get("/reviews", patient_id=series["patient_id"]))["items"]) == 1


async def test_a_trend_measures_from_the_last_score_before_the_first_infusion(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    patient_id, visits = series["patient_id"], series["appointments"]
    await record(clinic, patient_id, form("phq9", 22))
    for visit, total in zip(visits, (20, 18, 15, 9, 7, 5), strict=True):
        clinic.be_there(visit)
        await record(clinic, patient_id, form("phq9", total, **before(visit)))
        await clinic.given(visit)
    after = form("phq9", 4, occasion="after_series", series_id=series["series_id"])
    await record(clinic, patient_id, after)
    shown = await clinic.get(f"/series/{series['series_id']}/outcomes")
    assert shown["infusions_begun"] == 6
    [trend] = shown["trends"]
    points = trend["points"]
    assert trend["baseline_id"] == points[1]["outcome_id"]
    assert [p["change"] for p in points] == [None, None, -2, -5, -11, -13, -15, -16]
    assert [p["change_pct"] for p in points][4:] == [-55, -65, -75, -80]
    assert [p["infusions_before"] for p in points] == [0, 0, 1, 2, 3, 4, 5, 6]
    assert [p["response"] for p in points][2:] == [False, False, True, True, True, True]
    assert [p["remission"] for p in points] == [False] * 7 + [True]
    assert [p["meaning"] for p in points][2:4] == ["steady", "improved"]
    assert trend["checkpoint"] == {
        "infusion": 4,
        "state": "response",
        "outcome_id": points[4]["outcome_id"],
    }


async def test_an_intake_belongs_to_the_series_that_followed_it(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    old = await record(clinic, patient_id, form("phq9", 24))
    series = await clinic.series(patient_id=patient_id)
    clinic.clock.step_to(NOW + timedelta(days=1))
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Later."})
    clinic.clock.step_to(NOW + timedelta(days=40))
    new = await record(clinic, patient_id, form("phq9", 16))
    later = await clinic.series(every(3, 6, NOON + timedelta(days=49)), patient_id)
    for each, intake in ((later, new), (series, old)):
        [trend] = (await clinic.get(f"/series/{each['series_id']}/outcomes"))["trends"]
        [point] = trend["points"]
        assert point["outcome_id"] == intake["outcome_id"]


async def test_answers_and_figures_are_sealed_and_reads_are_audited(clinic: Clinic) -> None:
    series = await clinic.series()
    patient_id = series["patient_id"]
    await record(clinic, patient_id, form("phq9", 23, item_9=3))
    for sealed in await clinic.rows(
        "SELECT answers, score FROM outcomes WHERE patient_id = :patient"
        " UNION ALL SELECT matter, matter FROM reviews WHERE patient_id = :patient",
        patient=patient_id,
    ):
        for value in sealed:
            assert bytes(value).startswith(b"\x01k1\0")
            for word in (b"items", b"total", b"severe", b"self_harm"):
                assert word not in bytes(value)
    clinic.headers = bearer(Role.NURSE, subject="nurse-7")
    await clinic.get(f"/patients/{patient_id}/outcomes")
    await clinic.get(f"/series/{series['series_id']}/outcomes")
    await clinic.get("/reviews", patient_id=patient_id)
    svg = await clinic.client.get(f"/patients/{patient_id}/outcomes.svg", headers=clinic.headers)
    assert svg.status_code == 200
    noted = await clinic.rows(
        "SELECT entity FROM audit_log WHERE action = 'read' AND actor = 'nurse-7'"
        " AND patient_id = :patient",
        patient=patient_id,
    )
    assert {entity for (entity,) in noted} == {
        "GET /patients/{patient_id}/outcomes",
        "GET /series/{series_id}/outcomes",
        "GET /patients/{patient_id}/outcomes.svg",
        "review",
    }
