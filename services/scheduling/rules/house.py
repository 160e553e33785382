"""Figures of the house that no visit type and no protocol has: how long it waits for whom."""

from __future__ import annotations

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
}
"""The house's limits, for a mistyped figure."""


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
