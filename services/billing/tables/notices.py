"""What was heard from Stripe. The notices themselves are in the backbone's `webhooks`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, words


class NoticesSeen(Base, table=True):
    """Until when the processor's list of events was gone through. One row."""

    __tablename__ = "notices_seen"
    __table_args__ = (CheckConstraint("vendor = 'stripe'", name="vendor"),)

    vendor: str = Field(sa_column=Column(words().type, primary_key=True))
    seen_until: datetime = Field(sa_column=moment())
