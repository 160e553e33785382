"""The clinic's own things: locations, their chairs and rooms, clinicians."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.answers import (
    ChairAnswer,
    ClinicianAnswer,
    LocationAnswer,
    RoomAnswer,
)
from services.scheduling.forms.wishes import (
    AddChair,
    AddClinician,
    AddRoom,
    CorrectClinician,
    CorrectLocation,
    OpenLocation,
)
from services.scheduling.handlers.imports.files import forget_read_by_zone
from services.scheduling.rules.clinic.calendar_names import broken_by_telling
from services.scheduling.rules.clinic.zones import broken_by_zone
from services.scheduling.rules.signing import broken_by_login
from services.scheduling.store.signing import clinician_of
from services.scheduling.tables import Chair, Clinician, Location, Room
from shared.events.scheduling import LocationUpdated
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken


async def open_location(wish: OpenLocation, tx: Transaction) -> LocationAnswer | Refused:
    broken = broken_by_telling(wish.calendar_name or "")
    if broken:
        return Refused.by_rules(broken, "The location is not opened")
    location_id, fields = new_id(), wish.model_dump()
    tx.insert(Location, location_id=location_id, **fields)
    return LocationAnswer(location_id=location_id, **fields)


async def correct_location(
    location_id: UUID, wish: CorrectLocation, tx: Transaction
) -> LocationAnswer | Refused:
    """Correct what is on record of a place from now on; what was issued keeps what it shows.

    Whoever keeps a copy of its card hears of it, unless only its name in calendars is another.
    Whoever books there by the old clock meanwhile has this wait, and is counted.
    """
    location = await store.lock_location(tx, location_id)
    if location is None:
        return Refused.not_found("location", "location_id")
    had, changes = location.model_dump(), wish.changes()
    changed = {name for name, value in changes.items() if value != had[name]}
    broken = broken_by_telling(wish.calendar_name or "")
    if "zone" in changed:
        broken += broken_by_zone(await store.visits_not_over(tx, location_id))
    if broken:
        return Refused.by_rules(broken, "The location is not changed")
    if "zone" in changed:
        await forget_read_by_zone(location_id, tx)
    if changed - {"calendar_name"}:
        changes["revision"] = location.revision + 1
        tx.publish(
            LocationUpdated(
                location_id=location_id, revision=changes["revision"], updated_at=tx.now
            )
        )
    await store.change_location(tx, location_id, **changes)
    return LocationAnswer.model_validate(had | changes)


async def add_chair(location_id: UUID, wish: AddChair, tx: Transaction) -> ChairAnswer | Refused:
    if await store.find_location(tx, location_id) is None:
        return Refused.not_found("location", "location_id")
    if await store.has_chair_named(tx, location_id, wish.name):
        return _name_taken("chair")
    chair = Chair(chair_id=new_id(), location_id=location_id, name=wish.name)
    tx.insert(Chair, **chair.model_dump())
    return ChairAnswer(**chair.model_dump())


async def add_room(location_id: UUID, wish: AddRoom, tx: Transaction) -> RoomAnswer | Refused:
    if await store.find_location(tx, location_id) is None:
        return Refused.not_found("location", "location_id")
    if await store.has_room_named(tx, location_id, wish.name):
        return _name_taken("room")
    room = RoomAnswer(room_id=new_id(), location_id=location_id, name=wish.name)
    tx.insert(Room, **room.model_dump())
    return room


def _name_taken(noun: str) -> Refused:
    taken = Broken(
        f"{noun}_name_taken",
        f"This location has a {noun} of this name; take another name.",
        f"staff tell {noun}s apart by their names",
        "name",
    )
    return Refused.by_rules([taken], f"The {noun} is not added")


async def list_rooms(location_id: UUID, tx: Transaction) -> list[RoomAnswer] | Refused:
    """The rooms of a place, by name."""
    if await store.find_location(tx, location_id) is None:
        return Refused.not_found("location", "location_id")
    return [RoomAnswer(**room.model_dump()) for room in await store.rooms_at(tx, location_id)]


async def add_clinician(wish: AddClinician, tx: Transaction) -> ClinicianAnswer | Refused:
    broken = await _broken_by_login(wish.subject, None, tx)
    if broken:
        return Refused.by_rules(broken, "The clinician is not added")
    clinician_id, fields = new_id(), wish.model_dump()
    tx.insert(Clinician, clinician_id=clinician_id, **fields)
    return ClinicianAnswer(clinician_id=clinician_id, **fields)


async def correct_clinician(
    clinician_id: UUID, wish: CorrectClinician, tx: Transaction
) -> ClinicianAnswer | Refused:
    """Correct what is printed of a clinician from now on; what was issued keeps what it shows."""
    clinician = await store.lock_clinician(tx, clinician_id)
    if clinician is None:
        return Refused.not_found("clinician", "clinician_id")
    broken = await _broken_by_login(wish.subject, clinician_id, tx)
    if broken:
        return Refused.by_rules(broken, "The clinician is not changed")
    await store.change_clinician(tx, clinician_id, **wish.changes())
    return ClinicianAnswer.model_validate(clinician.model_dump() | wish.changes())


async def _broken_by_login(
    subject: str | None, clinician_id: UUID | None, tx: Transaction
) -> list[Broken]:
    has_it = None if subject is None else await clinician_of(tx, subject)
    return broken_by_login(taken=has_it is not None and has_it.clinician_id != clinician_id)
