"""The bare driver's connections, for what is written by hand and for filling tables."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import make_url


async def connect(database_url: str) -> asyncpg.Connection:
    """A connection to the database of a SQLAlchemy URL."""
    return await asyncpg.connect(**_where(database_url))


def pool(database_url: str, *, size: int) -> asyncpg.Pool:
    """At most so many connections. Use it in `async with`."""
    return asyncpg.create_pool(**_where(database_url), min_size=1, max_size=size)


def _where(database_url: str) -> dict[str, Any]:
    url = make_url(database_url)
    return {
        "host": url.query.get("host") or url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "database": url.database,
    }
