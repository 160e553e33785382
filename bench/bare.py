"""The bare driver's connection, for what is written by hand and for filling tables."""

from __future__ import annotations

import asyncpg
from sqlalchemy import make_url


async def connect(database_url: str) -> asyncpg.Connection:
    """A connection to the database of a SQLAlchemy URL."""
    url = make_url(database_url)
    return await asyncpg.connect(
        host=url.query.get("host") or url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        database=url.database,
    )
