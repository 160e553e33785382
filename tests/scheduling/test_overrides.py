"""More infusions than planned, and sooner than the rule: by a prescriber's signed word only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.auth import Role
from tests.scheduling.conftest import Clinic, bearer, every

REASON = "Recurrence between infusions, made up."


async def sign(clinic: Clinic, series: dict[str, Any], **fields: object) -> Any:
    return await clinic.post(f"/series/{series['series_id']}/overrides", wish(clinic, **fields))


def wish(clinic: Clinic, **fields: object) -> dict[str, Any]:
    return {"clinician_id": clinic.clinician_id, "reason": REASON} | fields


async def book(clinic: Clinic, series: dict[str, Any], starts_at: datetime) -> Any:
    body = {"chair_id": clinic.chair_id, "starts_at": starts_at.isoformat()}
    return await clinic.send(f"/series/{series['series_id']}/appointments", body)


def last(series: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(series["appointments"][-1]["starts_at"])


async def test_a_series_is_extended_by_a_prescriber_s_word_and_completes_with_the_last(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    beyond = last(series) + timedelta(days=2)
    assert (await book(clinic, series, beyond)).json()["violations"][0]["rule"] == "series_whole"
    signed = await sign(clinic, series, rule="series_size", infusions=1)
    assert (signed["rule"], signed["infusions"], signed["signed_by"]) == (
        "series_size",
        1,
        clinic.subject,
    )
    for visit in series["appointments"]:
        await clinic.given(visit)
    open_ = await clinic.get(f"/series/{series['series_id']}")
    assert open_["state"] == "booked"
    assert "By a prescriber's override the series has 1 more." in open_["advice"]
    added = await book(clinic, series, beyond)
    assert added.status_code == 201
    await clinic.given(added.json())
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["infusions_completed"]) == ("SeriesCompleted", 7)


async def test_infusions_in_rapid_succession_need_a_prescriber_s_word(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][-1]
    sooner = {"starts_at": (last(series) - timedelta(days=2)).isoformat()}
    move = f"/appointments/{visit['appointment_id']}/move"
    assert await clinic.refused(move, sooner) == [("series_gap", "starts_at")]
    signed = await sign(clinic, series, rule="series_gap", gap_min_days=1)
    await clinic.post(move, sooner)
    shown = await clinic.get(f"/series/{series['series_id']}")
    assert any("1 local day apart" in line for line in shown["advice"])
    same_day = {"starts_at": (last(series) - timedelta(days=3, hours=-2)).isoformat()}
    broken = await clinic.send(move, same_day)
    too_near, ban = broken.json()["violations"]
    assert (too_near["rule"], ban["rule"]) == ("series_gap", "driving_ban")
    assert "override" in too_near["source"]
    withdraw = f"/overrides/{signed['override_id']}/withdraw"
    assert await clinic.refused(withdraw, {}) == [("series_gap", "override_id")]
    await clinic.post(move, {"starts_at": last(series).isoformat()})
    await clinic.post(withdraw, {})
    assert await clinic.refused(move, sooner) == [("series_gap", "starts_at")]
    assert await clinic.refused(withdraw, {}) == [("override_withdrawn", "override_id")]


async def test_no_override_lengthens_a_gap_beyond_what_must_hold(clinic: Clinic) -> None:
    series = await clinic.series()
    needless = wish(clinic, rule="series_gap", gap_min_days=2)
    path = f"/series/{series['series_id']}/overrides"
    assert await clinic.refused(path, needless) == [("override_needless", "gap_min_days")]
    await sign(clinic, series, rule="series_gap", gap_min_days=1)
    visit = series["appointments"][-1]
    late = {"starts_at": (last(series) + timedelta(days=5)).isoformat()}
    broken = await clinic.refused(f"/appointments/{visit['appointment_id']}/move", late)
    assert broken == [("series_gap", "starts_at")]


async def test_who_signs_is_on_record_and_may_prescribe(clinic: Clinic) -> None:
    series = await clinic.series()
    path = f"/series/{series['series_id']}/overrides"
    more = {"rule": "series_size", "infusions": 15}
    nobody = wish(clinic, clinician_id=str(uuid4()), **more)
    assert await clinic.refused(path, nobody) == [
        ("series_size", "infusions"),
        ("unknown_clinician", "clinician_id"),
    ]
    as_before, login = clinic.headers, f"{clinic.subject}-nurse"
    nurse = await clinic.clinician(dea_number=None, credential="RN", subject=login)
    clinic.headers = clinic.as_staff(login)
    signer = wish(clinic, clinician_id=nurse, rule="series_size", infusions=1)
    assert await clinic.refused(path, signer) == [("signer_does_not_prescribe", "clinician_id")]
    clinic.headers = as_before
    for unfit in (wish(clinic, rule="series_size"), wish(clinic, rule="clearance"), {}):
        assert (await clinic.send(path, unfit)).status_code == 422
    clinic.headers = bearer(Role.FRONT_DESK, Role.NURSE, Role.OPS)
    signer = wish(clinic, rule="series_size", infusions=1)
    assert (await clinic.send(path, signer)).status_code == 403
    clinic.headers = bearer(Role.PRESCRIBER, subject=clinic.subject)
    assert (await clinic.post(path, signer))["signed_by"] == clinic.subject


async def test_a_series_that_is_over_has_no_rule_lifted(clinic: Clinic) -> None:
    series = await clinic.series()
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "No relief."})
    over = wish(clinic, rule="series_size", infusions=1)
    broken = await clinic.refused(f"/series/{series['series_id']}/overrides", over)
    assert broken == [("series_state", "series_id")]


async def test_overrides_are_listed_with_why_and_the_database_does_not_show_it(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    first = await sign(clinic, series, rule="series_size", infusions=2)
    second = await sign(clinic, series, rule="series_gap", gap_min_days=1)
    listed = await clinic.get("/overrides", series_id=series["series_id"])
    assert [each["override_id"] for each in listed["items"]] == [
        first["override_id"],
        second["override_id"],
    ]
    assert [each["kind"] for each in listed["items"]] == ["series_size", "series_gap"]
    assert [(each["infusions"], each["gap_min_days"]) for each in listed["items"]] == [
        (2, None),
        (None, 1),
    ]
    assert {each["reason"] for each in listed["items"]} == {REASON}
    rows = await clinic.rows("SELECT o::text FROM overrides AS o")
    assert not any(REASON in row[0] or REASON.encode().hex() in row[0] for row in rows)
    read = await clinic.rows(
        "SELECT count(*) FROM audit_log WHERE entity = 'override' AND patient_id = :id",
        id=series["patient_id"],
    )
    assert read == [(2,)]
    clinic.headers = bearer(Role.FRONT_DESK)
    answer = await clinic.client.get("/overrides", headers=clinic.headers)
    assert answer.status_code == 403


async def test_one_list_has_what_was_signed_for_series_and_for_readings(clinic: Clinic) -> None:
    series = await clinic.series()
    visit = series["appointments"][0]
    of_series = await sign(clinic, series, rule="series_size", infusions=1)
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": True})
    await clinic.vitals(visit, systolic_mmhg=150)
    of_reading = await clinic.step(visit, "overrides", wish(clinic))
    ids = [of_series["override_id"], of_reading["override_id"]]
    whose = {"patient_id": series["patient_id"]}
    listed = (await clinic.get("/overrides", **whose))["items"]
    assert [each["override_id"] for each in listed] == ids
    assert [each["signed_by"] for each in listed] == [clinic.subject, clinic.subject]
    assert [each["appointment_id"] for each in listed] == [None, visit["appointment_id"]]
    assert {each["series_id"] for each in listed} == {series["series_id"]}
    for kind, id_ in zip(("series_size", "vitals"), ids, strict=True):
        found = (await clinic.get("/overrides", kind=kind, **whose))["items"]
        assert [each["override_id"] for each in found] == [id_]
    first = await clinic.get("/overrides", limit=1, **whose)
    rest = await clinic.get("/overrides", limit=1, cursor=first["next_cursor"], **whose)
    assert [each["override_id"] for each in first["items"] + rest["items"]] == ids


async def completed(clinic: Clinic) -> dict[str, Any]:
    series: dict[str, Any] = await clinic.series()
    for visit in series["appointments"]:
        await clinic.given(visit)
    assert (await clinic.kinds_said(series["patient_id"]))[-1] == "SeriesCompleted"
    return series


async def test_a_completed_series_is_extended_and_completes_without_another_prescription(
    clinic: Clinic,
) -> None:
    series = await completed(clinic)
    beyond = last(series) + timedelta(days=2)
    assert (await book(clinic, series, beyond)).json()["violations"][0]["rule"] == "series_state"
    await sign(clinic, series, rule="series_size", infusions=1)
    open_ = await clinic.get(f"/series/{series['series_id']}")
    assert open_["state"] == "booked"
    added = await book(clinic, series, beyond)
    assert added.status_code == 201, added.text
    more = await book(clinic, series, beyond + timedelta(days=3))
    assert more.json()["violations"][0]["rule"] == "series_whole", "one was signed for"
    await clinic.given(added.json())
    kinds = await clinic.kinds_said(series["patient_id"])
    assert kinds.count("InfusionCompleted") == 7
    assert kinds.count("SeriesCompleted") == 1, "its prescription is drafted once"
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "completed"
    await clinic.series(every(3, 6, beyond + timedelta(days=9)), patient_id=series["patient_id"])


async def test_an_extension_that_is_stopped_leaves_the_series_completed(clinic: Clinic) -> None:
    series = await completed(clinic)
    await sign(clinic, series, rule="series_size", infusions=2)
    await book(clinic, series, last(series) + timedelta(days=2))
    stopped = await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "Well again."})
    assert stopped["state"] == "completed"
    assert [each["state"] for each in stopped["appointments"]][-1] == "cancelled"
    kinds = await clinic.kinds_said(series["patient_id"])
    assert "SeriesStopped" not in kinds, "the prescription that was drafted stands"
    assert kinds.count("SeriesCompleted") == 1


async def test_an_extension_that_is_withdrawn_leaves_the_series_completed(clinic: Clinic) -> None:
    series = await completed(clinic)
    signed = await sign(clinic, series, rule="series_size", infusions=1)
    await clinic.post(f"/overrides/{signed['override_id']}/withdraw", {})
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "completed"
    assert (await clinic.kinds_said(series["patient_id"])).count("SeriesCompleted") == 1


async def test_a_series_that_waits_for_an_extension_completes_when_that_is_withdrawn(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    signed = await sign(clinic, series, rule="series_size", infusions=1)
    for visit in series["appointments"]:
        await clinic.given(visit)
    assert "SeriesCompleted" not in await clinic.kinds_said(series["patient_id"])
    await clinic.post(f"/overrides/{signed['override_id']}/withdraw", {})
    kind, event = (await clinic.said(series["patient_id"]))[-1]
    assert (kind, event["infusions_completed"]) == ("SeriesCompleted", 6)


async def test_a_completed_series_is_extended_in_time_and_beside_no_other(clinic: Clinic) -> None:
    series = await completed(clinic)
    path = f"/series/{series['series_id']}/overrides"
    more = wish(clinic, rule="series_size", infusions=1)
    sooner = wish(clinic, rule="series_gap", gap_min_days=1)
    assert await clinic.refused(path, sooner) == [("series_state", "series_id")]
    clinic.clock.step_to(last(series) + timedelta(days=8))
    assert await clinic.refused(path, more) == [("extension_late", "series_id")]
    next_ = every(3, 6, last(series) + timedelta(days=10))
    await clinic.series(next_, patient_id=series["patient_id"])
    assert ("series_open", "patient_id") in await clinic.refused(path, more)


async def test_a_re_plan_gives_what_a_prescriber_added(clinic: Clinic) -> None:
    await clinic.opens()
    series = await clinic.series(every(3, 6))
    await sign(clinic, series, rule="series_size", infusions=1)
    proposed = await clinic.post(f"/series/{series['series_id']}/replans", {})
    assert [each["fate"] for each in proposed["visits"]].count("added") == 1
    applied = await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    assert len(applied["appointments"]) == 7


async def beyond_the_plan(clinic: Clinic) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    """A series of six with a seventh a day after the sixth, and the two words it rests on."""
    series = await clinic.series()
    signed = [
        await sign(clinic, series, rule="series_gap", gap_min_days=1),
        await sign(clinic, series, rule="series_size", infusions=2),
    ]
    added = await book(clinic, series, last(series) + timedelta(days=1))
    assert added.status_code == 201, added.text
    return series, signed, added.json()


async def test_an_override_is_not_withdrawn_while_a_visit_to_come_rests_on_it(
    clinic: Clinic,
) -> None:
    series, signed, added = await beyond_the_plan(clinic)
    for override, rule, named in zip(
        signed, ("series_gap", "series_size"), ("infusion 7 stands", ": infusion 7 by"), strict=True
    ):
        path = f"/overrides/{override['override_id']}/withdraw"
        answer = await clinic.send(path, {})
        assert answer.status_code == 409, answer.text
        [violation] = answer.json()["violations"]
        assert (violation["rule"], violation["field"]) == (rule, "override_id")
        assert named in violation["detail"].lower()
        assert "cancel" in violation["detail"].lower()
    listed = await clinic.get("/overrides", series_id=series["series_id"])
    assert [each["withdrawn_at"] for each in listed["items"]] == [None, None]
    await clinic.step(added, "cancel", {"reason": "patient_asked"})
    for override in signed:
        await clinic.post(f"/overrides/{override['override_id']}/withdraw", {})


async def test_what_two_overrides_let_stand_rests_on_the_last_of_them(clinic: Clinic) -> None:
    _, [gap, _], added = await beyond_the_plan(clinic)
    again = await sign(clinic, {"series_id": added["series_id"]}, rule="series_gap", gap_min_days=1)
    await clinic.post(f"/overrides/{gap['override_id']}/withdraw", {})
    last_word = f"/overrides/{again['override_id']}/withdraw"
    assert await clinic.refused(last_word, {}) == [("series_gap", "override_id")]


async def test_what_was_given_under_an_override_keeps_nobody_from_withdrawing_it(
    clinic: Clinic,
) -> None:
    series, signed, added = await beyond_the_plan(clinic)
    for visit in [*series["appointments"], added]:
        await clinic.given(visit)
    for override in signed:
        withdrawn = await clinic.post(f"/overrides/{override['override_id']}/withdraw", {})
        assert withdrawn["withdrawn_at"] is not None


async def test_a_no_show_is_not_taken_back_onto_an_override_that_was_withdrawn(
    clinic: Clinic,
) -> None:
    series, signed, added = await beyond_the_plan(clinic)
    for visit in series["appointments"]:
        await clinic.given(visit)
    clinic.be_there(added, late=timedelta(minutes=40))
    await clinic.step(added, "cancel", {"reason": "no_show"})
    for override in signed:
        await clinic.post(f"/overrides/{override['override_id']}/withdraw", {})
    path = f"/appointments/{added['appointment_id']}/undo-no-show"
    broken = await clinic.refused(path, {})
    assert "series_gap" in [rule for rule, _ in broken] or "series_state" in [
        rule for rule, _ in broken
    ]
