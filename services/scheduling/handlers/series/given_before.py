"""What else a patient was given, or is to be, as bookings and plans are judged by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.series.earlier import Earlier, broken_by_earlier
from services.scheduling.rules.series.protocols import InfusionProtocol
from services.scheduling.store import drips
from shared.messaging import Transaction
from shared.refusals import Broken

LONGEST_REST = timedelta(days=31)
"""As long as the tables of protocols and visit types let a gap be."""


async def broken_by_given(
    tx: Transaction,
    policy: Policy,
    protocol: InfusionProtocol,
    patient_id: UUID,
    starts: Sequence[datetime],
    zone: ZoneInfo,
    field: Callable[[int], str],
    *,
    series_id: UUID | None = None,
    to_come: bool = True,
) -> list[Broken]:
    """What of a series' infusions is too near to one of another series, or outside any.

    Only visits that give the same drug count; those to come too, unless one starts now.
    """
    if not starts:
        return []
    drug = policy.figures_on(starts[0].astimezone(zone).date()).drug
    earlier = await given_before(
        tx, patient_id, min(starts), drug=drug, series_id=series_id, to_come=to_come
    )
    return broken_by_earlier(protocol, earlier, starts, zone, field)


async def given_before(
    tx: Transaction,
    patient_id: UUID,
    first: datetime,
    *,
    drug: str | None,
    series_id: UUID | None = None,
    besides: UUID | None = None,
    to_come: bool = False,
) -> list[Earlier]:
    """The visits in a chair, without a series or one visit, that can matter from this moment on.

    With a `drug` only those that give it; with `to_come` those that are booked still, too.
    """
    return await drips.given_elsewhere(
        tx,
        patient_id,
        since=first - LONGEST_REST,
        drug=drug,
        series_id=series_id,
        besides=besides,
        to_come=to_come,
    )
