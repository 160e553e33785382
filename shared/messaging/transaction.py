"""The one thing that a decider holds: rows, events, work that falls due, and the time.

A decider never commits and never rolls back. Inserts, events and work are gathered and written
with many rows per statement: when a statement needs to see them, and at the end. At the end the
keys of all events are locked in a fixed order before their outbox rows are written, so that the
outbox numbers of one key follow the order of the commits and the relay can keep it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from sqlalchemy import Executable, Table, bindparam, func, insert, select, text, types
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, SMALLINT, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import SQLModel

from shared.clock import Clock
from shared.events import Event
from shared.ids import new_id
from shared.messaging.envelope import headers_of
from shared.messaging.handlers import Handlers, Work
from shared.messaging.tables import SLOTS
from shared.messaging.wakes import Wakes
from shared.vault import Vault

KEY_LOCKS = 512
"""Keys share this many advisory locks, so that a large batch never fills the lock table."""

KEY_LOCK_SPACE = 7_041_001

_Shape = tuple[Table, tuple[str, ...]]
_Insert = Callable[[AsyncConnection, Sequence[Mapping[str, Any]]], Awaitable[None]]

_INSERTS: dict[_Shape, _Insert] = {}

_MOMENT = TIMESTAMP(timezone=True)

_LOCK_KEYS = text(
    "SELECT pg_advisory_xact_lock(CAST(:space AS integer), k)"
    " FROM unnest(CAST(:locks AS integer[])) AS k"
)

_INSERT_OUTBOX = text(
    """
    INSERT INTO outbox (event_id, topic, key, slot, headers, payload, committed_at)
    SELECT e, t, k, s, h, p, :at
      FROM unnest(:event_ids, :topics, :keys, :slots, :headers, :payloads)
           WITH ORDINALITY AS rows (e, t, k, s, h, p, n)
     ORDER BY n
    """
).bindparams(
    bindparam("event_ids", type_=ARRAY(PG_UUID)),
    bindparam("topics", type_=ARRAY(TEXT)),
    bindparam("keys", type_=ARRAY(TEXT)),
    bindparam("slots", type_=ARRAY(SMALLINT)),
    bindparam("headers", type_=ARRAY(JSONB)),
    bindparam("payloads", type_=ARRAY(BYTEA)),
    bindparam("at", type_=_MOMENT),
)

_CANCEL_WORK = text(
    "DELETE FROM due_work WHERE key = ANY(:keys) AND state IN ('waiting', 'resting')"
).bindparams(bindparam("keys", type_=ARRAY(TEXT)))

_INSERT_WORK = text(
    """
    INSERT INTO due_work (work_id, kind, key, payload, due_at,
                          correlation_id, causation_id, traceparent)
    SELECT * FROM unnest(:work_ids, :kinds, :keys, :payloads, :dues,
                         :correlations, :causations, :traces)
    ON CONFLICT (key) WHERE state IN ('waiting', 'resting') AND key IS NOT NULL
    DO UPDATE SET kind = excluded.kind, payload = excluded.payload, due_at = excluded.due_at,
                  state = 'waiting', rests_until = NULL, attempts = 0, error_code = NULL,
                  correlation_id = excluded.correlation_id,
                  causation_id = excluded.causation_id, traceparent = excluded.traceparent
    """
).bindparams(
    bindparam("work_ids", type_=ARRAY(PG_UUID)),
    bindparam("kinds", type_=ARRAY(TEXT)),
    bindparam("keys", type_=ARRAY(TEXT)),
    bindparam("payloads", type_=ARRAY(JSONB)),
    bindparam("dues", type_=ARRAY(_MOMENT)),
    bindparam("correlations", type_=ARRAY(PG_UUID)),
    bindparam("causations", type_=ARRAY(PG_UUID)),
    bindparam("traces", type_=ARRAY(TEXT)),
)


def slot_of(key: str) -> int:
    return crc32(key.encode()) % SLOTS


def _lock_of(key: str) -> int:
    return crc32(key.encode()) % KEY_LOCKS


class Gathered:
    """What the deciders of one database transaction have asked for and is not written yet."""

    def __init__(
        self, connection: AsyncConnection, now: datetime, vault: Vault | None = None
    ) -> None:
        self.connection = connection
        self.now = now
        self.vault = vault
        self.rows: dict[_Shape, list[dict[str, Any]]] = {}
        self.events: list[tuple[UUID, Event, dict[str, str]]] = []
        self.work: list[tuple[str, UUID | None, Work | None, datetime, Transaction]] = []
        self.last: list[Callable[[AsyncConnection], Awaitable[None]]] = []
        self.has_work = False

    async def write_rows(self) -> None:
        """Write the gathered inserts, in the order in which each table was first named."""
        while self.rows:
            rows, self.rows = self.rows, {}
            for shape, values in rows.items():
                await _insert_into(shape)(self.connection, values)

    async def finish(self, topic_prefix: str) -> None:
        """Write everything that is left. Nothing but the commit may follow."""
        await self.write_rows()
        await self._write_work()
        if self.events:
            locks = sorted({_lock_of(key) for key in self._keys()})
            await self.connection.execute(_LOCK_KEYS, {"space": KEY_LOCK_SPACE, "locks": locks})
        for write in self.last:
            await write(self.connection)
        if self.events:
            await self._write_events(topic_prefix)

    async def _write_work(self) -> None:
        """Cancel and schedule. Of several wishes for one key the last one stands."""
        if not self.work:
            return
        by_key: dict[str, tuple[UUID, Work, datetime, Transaction] | None] = {}
        rows: list[tuple[str | None, UUID, Work, datetime, Transaction]] = []
        for key, work_id, work, due, tx in self.work:
            if work is None or work_id is None:
                by_key[key] = None
            elif key:
                by_key[key] = (work_id, work, due, tx)
            else:
                rows.append((None, work_id, work, due, tx))
        cancelled = sorted(key for key, wish in by_key.items() if wish is None)
        if cancelled:
            await self.connection.execute(_CANCEL_WORK, {"keys": cancelled})
        rows += [(key, *wish) for key, wish in sorted(by_key.items()) if wish is not None]
        if rows:
            self.has_work = True
            await self.connection.execute(
                _INSERT_WORK,
                {
                    "work_ids": [work_id for _, work_id, _, _, _ in rows],
                    "kinds": [work.kind for _, _, work, _, _ in rows],
                    "keys": [key for key, _, _, _, _ in rows],
                    "payloads": [work.model_dump(mode="json") for _, _, work, _, _ in rows],
                    "dues": [due for _, _, _, due, _ in rows],
                    "correlations": [tx.correlation_id for *_, tx in rows],
                    "causations": [tx.causation_id for *_, tx in rows],
                    "traces": [tx.traceparent for *_, tx in rows],
                },
            )

    def _keys(self) -> list[str]:
        """The events' keys, as their headers say them: an id is made text once per event."""
        return [headers["ce_subject"] for _, _, headers in self.events]

    async def _write_events(self, topic_prefix: str) -> None:
        keys = self._keys()
        await self.connection.execute(
            _INSERT_OUTBOX,
            {
                "event_ids": [event_id for event_id, _, _ in self.events],
                "topics": [topic_prefix + event.producer for _, event, _ in self.events],
                "keys": keys,
                "slots": [slot_of(key) for key in keys],
                "headers": [headers for _, _, headers in self.events],
                "payloads": [
                    event.__pydantic_serializer__.to_json(event) for _, event, _ in self.events
                ],
                "at": self.now,
            },
        )


def _insert_into(shape: _Shape) -> _Insert:
    found = _INSERTS.get(shape)
    if found is None:
        table, names = shape
        lists = any(isinstance(table.c[name].type, types.ARRAY) for name in names)
        filled_in = any(column.default is not None for column in table.c)
        found = _INSERTS[shape] = _row_by_row(table) if lists or filled_in else _at_once(shape)
    return found


def _at_once(shape: _Shape) -> _Insert:
    """One statement for all rows, with an array per column: a fraction of the server's work."""
    table, names = shape
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    statement = insert(table).from_select(names, select(*(rows.c[name] for name in names)))

    async def write(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> None:
        await connection.execute(statement, {name: [row[name] for row in values] for name in names})

    return write


def _row_by_row(table: Table) -> _Insert:
    """For what no array of columns can say: a column of lists, a value that Python fills in."""
    statement = insert(table)

    async def write(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> None:
        await connection.execute(statement, values)

    return write


class Transaction:
    """A decider's view of the transaction that the seam, a worker or a request opened for it."""

    __slots__ = ("_gathered", "_handlers", "causation_id", "correlation_id", "traceparent")

    def __init__(
        self,
        gathered: Gathered,
        handlers: Handlers,
        *,
        correlation_id: UUID,
        causation_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> None:
        self._gathered = gathered
        self._handlers = handlers
        self.correlation_id = correlation_id
        self.causation_id = causation_id
        self.traceparent = traceparent

    @property
    def now(self) -> datetime:
        """Practice time, the same for everything that one transaction decides."""
        return self._gathered.now

    @property
    def vault(self) -> Vault:
        """Seals and opens patient fields. It reaches nothing, so a decider may use it."""
        if self._gathered.vault is None:
            raise LookupError(f"{self._handlers.service} runs without a vault")
        return self._gathered.vault

    @property
    def connection(self) -> AsyncConnection:
        """For the seam's and the workers' own statements; a decider uses `execute`."""
        return self._gathered.connection

    def publish(self, event: Event) -> UUID:
        """Say a fact, if and only if the transaction commits. Returns the event's id."""
        if event.producer != self._handlers.service:
            raise LookupError(f"{self._handlers.service} does not say {event.type_name}")
        event_id = new_id()
        headers = headers_of(
            event,
            event_id=event_id,
            at=self.now,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            traceparent=self.traceparent,
        )
        self._gathered.events.append((event_id, event, headers))
        return event_id

    def do(self, work: Work, *, due: datetime | None = None, key: str | None = None) -> None:
        """Have work fall due at practice time `due`, at once when none is given.

        With a `key`, work that still waits under it is replaced; work that already runs is not.
        """
        if work.kind not in self._handlers.timers and work.kind not in self._handlers.calls:
            raise LookupError(f"{self._handlers.service} has no handler for {work.kind}")
        self._gathered.work.append((key or "", new_id(), work, due or self.now, self))

    def cancel(self, key: str) -> None:
        """Have the work that waits under `key` not happen. No matter if there is none."""
        self._gathered.work.append((key, None, None, self.now, self))

    def insert(self, table: type[SQLModel], **values: object) -> None:
        """Add a row; written together with others of its table before the next `execute`."""
        target: Table = table.__table__  # type: ignore[attr-defined]  # every table=True model has one
        self._gathered.rows.setdefault((target, tuple(values)), []).append(values)

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run a statement that sees everything inserted so far."""
        if self._gathered.rows:
            await self._gathered.write_rows()
        return await self._gathered.connection.execute(statement, parameters)

    def at_end(self, write: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        """Write something after all rows and right before the commit, as the audit log does."""
        self._gathered.last.append(write)

    def caused_by(
        self, *, event_id: UUID | None, correlation_id: UUID, traceparent: str | None
    ) -> Transaction:
        """The same database transaction, deciding on behalf of another cause."""
        return Transaction(
            self._gathered,
            self._handlers,
            correlation_id=correlation_id,
            causation_id=event_id,
            traceparent=traceparent,
        )


class UnitOfWork:
    """Opens transactions for one process and wakes whoever waits for what they leave."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        handlers: Handlers,
        *,
        topic_prefix: str = "",
        vault: Vault | None = None,
    ) -> None:
        self.engine = engine
        self.vault = vault
        self.clock = clock
        self.handlers = handlers
        self.topic_prefix = topic_prefix
        self.wakes = Wakes()

    @asynccontextmanager
    async def transaction(
        self,
        *,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> AsyncIterator[Transaction]:
        """A transaction that commits on a clean exit and leaves nothing behind on any other."""
        async with self.engine.connect() as connection:
            async with connection.begin():
                gathered = Gathered(connection, self.clock.now(), self.vault)
                yield Transaction(
                    gathered,
                    self.handlers,
                    correlation_id=correlation_id or new_id(),
                    causation_id=causation_id,
                    traceparent=traceparent,
                )
                await gathered.finish(self.topic_prefix)
            if gathered.events:
                self.wakes.outbox.set()
            if gathered.has_work:
                self.wakes.due_work.set()
