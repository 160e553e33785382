"""What a move does to a visit in a chair, once nothing forbids it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs
from services.scheduling.handlers.told import say_visit_moved
from services.scheduling.handlers.waitlist.openings import look_after
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.tables import Appointment
from shared.messaging import Transaction


async def move_to(
    visit: Appointment, slot: Slot, policy: Policy, zone: ZoneInfo, tx: Transaction
) -> Appointment:
    """Give a visit its new slot and say so. At another time its ride has to be confirmed anew."""
    same_time = (slot.starts_at, slot.ends_at) == (visit.starts_at, visit.ends_at)
    moved = await store.change_visit(
        tx,
        visit,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        chair_id=slot.chair_id,
        room_id=slot.room_id,
        ride_mode=visit.ride_mode if same_time else None,
        driver=visit.driver if same_time else None,
        state=visit.state if same_time else VisitState.BOOKED,
        revision=visit.revision + 1,
    )
    if not same_time or moved.chair_id != visit.chair_id:
        look_after(visit, tx)
        look_at_free_chairs(moved.location_id, tx)
    say_visit_moved(visit, moved, policy, zone, tx)
    return moved
