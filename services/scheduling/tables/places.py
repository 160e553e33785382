"""Where visits take place: locations, their chairs and rooms."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import json_object, moment, words


class Location(Base, table=True):
    """A place with chairs, in its own time zone, and the legal entity that bills for it.

    `calendar_name` is what patients' calendars show of it: a name that tells nothing, or none.
    `revision` counts its corrections.
    """

    __tablename__ = "locations"

    location_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=words())
    zone: str = Field(sa_column=words())
    legal_name: str = Field(sa_column=words())
    ein: str = Field(sa_column=words())
    npi: str = Field(sa_column=words())
    phone: str = Field(sa_column=words())
    address: dict[str, Any] = Field(sa_column=json_object())
    calendar_name: str | None = Field(default=None, sa_column=Column(Text))
    revision: int = Field(
        default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0")
    )


class Chair(Base, table=True):
    """A chair; since `out_since` it is out of service, for `out_reason`, and takes nobody new."""

    __tablename__ = "chairs"
    __table_args__ = (
        UniqueConstraint("location_id", "name"),
        CheckConstraint("(out_since IS NULL) = (out_reason IS NULL)", name="out"),
    )

    chair_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    name: str = Field(sa_column=words())
    out_since: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    out_reason: str | None = Field(default=None, sa_column=Column(Text))


class Room(Base, table=True):
    """A room that one visit at a time may need: for a session, or for a treatment in private."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("location_id", "name"),)

    room_id: UUID = Field(primary_key=True)
    location_id: UUID = Field(foreign_key="locations.location_id")
    name: str = Field(sa_column=words())
