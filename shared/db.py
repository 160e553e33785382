"""PostgreSQL: engines, the tables' bases, and migrations.

Each service has its own database and role. Every database carries the backbone's tables (inbox,
outbox, due work, parked events, idempotency keys, audit log) in one migration chain of its own,
beside the chain of the service.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

RACE_STATES = frozenset({"40001", "40P01"})
"""SQLSTATEs of a lost race (serialization failure, deadlock): the same work may win next time."""

BUSY_STATES = RACE_STATES | {"55P03", "57014"}
"""Beside a lost race: a lock that was not had in time, a statement that took too long."""

_HERE = Path(__file__).parent

_BACKBONE_TABLES = (
    "shared.audit",
    "shared.http.idempotency",
    "shared.http.webhooks",
    "shared.messaging.tables",
)


class BackboneBase(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """Base of the tables that every service's database carries."""


def create_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine whose every statement and lock wait has a time limit.

    `url` names the driver: `postgresql+asyncpg://role:secret@/database?host=…`.
    """
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_use_lifo=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 5,
            "command_timeout": 60,
            "prepared_statement_cache_size": 400,  # a service has more than the usual 100
            "server_settings": {
                "application_name": "practice",
                "statement_timeout": "30000",
                "lock_timeout": "10000",
                "idle_in_transaction_session_timeout": "60000",
                "jit": "off",
            },
        },
    )


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE behind a SQLAlchemy error, where there is one."""
    origin = getattr(error, "orig", None)
    state = getattr(origin, "sqlstate", None) or getattr(
        getattr(origin, "__cause__", None), "sqlstate", None
    )
    return state if isinstance(state, str) else None


def lost_race(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and sqlstate(error) in RACE_STATES


def database_busy(error: BaseException) -> bool:
    """Whether the database was only busy: the same statement may work next time."""
    return isinstance(error, DBAPIError) and sqlstate(error) in BUSY_STATES


def unreachable(error: BaseException) -> bool:
    """Whether the database itself is away, as opposed to the statement being refused."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = sqlstate(error) or ""
    if state.startswith(("08", "57P", "53")):  # connection lost, server shutting down, no slots
        return True
    if isinstance(error, OperationalError | InterfaceError) and not state:
        return True
    if isinstance(error, PoolTimeoutError):
        return True
    return isinstance(error, OSError) and _of_the_driver(error)


def _of_the_driver(error: BaseException) -> bool:
    """Whether an error came through the driver, and not from a file or a time limit of our own.

    SQLAlchemy hands on the `OSError`s of a connection that is not had, or lost, as they are.
    """
    packages = {
        frame.f_globals.get("__name__", "").partition(".")[0]
        for frame, _ in walk_tb(error.__traceback__)
    }
    return not packages.isdisjoint({"asyncpg", "sqlalchemy"})


def _config(
    scripts: Path, version_table: str, connection: Connection, metadata: MetaData
) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes.update(
        connection=connection, version_table=version_table, target_metadata=metadata
    )
    return config


def _chains(service: str, metadata: MetaData) -> tuple[tuple[Path, str, MetaData], ...]:
    return (
        (_HERE / "migrations", "alembic_version_backbone", BackboneBase.metadata),
        (_HERE.parent / "services" / service / "migrations", "alembic_version", metadata),
    )


async def migrate(engine: AsyncEngine, service: str, metadata: MetaData) -> None:
    """Bring a service's database to the newest revision of both chains. Safe to run twice."""

    def upgrade(connection: Connection) -> None:
        for scripts, version_table, target in _chains(service, metadata):
            if scripts.exists():
                command.upgrade(_config(scripts, version_table, connection, target), "head")

    async with engine.begin() as connection:
        await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7_041_776)")
        await connection.run_sync(upgrade)


async def drift(engine: AsyncEngine, metadata: MetaData) -> list[Any]:
    """Differences between the tables in code and the migrated database; empty when they agree."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  # only CI asks
    from alembic.migration import MigrationContext  # noqa: PLC0415  # only CI asks

    for module in _BACKBONE_TABLES:
        import_module(module)
    both = [BackboneBase.metadata, metadata]

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = compare_metadata(context, both)  # type: ignore[arg-type]  # a list is documented
        return [difference for difference in found if "alembic_version" not in str(difference)]

    async with engine.connect() as connection:
        return await connection.run_sync(compare)
