"""The registry of what a service does: which handler hears which event, does which work.

There are two kinds of handler, and the type checker tells them apart. A decider gets a
`Transaction` and never the outside world. A caller gets a gateway and never a transaction, and
returns the `Fact` that tells the outcome, which a decider then stores.

    on = Handlers("billing")

    @on.event(InfusionCompleted)                 # decider: started by an event
    @on.due(EscalateRide)                        # decider: started by something that fell due
    @on.round(CatchUp, after=next_hour)          # decider: comes round again and again
    @on.work(CapturePayment, calls=Payments)     # caller: one outside call, may be repeated
    @on.outcome(CardCharged)                     # decider: stores what a caller found
    @on.discarded(CapturePayment)                # decider: a person gave the parked work up

`loads=` names a read that runs before the handler. For an event it runs once for a whole batch,
so that reading costs one statement instead of one per event; a batch never holds two events of
one key at a time. For work it runs when the work falls due, and `None` says that there is nothing
left to do.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import UnionType
from typing import Any, Generic, TypeVar, overload

from shared.events import Event
from shared.messaging.transaction import Transaction
from shared.messaging.work import Fact, Work

C = TypeVar("C")
E = TypeVar("E", bound=Event)
W = TypeVar("W", bound=Work)
F = TypeVar("F", bound=Fact)
L = TypeVar("L")
G = TypeVar("G")

Decider = Callable[[C, Transaction], Awaitable[None]]
LoadedDecider = Callable[[E, Transaction, L], Awaitable[None]]
LoadMany = Callable[[Transaction, Sequence[E]], Awaitable[Sequence[L]]]
LoadOne = Callable[[Transaction, W], Awaitable[L | None]]


@dataclass(frozen=True, slots=True)
class EventHandler(Generic[E]):
    event: type[E]
    decide: Callable[..., Awaitable[None]]
    loads: LoadMany[E, Any] | None


@dataclass(frozen=True, slots=True)
class WorkHandler(Generic[W]):
    work: type[W]
    decide: Decider[Any]


@dataclass(frozen=True, slots=True)
class Round:
    """Work without fields that falls due again at `after` of the moment it was done."""

    work: Work
    after: Callable[[datetime], datetime]

    @property
    def key(self) -> str:
        return f"round:{self.work.kind}"


@dataclass(frozen=True, slots=True)
class Call(Generic[W]):
    work: type[W]
    call: Callable[..., Awaitable[Fact]]
    loads: LoadOne[W, Any] | None
    gateway: type[Any]
    time_limit_s: float

    @property
    def vendor(self) -> str:
        return self.gateway.__name__


@dataclass(slots=True)
class Handlers:
    """What one service does, filled by decorators and read by the seam, the workers, the docs."""

    service: str
    events: dict[str, EventHandler[Any]] = field(default_factory=dict)
    timers: dict[str, WorkHandler[Any]] = field(default_factory=dict)
    rounds: dict[str, Round] = field(default_factory=dict)
    calls: dict[str, Call[Any]] = field(default_factory=dict)
    outcomes: dict[type[Fact], Decider[Any]] = field(default_factory=dict)
    discards: dict[str, WorkHandler[Any]] = field(default_factory=dict)

    @overload
    def event(self, event: type[E]) -> Callable[[Decider[E]], Decider[E]]: ...
    @overload
    def event(
        self, event: type[E], *, loads: LoadMany[E, L]
    ) -> Callable[[LoadedDecider[E, L]], LoadedDecider[E, L]]: ...
    def event(
        self, event: type[E], *, loads: LoadMany[E, Any] | None = None
    ) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
        """Hear an event. The decider runs in the transaction that also claims the event."""

        def register(decide: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
            self._once(self.events, event.type_name)
            self.events[event.type_name] = EventHandler(event, decide, loads)
            return decide

        return register

    def due(self, work: type[W]) -> Callable[[Decider[W]], Decider[W]]:
        """Decide when something falls due. The work is done when the transaction commits."""

        def register(decide: Decider[W]) -> Decider[W]:
            self._once(self.timers | self.calls, work.kind)
            self.timers[work.kind] = WorkHandler(work, decide)
            return decide

        return register

    def round(
        self, work: type[W], *, after: Callable[[datetime], datetime]
    ) -> Callable[[Decider[W]], Decider[W]]:
        """Decide at `after` of the first start, and again at `after` of each time it was decided.

        One round waits at a time, however many replicas run. Moments that pass while nobody runs
        are one round, at the next start. One that is given up is parked, and the next comes all
        the same. A clock that leaps does not stop for rounds; it meets those that it has passed.
        """

        def register(decide: Decider[W]) -> Decider[W]:
            self.due(work)(decide)
            self.rounds[work.kind] = Round(work(), after)
            return decide

        return register

    @overload
    def work(
        self, work: type[W], *, calls: type[G], time_limit_s: float = ...
    ) -> Callable[[Callable[[W, G], Awaitable[F]]], Callable[[W, G], Awaitable[F]]]: ...
    @overload
    def work(
        self, work: type[W], *, loads: LoadOne[W, L], calls: type[G], time_limit_s: float = ...
    ) -> Callable[[Callable[[L, G], Awaitable[F]]], Callable[[L, G], Awaitable[F]]]: ...
    def work(
        self,
        work: type[W],
        *,
        calls: type[G],
        loads: LoadOne[W, Any] | None = None,
        time_limit_s: float = 20.0,
    ) -> Callable[[Callable[..., Awaitable[F]]], Callable[..., Awaitable[F]]]:
        """Make one outside call, with no database session open. It may be repeated.

        `calls` is the gateway's Protocol; its name is also the breaker's. `time_limit_s` is real
        time; past it the outcome is unknown and the work comes back.
        """

        def register(call: Callable[..., Awaitable[F]]) -> Callable[..., Awaitable[F]]:
            self._once(self.timers | self.calls, work.kind)
            self.calls[work.kind] = Call(work, call, loads, calls, time_limit_s)
            return call

        return register

    def outcome(self, fact: type[F]) -> Callable[[Decider[F]], Decider[F]]:
        """Store what a caller found, in the transaction that ends the work."""

        def register(decide: Decider[F]) -> Decider[F]:
            self._once(self.outcomes, fact)
            self.outcomes[fact] = decide
            return decide

        return register

    def discarded(self, work: type[W]) -> Callable[[Decider[W]], Decider[W]]:
        """Free what parked work held up, in the transaction in which a person discards it.

        Discarded work is never done. Whatever waits for its outcome learns it here or never.
        """

        def register(decide: Decider[W]) -> Decider[W]:
            self._once(self.discards, work.kind)
            self.discards[work.kind] = WorkHandler(work, decide)
            return decide

        return register

    def include(self, part: Handlers) -> None:
        """Take over what a part of the service registered in a file of its own."""
        if part.service != self.service:
            raise LookupError(f"{self.service}: cannot include a part of {part.service}")
        mine: tuple[dict[Any, Any], ...] = self._registries()
        for known, added in zip(mine, part._registries(), strict=True):
            for name, handler in added.items():
                self._once(known, name)
                known[name] = handler

    def _registries(self) -> tuple[dict[Any, Any], ...]:
        return (
            self.events,
            self.timers,
            self.rounds,
            self.calls,
            self.outcomes,
            self.discards,
        )

    @property
    def work_kinds(self) -> list[str]:
        """Every kind of work that something does."""
        return [*self.timers, *self.calls]

    def heard_topics(self) -> list[str]:
        """The producing services whose topics this service subscribes to."""
        return sorted({handler.event.producer for handler in self.events.values()})

    def check_complete(self) -> None:
        """Refuse to start when a fact that a caller returns, or work, has no handler."""
        for kind in self.discards:
            if kind not in self.work_kinds:
                raise LookupError(f"{self.service}: {kind} can be discarded, but nothing does it")
        for kind, call in self.calls.items():
            returned = typing.get_type_hints(call.call)["return"]
            union = isinstance(returned, UnionType) or typing.get_origin(returned) is typing.Union
            for fact in typing.get_args(returned) if union else (returned,):
                if not (inspect.isclass(fact) and fact in self.outcomes):
                    raise LookupError(
                        f"{self.service}: {kind} may return {fact!r}, which has no outcome handler"
                    )

    def _once(self, taken: Mapping[Any, Any], name: object) -> None:
        if name in taken:
            raise LookupError(f"{self.service}: {name} has a handler already")
