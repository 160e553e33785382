"""Which code a clinician documented for a session. The newest row of a charge counts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, words


class SessionCode(Base, table=True):
    """A code, its modifiers and where the session was held, as somebody entered them."""

    __tablename__ = "session_codes"
    __table_args__ = (Index("ix_session_codes_charge_id", "charge_id", "recorded_at"),)

    session_code_id: UUID = Field(primary_key=True)
    charge_id: UUID = Field(foreign_key="charges.charge_id")
    code: str = Field(sa_column=words())
    modifiers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    place_of_service: str = Field(sa_column=words())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())
