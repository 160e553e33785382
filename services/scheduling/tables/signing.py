"""Who may sign what, from a day on."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Boolean, Column, Date, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from services.scheduling.tables.base import Base
from shared.columns import words


class SigningRuleRow(Base, table=True):
    """What one act asks of its signer from a day on; no credential named is any. Never changed."""

    __tablename__ = "signing_rules"

    act: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    credentials: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    dea_needed: bool = Field(sa_column=Column(Boolean, nullable=False))
    source: str = Field(sa_column=words())
