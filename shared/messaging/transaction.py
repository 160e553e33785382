"""The one thing that a decider holds: rows, events, work that falls due, and the time.

A decider never commits and never rolls back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Executable, Table
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import SQLModel

from shared.clock import Clock
from shared.events import Event
from shared.ids import new_id
from shared.messaging.duework import Wish
from shared.messaging.envelope import headers_of
from shared.messaging.gathered import Gathered
from shared.messaging.outbox import Said
from shared.messaging.wakes import Wakes
from shared.messaging.work import Work
from shared.vault import Vault


class Service(Protocol):
    """What a transaction knows of its service: its name, and the work that it does."""

    service: str

    @property
    def work_kinds(self) -> Collection[str]: ...


class Transaction:
    """A decider's view of the transaction that the seam, a worker or a request opened for it."""

    __slots__ = (
        "_first_said",
        "_gathered",
        "_service",
        "causation_id",
        "correlation_id",
        "traceparent",
    )

    def __init__(
        self,
        gathered: Gathered,
        service: Service,
        *,
        correlation_id: UUID,
        causation_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> None:
        self._gathered = gathered
        self._service = service
        self.correlation_id = correlation_id
        self.causation_id = causation_id
        self.traceparent = traceparent
        self._first_said: UUID | None = None

    @property
    def causes_work(self) -> UUID | None:
        """The event that work follows from: what caused the transaction, else what it says first.

        A request is caused by no event, and the work that it leaves follows from what it told.
        """
        return self.causation_id or self._first_said

    @property
    def now(self) -> datetime:
        """Practice time, the same for everything that one transaction decides."""
        return self._gathered.now

    @property
    def vault(self) -> Vault:
        """Seals and opens patient fields. It reaches nothing, so a decider may use it."""
        if self._gathered.vault is None:
            raise LookupError(f"{self._service.service} runs without a vault")
        return self._gathered.vault

    @property
    def connection(self) -> AsyncConnection:
        """For the seam's and the workers' own statements; a decider uses `execute`."""
        return self._gathered.connection

    def publish(self, event: Event) -> UUID:
        """Say a fact, if and only if the transaction commits. Returns the event's id."""
        if event.producer != self._service.service:
            raise LookupError(f"{self._service.service} does not say {event.type_name}")
        event_id = new_id()
        headers = headers_of(
            event,
            event_id=event_id,
            at=self.now,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            traceparent=self.traceparent,
        )
        self._gathered.events.append(Said(event_id, event, headers))
        self._first_said = self._first_said or event_id
        return event_id

    def do(self, work: Work, *, due: datetime | None = None, key: str | None = None) -> None:
        """Have work fall due at practice time `due`, at once when none is given.

        With a `key`, work that still waits under it is replaced; work that already runs is not.
        """
        if work.kind not in self._service.work_kinds:
            raise LookupError(f"{self._service.service} has no handler for {work.kind}")
        self._gathered.work.append(Wish(key or None, work, due or self.now, self))

    def cancel(self, key: str) -> None:
        """Have the work that waits under `key` not happen. No matter if there is none."""
        self._gathered.work.append(Wish(key, None, self.now, self))

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
            self._service,
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
        service: Service,
        *,
        topic_prefix: str = "",
        vault: Vault | None = None,
    ) -> None:
        self.engine = engine
        self.vault = vault
        self.clock = clock
        self.service = service
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
                    self.service,
                    correlation_id=correlation_id or new_id(),
                    causation_id=causation_id,
                    traceparent=traceparent,
                )
                await gathered.finish(self.topic_prefix)
            if gathered.events:
                self.wakes.outbox.set()
            if gathered.work:
                self.wakes.due_work.set()
