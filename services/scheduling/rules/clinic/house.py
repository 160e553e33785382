"""Figures of the house that no visit type and no protocol has: how long it waits for whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.refusals import Broken


class HouseFigure(StrEnum):
    """What may be set, the unit last. The rows, with their sources, are in the database."""

    HOLD_MIN = "hold_min"
    REPLAN_MIN = "replan_min"
    OFFERS_AT_ONCE = "offers_at_once"
    OFFER_MIN = "offer_min"
    GAP_RISK_H = "gap_risk_h"
    NO_SHOW_AFTER_MIN = "no_show_after_min"
    LATE_CANCEL_H = "late_cancel_h"
    MONITOR_EVERY_MIN = "monitor_every_min"
    READING_FRESH_MIN = "reading_fresh_min"
    RESPONSE_FALL_PCT = "response_fall_pct"
    REMISSION_PHQ9_BELOW = "remission_phq9_below"
    CHECKPOINT_INFUSION = "checkpoint_infusion"
    GAP_RISK_PLACES = "gap_risk_places"
    START_EARLY_MIN = "start_early_min"
    START_LATE_MIN = "start_late_min"
    SCREENING_MAX_DAYS = "screening_max_days"
    CONSENT_VALID_DAYS = "consent_valid_days"
    DOSE_OFF_PLAN_PCT = "dose_off_plan_pct"
    BOOKABLE_AHEAD_DAYS = "bookable_ahead_days"
    PLAN_WAIT_POINTS = "plan_wait_points"
    PLAN_COURSE_POINTS = "plan_course_points"
    PLAN_LONG_GAP_POINTS = "plan_long_gap_points"
    PLAN_CROWDED_WEEK_POINTS = "plan_crowded_week_points"
    PLAN_STEP_MIN = "plan_step_min"
    ASK_FROM_MIN = "ask_from_min"
    ASK_UNTIL_MIN = "ask_until_min"
    LINK_VALID_DAYS = "link_valid_days"
    LINK_OFFERED_DAYS = "link_offered_days"
    UNSETTLED_FROM_MIN = "unsettled_from_min"
    DISCHARGE_OVERDUE_MIN = "discharge_overdue_min"
    DRIP_OVERDUE_MIN = "drip_overdue_min"
    SELF_BOOK_NOTICE_MIN = "self_book_notice_min"


CLINICAL = frozenset(
    {
        HouseFigure.MONITOR_EVERY_MIN,
        HouseFigure.READING_FRESH_MIN,
        HouseFigure.RESPONSE_FALL_PCT,
        HouseFigure.REMISSION_PHQ9_BELOW,
        HouseFigure.CHECKPOINT_INFUSION,
        HouseFigure.SCREENING_MAX_DAYS,
        HouseFigure.CONSENT_VALID_DAYS,
        HouseFigure.DOSE_OFF_PLAN_PCT,
        HouseFigure.DRIP_OVERDUE_MIN,
    }
)
"""What a gate asks, what is watched and how an answer is judged: a prescriber signs it."""

MOST_POINTS = 200
"""A technical bound: so few that what a plan costs stays below what leaving the wishes does."""

CALLS_FROM_MIN, CALLS_UNTIL_MIN = 8 * 60, 21 * 60
"""47 CFR 64.1200(c)(1): no calls before 8 a.m. or after 9 p.m., on the clock where they arrive."""

LINK_DAYS_MAX = 60
"""A technical bound: a link is leave to book for whoever holds it."""


LIMITS: dict[HouseFigure, tuple[int, int]] = {
    HouseFigure.HOLD_MIN: (1, 7 * 24 * 60),
    HouseFigure.REPLAN_MIN: (1, 7 * 24 * 60),
    HouseFigure.OFFERS_AT_ONCE: (1, 50),
    HouseFigure.OFFER_MIN: (1, 24 * 60),
    HouseFigure.GAP_RISK_H: (0, 7 * 24),
    HouseFigure.NO_SHOW_AFTER_MIN: (0, 12 * 60),
    HouseFigure.LATE_CANCEL_H: (0, 14 * 24),
    HouseFigure.MONITOR_EVERY_MIN: (1, 120),
    HouseFigure.READING_FRESH_MIN: (1, 120),
    HouseFigure.RESPONSE_FALL_PCT: (1, 100),
    HouseFigure.REMISSION_PHQ9_BELOW: (1, 27),
    HouseFigure.CHECKPOINT_INFUSION: (1, 20),
    HouseFigure.GAP_RISK_PLACES: (0, 50),
    HouseFigure.START_EARLY_MIN: (0, 12 * 60),
    HouseFigure.START_LATE_MIN: (0, 12 * 60),
    HouseFigure.SCREENING_MAX_DAYS: (1, 2 * 366),
    HouseFigure.CONSENT_VALID_DAYS: (1, 5 * 366),
    HouseFigure.BOOKABLE_AHEAD_DAYS: (1, 3 * 366),
    HouseFigure.PLAN_WAIT_POINTS: (0, MOST_POINTS),
    HouseFigure.PLAN_COURSE_POINTS: (0, MOST_POINTS),
    HouseFigure.PLAN_LONG_GAP_POINTS: (0, MOST_POINTS),
    HouseFigure.PLAN_CROWDED_WEEK_POINTS: (0, MOST_POINTS),
    HouseFigure.PLAN_STEP_MIN: (1, 12 * 60),
    HouseFigure.ASK_FROM_MIN: (CALLS_FROM_MIN, 12 * 60),
    HouseFigure.ASK_UNTIL_MIN: (13 * 60, CALLS_UNTIL_MIN),
    HouseFigure.LINK_VALID_DAYS: (1, LINK_DAYS_MAX),
    HouseFigure.LINK_OFFERED_DAYS: (1, LINK_DAYS_MAX),
    HouseFigure.UNSETTLED_FROM_MIN: (0, 12 * 60),
    HouseFigure.DOSE_OFF_PLAN_PCT: (0, 100),
    HouseFigure.DISCHARGE_OVERDUE_MIN: (0, 12 * 60),
    HouseFigure.DRIP_OVERDUE_MIN: (0, 12 * 60),
    HouseFigure.SELF_BOOK_NOTICE_MIN: (0, 14 * 24 * 60),
}
"""The house's limits, for a mistyped figure."""


@dataclass(frozen=True, slots=True)
class Planning:
    """The figures in force by which times are booked and plans compared."""

    bookable_ahead_days: int
    plan_wait_points: int
    plan_course_points: int
    plan_long_gap_points: int
    plan_crowded_week_points: int
    plan_step_min: int


def broken_by_limits(figure: HouseFigure, value: int) -> list[Broken]:
    least, most = LIMITS[figure]
    if least <= value <= most:
        return []
    return [
        Broken(
            "figure_limits",
            f"{value} is no likely figure for {figure}; right would be {least} to {most}.",
            "the house's limit, for a mistyped figure",
            "value",
        )
    ]
