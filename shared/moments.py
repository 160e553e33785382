"""Columns of instants: always zone-aware, always `timestamptz`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import TIMESTAMP


def moment(*, nullable: bool = False) -> Column[datetime]:
    """A column for an instant in UTC."""
    return Column(TIMESTAMP(timezone=True), nullable=nullable)
