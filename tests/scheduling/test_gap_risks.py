"""A gap that will be too long is said while a free chair saves it, once, until it is mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


async def said(clinic: Clinic, series: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (kind, event)
        for kind, event in await clinic.said(series["patient_id"])
        if kind.startswith("SeriesGap")
    ]


async def lose(clinic: Clinic, series: dict[str, Any], number: int) -> dict[str, Any]:
    visit: dict[str, Any] = series["appointments"][number - 1]
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    await clinic.let_fall_due()
    return visit


async def give(clinic: Clinic, series: dict[str, Any], count: int) -> None:
    """The first infusions of a series are given, each at its time."""
    for visit in series["appointments"][:count]:
        await clinic.infuse(visit)
        await clinic.discharge(visit)
        clinic.clock.step(timedelta(minutes=20))  # on the hour again
    await clinic.let_fall_due()


async def live_until(clinic: Clinic, moment: datetime) -> None:
    """Let time pass hour by hour, as a clinic does, and all that falls due with it."""
    while clinic.clock.now() < moment:
        clinic.clock.step(min(timedelta(hours=1), moment - clinic.clock.now()))
        await clinic.let_fall_due()


async def test_a_gap_is_at_risk_on_its_fifth_day_and_said_once(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    await lose(clinic, series, 3)  # the second is on the 11th, the fourth on the 19th
    assert await said(clinic, series) == []
    await give(clinic, series, 2)
    fifth_day = datetime(2026, 10, 16, 4, 0, tzinfo=UTC)
    await live_until(clinic, fifth_day - timedelta(minutes=1))
    assert await said(clinic, series) == []
    await live_until(clinic, fifth_day)
    await live_until(clinic, fifth_day + 2 * DAY)
    [(kind, event)] = await said(clinic, series)
    assert kind == "SeriesGapAtRisk"
    assert event["after_appointment_id"] == series["appointments"][1]["appointment_id"]
    assert event["breaks_at"] == "2026-10-19T04:00:00Z"
    assert event["last_free_at"] == "2026-10-18T20:00:00Z"
    assert event["free_starts"] > 0
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert risk["series_id"] == series["series_id"]
    assert risk["raised_at"] == "2026-10-16T04:00:00Z"


async def test_it_is_said_a_day_before_the_last_chair_that_saves_it(clinic: Clinic) -> None:
    closed = {"first_on": "2026-10-14", "last_on": "2026-10-18", "reason": "Made up"}
    series = await clinic.series(every(4, 6))
    await clinic.post(f"/locations/{clinic.location_id}/closures", closed)
    await lose(clinic, series, 3)
    await give(clinic, series, 2)
    await live_until(clinic, datetime(2026, 10, 13, tzinfo=UTC))
    [(kind, event)] = await said(clinic, series)
    assert (kind, event["last_free_at"]) == ("SeriesGapAtRisk", "2026-10-13T20:00:00Z")
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert risk["raised_at"] == "2026-10-12T20:00:00Z"


async def test_chairs_that_others_book_meanwhile_bring_it_forward(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    await lose(clinic, series, 3)
    await live_until(clinic, datetime(2026, 10, 9, 12, tzinfo=UTC))
    closed = {"first_on": "2026-10-12", "last_on": "2026-10-18", "reason": "Full, made up"}
    await clinic.post(f"/locations/{clinic.location_id}/closures", closed)
    await live_until(clinic, datetime(2026, 10, 10, 20, tzinfo=UTC))
    [(kind, event)] = await said(clinic, series)
    assert (kind, event["free_starts"], event["last_free_at"]) == ("SeriesGapAtRisk", 0, None)


async def test_a_gap_that_is_mended_before_it_is_due_is_never_said(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    lost = await lose(clinic, series, 3)
    there = (datetime.fromisoformat(lost["starts_at"]) + timedelta(hours=1)).isoformat()
    wish = {"chair_id": clinic.chair_id, "starts_at": there}
    await clinic.post(f"/series/{series['series_id']}/appointments", wish)
    await live_until(clinic, NOON + 11 * DAY)
    assert await said(clinic, series) == []


async def test_a_gap_that_is_mended_is_said_to_be_and_may_be_at_risk_again(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    await lose(clinic, series, 3)
    await give(clinic, series, 2)
    await live_until(clinic, datetime(2026, 10, 16, 12, tzinfo=UTC))
    wish = {"chair_id": clinic.chair_id, "starts_at": "2026-10-17T15:00:00Z"}
    added = await clinic.post(f"/series/{series['series_id']}/appointments", wish)
    await clinic.let_fall_due()
    assert [kind for kind, _ in await said(clinic, series)] == [
        "SeriesGapAtRisk",
        "SeriesGapMended",
    ]
    assert (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"] == []
    await clinic.step(added, "cancel", {"reason": "clinic_asked"})
    await clinic.let_fall_due()
    assert [kind for kind, _ in await said(clinic, series)][2:] == ["SeriesGapAtRisk"]
    await clinic.post(f"/series/{series['series_id']}/stop", {"reason": "No relief."})
    await clinic.let_fall_due()
    assert [kind for kind, _ in await said(clinic, series)][3:] == ["SeriesGapMended"]


async def test_an_infusion_that_is_missing_at_the_end_is_a_gap_too(clinic: Clinic) -> None:
    series = await clinic.series(every(2, 6))
    for visit in series["appointments"][:5]:
        await clinic.infuse(visit)
    await lose(clinic, series, 6)
    await live_until(clinic, NOON + 13 * DAY)
    [(kind, event)] = await said(clinic, series)
    assert kind == "SeriesGapAtRisk"
    assert event["after_appointment_id"] == series["appointments"][4]["appointment_id"]


async def test_a_gap_that_lies_behind_what_was_given_is_history(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    await clinic.infuse(series["appointments"][0])
    await clinic.infuse(series["appointments"][1])
    await lose(clinic, series, 3)
    longer = {"rule": "series_long_gap", "gap_max_days": 8, "reason": "Was ill, made up."}
    by = {"clinician_id": clinic.clinician_id}
    await clinic.post(f"/series/{series['series_id']}/overrides", longer | by)
    await clinic.infuse(series["appointments"][3])
    await clinic.let_fall_due()
    kinds = [kind for kind, _ in await said(clinic, series)]
    assert kinds.count("SeriesGapMended") == kinds.count("SeriesGapAtRisk")
    gap = await clinic.get("/gap-risks", location_id=clinic.location_id)
    assert gap["items"] == []


async def test_it_is_said_while_the_last_chairs_that_save_it_are_free(clinic: Clinic) -> None:
    """Others book chair after chair between two daily looks; two places are left by then."""
    series = await clinic.series(every(4, 6))
    closed = {"first_on": "2026-10-13", "last_on": "2026-10-17", "reason": "Made up"}
    await clinic.post(f"/locations/{clinic.location_id}/closures", closed)
    await lose(clinic, series, 3)
    await give(clinic, series, 2)
    assert await said(clinic, series) == []
    first = datetime(2026, 10, 18, 13, tzinfo=UTC)
    taken = 0
    while not (found := await said(clinic, series)):
        start = first + taken * timedelta(minutes=50)
        await clinic.series(every(2, 6, start))
        await clinic.let_fall_due()
        taken += 1
    [(kind, event)] = found
    assert kind == "SeriesGapAtRisk"
    assert event["free_starts"] > 0
    assert datetime.fromisoformat(event["last_free_at"]) >= first + taken * timedelta(minutes=50)
    [(cause, said_by)] = await clinic.rows(
        "SELECT a.headers->>'ce_causationid', b.headers->>'ce_type' FROM outbox AS a"
        " LEFT JOIN outbox AS b ON b.headers->>'ce_id' = a.headers->>'ce_causationid'"
        " WHERE a.key = :patient AND a.headers->>'ce_type' = 'scheduling.SeriesGapAtRisk'",
        patient=series["patient_id"],
    )
    assert cause is not None
    assert said_by == "scheduling.SeriesBooked", "the booking that left two places"


async def test_a_gap_is_no_alarm_where_no_hours_are_on_record(clinic: Clinic) -> None:
    visit_type = {"visit_type": "ketamine_pain", "diagnoses": ["G90.50"]}
    series = await clinic.series(every(1, 3), **visit_type)
    await lose(clinic, series, 3)
    assert await said(clinic, series) == []
    again = {"chair_id": clinic.chair_id, "starts_at": series["appointments"][2]["starts_at"]}
    await clinic.post(f"/series/{series['series_id']}/appointments", again)


@pytest.mark.parametrize("noted", ["on the same day", "the next morning", "never"])
async def test_a_gap_that_is_over_is_listed_as_broken_however_late_it_was_noted(
    clinic: Clinic, noted: str
) -> None:
    """The second is on the last day of its gap, and its patient does not come."""
    series = await clinic.series([NOON, *every(2, 5, NOON + 7 * DAY)])
    missed = f"/appointments/{series['appointments'][1]['appointment_id']}/cancel"
    await give(clinic, series, 1)
    await live_until(clinic, NOON + 7 * DAY + timedelta(hours=4))
    if noted == "on the same day":
        await clinic.post(missed, {"reason": "no_show"})
    await live_until(clinic, NOON + 8 * DAY)
    await clinic.settle_round()
    if noted == "the next morning":
        await clinic.post(missed, {"reason": "no_show"})
    await clinic.let_fall_due()
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert risk["after_appointment_id"] == series["appointments"][0]["appointment_id"]
    assert risk["breaks_at"] == "2026-10-15T04:00:00Z"
    assert risk["broken"]
    assert "prescriber" in risk["do"]
    [(kind, event)] = await said(clinic, series)
    assert (kind, event["breaks_at"]) == ("SeriesGapAtRisk", "2026-10-15T04:00:00Z")
    if noted != "on the same day":
        assert (event["free_starts"], event["last_free_at"]) == (0, None)


async def test_a_gap_that_can_be_saved_is_not_listed_as_broken(clinic: Clinic) -> None:
    series = await clinic.series(every(4, 6))
    await lose(clinic, series, 3)
    await give(clinic, series, 2)
    await live_until(clinic, datetime(2026, 10, 19, 4, tzinfo=UTC) - timedelta(minutes=1))
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert not risk["broken"]
    assert "before 2026-10-19" in risk["do"]
    await live_until(clinic, datetime(2026, 10, 19, 4, tzinfo=UTC))
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert risk["broken"]


async def test_a_missed_day_of_a_pain_series_is_listed_and_later_bookings_look_on(
    clinic: Clinic,
) -> None:
    """Its longest gap is one day: noted the next morning, it is over already."""
    pain = {"visit_type": "ketamine_pain", "diagnoses": ["G90.50"]}
    await clinic.opens(visit_type="ketamine_pain")
    series = await clinic.series(every(1, 4), **pain)
    await give(clinic, series, 1)
    await live_until(clinic, NOON + 2 * DAY - timedelta(hours=1))
    missed = f"/appointments/{series['appointments'][1]['appointment_id']}/cancel"
    await clinic.post(missed, {"reason": "no_show"})
    await clinic.let_fall_due()
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert (risk["series_id"], risk["broken"]) == (series["series_id"], True)
    other = await clinic.chair()
    await clinic.series(every(2, 6, NOON + 4 * DAY), chair_id=other)
    await clinic.let_fall_due()
