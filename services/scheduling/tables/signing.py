"""Who may sign what, from a day on."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Boolean, Column, Date, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import moment, words


class SigningRuleRow(Base, table=True):
    """What one act asks of its signer from a day on; no credential named is any. Never changed.

    Of several of one day the last revision counts.
    """

    __tablename__ = "signing_rules"

    act: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    revision: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    credentials: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    dea_needed: bool = Field(sa_column=Column(Boolean, nullable=False))
    source: str = Field(sa_column=words())
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
