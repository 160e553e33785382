"""Places, chairs, clinicians."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import col

from services.scheduling.rules.clinic.slots import ChairPlace
from services.scheduling.rules.visits.life import OPEN
from services.scheduling.store.rows import every, one, shaped
from services.scheduling.tables import Appointment, Chair, Clinician, Location, Room
from shared.claims import ClinicianCard, LocationCard
from shared.messaging import Transaction


async def find_location(tx: Transaction, location_id: UUID) -> Location | None:
    rows = select(Location).where(col(Location.location_id) == location_id)
    return await one(tx, rows, Location)


async def keep_location(tx: Transaction, location_id: UUID) -> Location | None:
    """A place of which nobody changes the zone, the hours, the rosters or the closures meanwhile.

    Until the commit; taken after the patient's row, and before any of them is read. What is booked
    by them is counted and named by whoever would change them. Those who book keep it side by side.
    """
    row = (await tx.execute(_KEEP_LOCATION, {"location_id": location_id})).mappings().one_or_none()
    return None if row is None else shaped(row, Location)


_KEEP_LOCATION = (
    select(Location)
    .where(col(Location.location_id) == bindparam("location_id"))
    .with_for_update(read=True, key_share=True)
)


async def zone_at(tx: Transaction, location_id: UUID) -> ZoneInfo:
    """The zone of a place that is on record."""
    location = await find_location(tx, location_id)
    assert location is not None, "what happens happens at a place"
    return ZoneInfo(location.zone)


async def lock_location(tx: Transaction, location_id: UUID) -> Location | None:
    """A place, held until the commit; who books there meanwhile waits.

    Whoever changes its zone or its calendar takes it before anything else, and waits for nobody
    after it.
    """
    rows = select(Location).where(col(Location.location_id) == location_id)
    return await one(tx, rows.with_for_update(), Location)


async def change_location(tx: Transaction, location_id: UUID, **values: object) -> None:
    rows = update(Location).where(col(Location.location_id) == location_id)
    await tx.execute(rows.values(**values))


async def visits_not_over(tx: Transaction, location_id: UUID) -> int:
    """How many visits of a place are held, to come, under way, or were settled by nobody."""
    rows = select(func.count()).where(
        col(Appointment.location_id) == location_id,
        or_(col(Appointment.state).in_(OPEN), col(Appointment.hold_id).is_not(None)),
    )
    return int((await tx.execute(rows)).scalar_one())


def location_card(location: Location) -> LocationCard:
    return LocationCard.model_validate(location.model_dump())


async def has_chair_named(tx: Transaction, location_id: UUID, name: str) -> bool:
    rows = select(col(Chair.chair_id)).where(
        col(Chair.location_id) == location_id, col(Chair.name) == name
    )
    return (await tx.execute(rows)).first() is not None


async def chairs_at(tx: Transaction, location_id: UUID) -> list[UUID]:
    """The chairs of a place, by name, those out of service included."""
    rows = select(col(Chair.chair_id)).where(col(Chair.location_id) == location_id)
    return list((await tx.execute(rows.order_by(col(Chair.name)))).scalars())


async def chairs_in_service(tx: Transaction, location_id: UUID) -> list[UUID]:
    """The chairs of a place that take somebody new, by name."""
    rows = select(col(Chair.chair_id)).where(
        col(Chair.location_id) == location_id, col(Chair.out_since).is_(None)
    )
    return list((await tx.execute(rows.order_by(col(Chair.name)))).scalars())


async def set_service(tx: Transaction, chair: Chair, reason: str | None) -> Chair:
    """Out of service from now on, for a reason; without one, in service again."""
    values = {"out_since": None if reason is None else tx.now, "out_reason": reason}
    await tx.execute(update(Chair).where(col(Chair.chair_id) == chair.chair_id).values(**values))
    return Chair(**(chair.model_dump() | values))


def chair_place(chair: Chair | None) -> ChairPlace | None:
    return None if chair is None else ChairPlace(chair.location_id, chair.out_since)


async def lock_chairs(tx: Transaction, chair_ids: Collection[UUID]) -> dict[UUID, Chair]:
    """Chairs by id, each held until the commit, taken in the order of their ids."""
    rows = (await tx.execute(_LOCK_CHAIRS, {"chair_ids": list(chair_ids)})).mappings()
    return {row["chair_id"]: shaped(row, Chair) for row in rows}


_LOCK_CHAIRS = (
    select(Chair)
    .where(col(Chair.chair_id) == func.any(bindparam("chair_ids", type_=ARRAY(PG_UUID))))
    .order_by(col(Chair.chair_id))
    .with_for_update(key_share=True)
)


async def has_room_named(tx: Transaction, location_id: UUID, name: str) -> bool:
    rows = select(col(Room.room_id)).where(
        col(Room.location_id) == location_id, col(Room.name) == name
    )
    return (await tx.execute(rows)).first() is not None


async def rooms_at(tx: Transaction, location_id: UUID) -> list[Room]:
    """The rooms of a place, by name."""
    rows = select(Room).where(col(Room.location_id) == location_id).order_by(col(Room.name))
    return await every(tx, rows, Room)


async def lock_rooms(tx: Transaction, location_id: UUID) -> list[UUID]:
    """The rooms of a place by name, each held until the commit, taken in the order of their ids."""
    rows = select(Room).where(col(Room.location_id) == location_id).order_by(col(Room.room_id))
    held = await every(tx, rows.with_for_update(key_share=True), Room)
    return [room.room_id for room in sorted(held, key=lambda each: each.name)]


async def find_clinician(tx: Transaction, clinician_id: UUID) -> Clinician | None:
    rows = select(Clinician).where(col(Clinician.clinician_id) == clinician_id)
    return await one(tx, rows, Clinician)


async def lock_clinician(tx: Transaction, clinician_id: UUID) -> Clinician | None:
    rows = select(Clinician).where(col(Clinician.clinician_id) == clinician_id)
    return await one(tx, rows.with_for_update(key_share=True), Clinician)


async def change_clinician(tx: Transaction, clinician_id: UUID, **values: object) -> None:
    await tx.execute(
        update(Clinician).where(col(Clinician.clinician_id) == clinician_id).values(**values)
    )


def clinician_card(clinician: Clinician) -> ClinicianCard:
    return ClinicianCard.model_validate(clinician.model_dump())
