"""A series is estimated before it begins, and a missed day is told."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pypdf import PdfReader
from sqlalchemy import text

from services.billing.rules.estimates import clock
from services.billing.store.estimates import with_state
from shared.events.billing import EstimateIssued, EstimateOverdue
from shared.ids import new_id
from tests.billing.courses import Course, due, states, words_in
from tests.billing.plans import plan_of, series_booked, starts_from
from tests.billing.records import CANARIES


async def test_a_booked_series_gets_its_estimate_the_same_day(course: Course):
    await course.book()

    [issued] = await course.billing.said(EstimateIssued)
    assert issued.total_cents == 6 * 39900
    assert (issued.number[-7:], issued.document_version) == ("-000001", 1)
    assert (issued.reason, issued.expires_on) == ("booked", clock.expires_on(course.monday))
    assert issued.course_id == course.series_id
    assert states(await course.listed()) == [(1, "issued", "booked", 239400)]
    assert await due(course.billing) == []
    [row] = await course.billing.rows("SELECT due_at, met_at FROM estimate_courses")
    assert (row.due_at, row.met_at) == (course.over(1), course.at(0))


async def test_it_says_what_is_expected_of_whom_where_and_what_one_may_do(course: Course):
    await course.book()
    [one] = await course.listed()

    shown = await course.billing.told("GET", f"/estimates/{one['estimate_id']}")
    estimate = shown["estimate"]
    [infusion, drug] = estimate["items"]
    assert (infusion["code"], infusion["times"], infusion["each_cents"]) == ("96365", 6, 39900)
    assert (drug["code"], drug["total_cents"]) == ("J3490", 0)
    assert infusion["days"][0] == str(course.starts[0].date())
    assert estimate["diagnoses"] == ["F33.2", "F43.12"]
    assert [each["npi"] for each in estimate["providers"]] == ["1679576722", "1234567893"]
    assert {each["tin"] for each in estimate["providers"]} == {"54-1234567"}
    assert sum(item["total_cents"] for item in estimate["items"]) == estimate["total_cents"]

    answer = await course.billing.ask("GET", f"/estimates/{one['estimate_id']}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    page = words_in(answer.content)
    for said in (
        *(one["number"], "Testa Canary", "05/17/1979", "F33.2", "$2,394.00", "1679576722"),
        *("54-1234567", "dispute", "$400", "not a contract", "separately"),
    ):
        assert said in page, said
    reader = PdfReader(io.BytesIO(answer.content))
    assert list(reader.attachments) == ["estimate.json"]
    conformance = reader.xmp_metadata.rdf_root.toxml() if reader.xmp_metadata else ""
    assert "pdfaid:part" in conformance
    assert "pdfuaid:part" in conformance


async def test_nothing_of_a_patient_is_in_the_clear_or_on_kafka(course: Course):
    await course.book()

    kept = await course.billing.rows(
        "SELECT c::text || e::text || d::text AS row FROM estimate_courses AS c"
        " JOIN estimates AS e USING (course_id) JOIN estimate_documents AS d USING (estimate_id)"
    )
    said = await course.billing.rows("SELECT payload::text AS row FROM outbox")
    for row in (*kept, *said):
        assert not any(canary in row.row for canary in CANARIES)


async def test_booked_less_than_three_business_days_ahead_it_is_made_only_on_request(
    course: Course,
):
    await course.book(in_days=2, count=1)
    assert await course.listed() == []

    wish = {"series_id": str(course.series_id)}
    asked = await course.billing.told("POST", f"/patients/{course.patient_id}/estimates", wish)
    await course.billing.until_rest()

    assert datetime.fromisoformat(asked["due_at"]) == course.over(3)
    assert states(await course.listed()) == [(1, "issued", "requested", 39900)]


async def test_a_series_that_begins_at_short_notice_is_estimated_for_its_later_visits(
    course: Course,
):
    await course.book(in_days=1)

    assert states(await course.listed()) == [(1, "issued", "booked", 239400)]
    [row] = await course.billing.rows("SELECT due_at, met_at FROM estimate_courses")
    assert (row.due_at, row.met_at) == (course.over(1), course.at(0))


async def test_without_a_fee_the_estimate_waits_is_reminded_and_told_late_once(unpriced: Course):
    course, billing = unpriced, unpriced.billing
    await course.book()
    [waiting] = await due(billing)
    assert [one["rule"] for one in waiting["blocked_by"]] == ["no_fee_in_force"]
    assert (waiting["reminded_at"], waiting["overdue_at"]) == (None, None)

    billing.clock.step_to(course.at(1, 9))
    await billing.until_rest()
    assert (await due(billing))[0]["reminded_at"] is not None
    assert await billing.said(EstimateOverdue) == []

    billing.clock.step_to(course.over(1))
    await billing.until_rest()
    [late] = await billing.said(EstimateOverdue)
    assert (late.course_id, late.due_at) == (course.series_id, course.over(1))
    assert (await due(billing))[0]["overdue_at"] is not None

    await billing.set_fee()
    await billing.until_rest()
    assert states(await course.listed()) == [(1, "issued", "booked", 239400)]
    assert await due(billing) == []
    assert len(await billing.said(EstimateOverdue)) == 1


async def test_scheduling_that_is_away_delays_an_estimate_and_loses_none(course: Course):
    course.starts = starts_from(course.at(4), 6)
    course.plan()
    course.billing.scheduling.away = True
    await course.billing.hear(
        series_booked(course.series_id, course.patient_id, course.starts, course.at(0))
    )
    assert await course.listed() == []
    course.billing.scheduling.away = False
    await course.billing.until_rest()
    assert len(await course.listed()) == 1


async def test_a_series_that_is_told_many_times_is_estimated_once(course: Course):
    await course.book()
    event = series_booked(course.series_id, course.patient_id, course.starts, course.at(0))
    for _ in range(5):
        await course.billing.hear(event)
    await course.billing.until_rest()
    assert len(await course.billing.said(EstimateIssued)) == 1


async def test_a_plan_of_another_patient_is_parked(course: Course):
    course.starts = starts_from(course.at(4), 6)
    course.billing.scheduling.has_plan(plan_of(course.series_id, new_id(), course.starts))
    await course.billing.hear(
        series_booked(course.series_id, course.patient_id, course.starts, course.at(0))
    )
    await course.billing.until_rest()
    assert set(await course.billing.parked()) == {"claim_of_another"}  # once for each that asked
    assert await course.listed() == []


async def test_an_estimate_is_good_until_the_midnight_of_its_own_place(course: Course):
    await course.book()
    [one] = await course.listed()
    there, last_day = ZoneInfo("America/Los_Angeles"), date.fromisoformat(one["expires_on"])
    midnight = datetime.combine(last_day + timedelta(days=1), time.min, there)
    async with course.billing.service.runtime.work.transaction() as tx:
        await tx.execute(text("UPDATE estimate_courses SET zone = :zone"), {"zone": there.key})
        for at, state in ((midnight - timedelta(minutes=1), "issued"), (midnight, "expired")):
            [row] = (await tx.execute(with_state(at))).all()
            assert row.state == state
