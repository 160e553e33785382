"""What a clinic would set otherwise is a figure of the house, from a day on, with its source."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.scheduling import store
from services.scheduling.events import on
from services.scheduling.rules.clinic.house import LIMITS, HouseFigure, Planning
from services.scheduling.rules.planner.plans import plan_series
from services.scheduling.rules.planner.score import OUTSIDE_POINTS
from services.scheduling.rules.series.waitlist import ask_at
from shared.messaging import UnitOfWork
from tests.scheduling.conftest import NOON, NOW, Clinic, every
from tests.scheduling.figures import MOOD, PLANNING
from tests.scheduling.instances import MONDAY, place, wishes
from tests.scheduling.test_self_booking import days, led, make, offered, opened

__all__ = ["led"]

ALEXANDRIA = ZoneInfo("America/New_York")


async def set_to(clinic: Clinic, figure: HouseFigure, value: int) -> None:
    """Figures are of the whole house, and tests share a database: each is put back by `undo`."""
    wish = {"figure": figure, "value": value, "source": "made up", "effective_from": "2026-10-05"}
    await clinic.post("/house-figures", wish)


@pytest.fixture
async def undo(clinic: Clinic) -> Any:
    yield
    async with clinic.engine.begin() as connection:
        await connection.execute(text("DELETE FROM house_figures WHERE source = 'made up'"))


async def test_every_figure_of_the_house_has_a_row_a_source_and_limits(clinic: Clinic) -> None:
    rows = await clinic.get("/house-figures")
    assert {row["figure"] for row in rows} == set(HouseFigure) == set(LIMITS)
    assert all(row["source"] for row in rows)
    for row in rows:
        least, most = LIMITS[HouseFigure(row["figure"])]
        assert least <= row["value"] <= most


async def test_plans_are_made_by_the_figures_that_are_seeded(clinic: Clinic) -> None:
    async with UnitOfWork(clinic.engine, clinic.clock, on).transaction() as tx:
        policy = await store.policy_of(tx, uuid4(), "ketamine_mood")
    assert policy.planning == PLANNING
    assert {each.name for each in fields(Planning)} <= set(HouseFigure)


@pytest.mark.usefixtures("undo")
async def test_how_far_ahead_is_booked_is_the_house_s_to_say(clinic: Clinic) -> None:
    await set_to(clinic, HouseFigure.BOOKABLE_AHEAD_DAYS, 10)
    patient_id = await clinic.patient()
    answer = await clinic.send("/series", clinic.wish(patient_id, every(3, 6)))
    far = [v for v in answer.json()["violations"] if v["rule"] == "bookable_time"]
    assert [v["field"] for v in far] == [f"appointments.{n}.starts_at" for n in (3, 4, 5)]
    assert {v["source"] for v in far} == {"the house's figure bookable_ahead_days"}
    assert "more than 10 days ahead" in far[0]["detail"]


def test_weights_rank_plans_and_never_put_one_outside_the_wishes_before_one_within() -> None:
    hasty = replace(PLANNING, plan_wait_points=200, plan_course_points=0)
    calm = replace(PLANNING, plan_wait_points=0, plan_long_gap_points=0, plan_course_points=0)
    first = plan_series(MOOD, 6, wishes(), place(planning=hasty)).plans[0]
    assert first.infusions[0].day == MONDAY
    items = {item.name: item.points for item in first.items}
    assert items["wait"] == items["course"] == 0
    other = plan_series(MOOD, 6, wishes(), place(planning=calm)).plans[0]
    assert other.points == 0, "with no weight on time a plan at the usual hour costs nothing"
    heaviest = max(most for figure, (_, most) in LIMITS.items() if figure.startswith("plan_"))
    worst = 120 * 200 + 20 * (31 * 200 + 31 * 200 + 20 * 200) + 20 * heaviest
    assert worst < OUTSIDE_POINTS


def test_who_waits_is_asked_in_the_house_s_hours_and_never_beyond_the_law_s() -> None:
    early = datetime(2026, 10, 7, 12, 30, tzinfo=UTC)  # 8:30 in Alexandria
    assert ask_at(early, ALEXANDRIA, 8 * 60, 21 * 60) == early
    at_nine = datetime(2026, 10, 7, 13, tzinfo=UTC)
    assert ask_at(early, ALEXANDRIA, 9 * 60, 18 * 60) == at_nine
    evening = datetime(2026, 10, 7, 22, 30, tzinfo=UTC)
    assert ask_at(evening, ALEXANDRIA, 9 * 60, 18 * 60) == at_nine + timedelta(days=1)


@pytest.mark.parametrize(
    ("figure", "value"),
    [(HouseFigure.ASK_FROM_MIN, 7 * 60), (HouseFigure.ASK_UNTIL_MIN, 22 * 60)],
)
async def test_no_figure_has_patients_called_at_night(
    clinic: Clinic, figure: HouseFigure, value: int
) -> None:
    wish = {"figure": figure, "value": value, "source": "made up", "effective_from": "2026-10-05"}
    assert await clinic.refused("/house-figures", wish) == [("figure_limits", "value")]


@pytest.mark.usefixtures("undo")
async def test_a_freed_chair_waits_for_the_hour_at_which_the_house_asks(clinic: Clinic) -> None:
    await set_to(clinic, HouseFigure.ASK_FROM_MIN, 11 * 60)
    visit = (await clinic.series())["appointments"][5]
    await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    await clinic.let_fall_due()
    [(due_at,)] = await clinic.rows(
        "SELECT due_at FROM due_work WHERE kind = 'OfferChair' AND payload->>'location_id' = :here",
        here=clinic.location_id,
    )
    assert due_at == NOW + timedelta(hours=1), "it is ten in Alexandria"


@pytest.mark.usefixtures("undo")
async def test_how_long_a_link_is_good_and_how_far_it_shows_are_figures(led: Clinic) -> None:
    link = await make(led)
    assert datetime.fromisoformat(link["expires_at"]) == NOW + timedelta(days=14)
    await set_to(led, HouseFigure.LINK_VALID_DAYS, 3)
    await set_to(led, HouseFigure.LINK_OFFERED_DAYS, 4)
    shorter = await make(led)
    assert datetime.fromisoformat(shorter["expires_at"]) == NOW + timedelta(days=3)
    assert days(await opened(led, shorter)) == ["2026-10-05", "2026-10-07", "2026-10-09"]
    asked = await make(led, valid_days=20)
    assert datetime.fromisoformat(asked["expires_at"]) == NOW + timedelta(days=20)


@pytest.mark.usefixtures("undo")
async def test_from_when_a_visit_of_yesterday_is_raised_is_a_figure(clinic: Clinic) -> None:
    visit = (await clinic.series())["appointments"][0]
    await set_to(clinic, HouseFigure.UNSETTLED_FROM_MIN, 9 * 60)
    patient_id = visit["patient_id"]
    clinic.clock.step_to(NOON + timedelta(hours=20))  # eight the next morning
    await clinic.settle_round()
    assert "VisitUnsettled" not in await clinic.kinds_said(patient_id)
    clinic.clock.step_to(NOON + timedelta(hours=21))
    await clinic.settle_round()
    assert "VisitUnsettled" in await clinic.kinds_said(patient_id)


async def test_how_soon_a_patient_books_a_session_is_a_figure(led: Clinic, undo: None) -> None:
    link = await make(led)
    assert offered(await opened(led, link))[0] == NOW + timedelta(hours=2)
    await set_to(led, HouseFigure.SELF_BOOK_NOTICE_MIN, 24 * 60)
    assert offered(await opened(led, link))[0] >= NOW + timedelta(days=1)
    await set_to(led, HouseFigure.SELF_BOOK_NOTICE_MIN, 0)
    assert offered(await opened(led, link))[0] == NOW + timedelta(minutes=15)
