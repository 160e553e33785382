"""Places with chairs: name, zone and phone."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.notifications.words import Place
from shared.messaging import Transaction


async def keep_location(tx: Transaction, location_id: UUID, revision: int, place: Place) -> None:
    """Keep an answer, unless one for this correction or a later one is here already."""
    await tx.execute(
        text(
            "INSERT INTO locations (location_id, revision, name, zone, phone)"
            " VALUES (:location_id, :revision, :name, :zone, :phone)"
            " ON CONFLICT (location_id) DO UPDATE SET revision = excluded.revision,"
            " name = excluded.name, zone = excluded.zone, phone = excluded.phone"
            " WHERE locations.revision < excluded.revision"
        ),
        {
            "location_id": location_id,
            "revision": revision,
            "name": place.name,
            "zone": place.zone.key,
            "phone": place.phone,
        },
    )


async def place_of(tx: Transaction, location_id: UUID) -> Place | None:
    found = await tx.execute(
        text("SELECT name, zone, phone FROM locations WHERE location_id = :location_id"),
        {"location_id": location_id},
    )
    row = found.one_or_none()
    return row and Place(row.name, ZoneInfo(row.zone), row.phone)
