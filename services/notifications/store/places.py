"""Places with chairs: name, zone and phone."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.notifications.words import Place
from shared.messaging import Transaction


async def keep_location(tx: Transaction, location_id: UUID, place: Place) -> None:
    await tx.execute(
        text(
            "INSERT INTO locations (location_id, name, zone, phone)"
            " VALUES (:location_id, :name, :zone, :phone) ON CONFLICT DO NOTHING"
        ),
        {
            "location_id": location_id,
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
