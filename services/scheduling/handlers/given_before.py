"""What a patient was given in other series, as bookings and plans are judged by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.earlier import Earlier, broken_by_earlier
from services.scheduling.rules.protocols import InfusionProtocol
from services.scheduling.store import drips
from shared.messaging import Transaction
from shared.refusals import Broken

LONGEST_REST = timedelta(days=31)
"""As long as the table of protocols lets a gap be."""


async def broken_by_given(
    tx: Transaction,
    protocol: InfusionProtocol,
    patient_id: UUID,
    starts: Sequence[datetime],
    zone: ZoneInfo,
    field: Callable[[int], str],
    *,
    series_id: UUID | None = None,
) -> list[Broken]:
    """What of a series' infusions is too near to one of another series."""
    if not starts:
        return []
    earlier = await given_before(tx, patient_id, min(starts), series_id=series_id)
    return broken_by_earlier(protocol, earlier, starts, zone, field)


async def given_before(
    tx: Transaction, patient_id: UUID, first: datetime, *, series_id: UUID | None = None
) -> list[Earlier]:
    """The infusions of other series that can matter to one at this moment or later."""
    return await drips.given_elsewhere(tx, patient_id, series_id, first - LONGEST_REST)
