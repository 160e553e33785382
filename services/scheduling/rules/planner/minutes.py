"""Sets of a day's minutes, as the bits of one integer.

Minutes are elapsed ones since the local midnight, so a day on which clocks change has 1,380 or
1,500 of them and no visit gains or loses an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def minute_of(at: datetime, midnight: datetime) -> int:
    return (at - midnight) // MINUTE


def bits(begin: int, end: int) -> int:
    """The minutes from `begin` up to and without `end`."""
    return (1 << end) - (1 << begin)


def blocked_starts(busy: int, holds_min: int) -> int:
    """The starts from which a visit would run into a busy minute."""
    blocked, reach = busy, 1
    while reach < holds_min:
        step = min(reach, holds_min - reach)
        blocked |= blocked >> step
        reach += step
    return blocked
