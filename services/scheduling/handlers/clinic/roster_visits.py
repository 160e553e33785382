"""The visits for which a roster leaves no nurse."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.figures import TouchedVisit
from services.scheduling.rules.clinic.policy import at_wall
from services.scheduling.rules.clinic.rosters import Watched, beyond
from services.scheduling.rules.visits.life import COMING
from services.scheduling.store.rows import every
from services.scheduling.tables import Appointment, Location
from shared.messaging import Transaction


async def unwatched_by(
    tx: Transaction, location: Location, effective_from: date
) -> tuple[TouchedVisit, ...]:
    """The visits to come that the roster of this first day leaves unwatched, by time.

    A plan that is held has its nurses too, and is no visit yet: it is counted, and not named.
    """
    zone = ZoneInfo(location.zone)
    since = max(tx.now, at_wall(effective_from, 0, zone))
    rows = store.chairs_taken_from(since, location.location_id).order_by(*store.BY_START)
    booked = await every(tx, rows, Appointment)
    if not booked:
        return ()
    policy = await store.policy_of(tx, location.location_id, booked[0].visit_type)
    [roster] = (each for each in policy.rosters if each.effective_from == effective_from)
    watched = [Watched(each.appointment_id, each.starts_at, each.ends_at) for each in booked]
    left = set(beyond(policy, roster, watched, zone))
    return tuple(
        TouchedVisit(**each.model_dump())
        for each in booked
        if each.appointment_id in left and each.state in COMING
    )
