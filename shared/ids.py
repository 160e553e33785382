"""Ids are random, time-ordered and opaque: UUID version 7. Rules are handed them."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["UUID", "new_id"]


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562)."""
    return uuid7()
