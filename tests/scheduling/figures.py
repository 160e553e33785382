"""The FAQ's figures, as the migration records them."""

from __future__ import annotations

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.series.protocols import InfusionProtocol

MOOD_MIN, PAIN_MIN = 50, 240
NO_DRIVE_MIN = 360

_SIX_TO_EIGHT = "FAQ: a total of six (6) sessions and up to 8 initial infusions"
_CONSECUTIVE = "FAQ: CRPS and pain infusions span 3-5 days consecutively"

PLANNING = Planning(
    bookable_ahead_days=366,
    plan_wait_points=4,
    plan_course_points=4,
    plan_long_gap_points=40,
    plan_crowded_week_points=20,
    plan_step_min=15,
)
MOOD = InfusionProtocol(
    kind="mood",
    size_min=6,
    size_max=8,
    gap_min_days=2,
    gap_advised_days=5,
    gap_max_days=7,
    weekly_advised=3,
    weekly_cap=None,
    course_advised_weeks=3,
    sources={
        "size_min": _SIX_TO_EIGHT,
        "size_max": _SIX_TO_EIGHT,
        "gap_min_days": "FAQ: spaced 2 to 5 days apart",
        "gap_advised_days": "FAQ: spaced 2 to 5 days apart",
        "gap_max_days": "FAQ: do not let more than 5-7 days go between initial infusions",
        "weekly_advised": "FAQ: spaced 2 to 5 days apart or twice to three times a week",
        "weekly_cap": "off: the FAQ joins its two rules with an or",
        "course_advised_weeks": "FAQ: generally, 6-8 infusions are needed over 2-3 weeks",
    },
)
PAIN = InfusionProtocol(
    kind="pain",
    size_min=3,
    size_max=5,
    gap_min_days=1,
    gap_advised_days=1,
    gap_max_days=1,
    weekly_advised=None,
    weekly_cap=None,
    course_advised_weeks=None,
    sources={
        **dict.fromkeys(
            ("size_min", "size_max", "gap_min_days", "gap_advised_days", "gap_max_days"),
            _CONSECUTIVE,
        ),
        **dict.fromkeys(
            ("weekly_advised", "weekly_cap", "course_advised_weeks"),
            "the FAQ names none for pain",
        ),
    },
)
