"""Re-plans that are proposed: what was looked at, what is to change, what becomes of each visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment


class ReplanRow(Base, table=True):
    """One proposal. `seen` is the series it was made for; ids, codes and times only."""

    __tablename__ = "replans"
    __table_args__ = (CheckConstraint("proposed_at < expires_at", name="times"),)

    replan_id: UUID = Field(primary_key=True)
    series_id: UUID = Field(foreign_key="series.series_id", index=True)
    change: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    seen: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    visits: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    advice: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    missing: int = Field(sa_column=Column(SmallInteger, nullable=False))
    proposed_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    applied_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
