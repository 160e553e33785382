"""Columns as every service declares them. A name in SQLModel's class is the column's name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from shared.sealed import Sealed


def moment(*, nullable: bool = False) -> Column[datetime]:
    """An instant in UTC: always zone-aware, always `timestamptz`."""
    return Column(TIMESTAMP(timezone=True), nullable=nullable)


def words(*, nullable: bool = False, unique: bool = False) -> Column[str]:
    """Text without a length: what it may be is said by a constraint or by the form it came by."""
    return Column(Text, nullable=nullable, unique=unique or None)


def sealed_bytes(*, nullable: bool = False) -> Column[bytes]:
    """What only a holder of the vault's keys can read."""
    return Column(Sealed, nullable=nullable)


def json_object(*, nullable: bool = False) -> Column[dict[str, Any]]:
    """An object as JSON, without anything of a patient."""
    return Column(JSONB, nullable=nullable)


def cents(*, nullable: bool = False) -> Column[int]:
    """Whole cents; the sign and the bounds are said by a constraint."""
    return Column(Integer, nullable=nullable)
