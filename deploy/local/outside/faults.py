"""Faults to order: which call or notice goes wrong, how, how often, after how many good ones.

This module holds the orders and deals them out. `edge.py` carries them out on requests,
`webhooks.py` on notices, `mail.py` on SMTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class System(StrEnum):
    STRIPE = "stripe"
    PHARMACY = "pharmacy"
    SIGNING = "signing"
    SMS = "sms"
    SMTP = "smtp"


class FaultKind(StrEnum):
    STATUS_BEFORE = "status_before"
    """Answer an error and do nothing."""
    STATUS_AFTER = "status_after"
    """Do the work, answer an error. Stripe keeps and replays that answer under its key."""
    LOST_ANSWER = "lost_answer"
    """Do the work, then cut the connection."""
    HANG = "hang"
    """Do the work (or not: `works`), answer nothing for `seconds`, then cut the connection."""
    SLOW = "slow"
    """Wait `ms` before the work."""
    NOTICES_FIRST = "notices_first"
    """Do the work, and answer only when its notices have been tried."""
    FROZEN = "frozen"
    """Nothing is done, answered or told until the fault is taken back; then callers are cut off
    and the notices held meanwhile go out."""
    DUPLICATE = "duplicate"
    """Deliver the notice, then deliver it again."""
    REORDER = "reorder"
    """Hold the notice until the next one to its address has gone, or `seconds` have passed."""
    DELAY = "delay"
    """Hold the notice for `seconds` of practice time."""
    DROP = "drop"
    """Never deliver the notice."""
    FORGED_SIGNATURE = "forged_signature"
    """A stranger's notice, with a made-up id and signature, arrives before the real one."""
    FUTURE_TIMESTAMP = "future_timestamp"
    """The first try is signed as of `seconds` from now; later tries are right."""


ON_REQUESTS = frozenset(
    {
        FaultKind.STATUS_BEFORE,
        FaultKind.STATUS_AFTER,
        FaultKind.LOST_ANSWER,
        FaultKind.HANG,
        FaultKind.SLOW,
        FaultKind.NOTICES_FIRST,
    }
)
ON_NOTICES = frozenset(FaultKind) - ON_REQUESTS - {FaultKind.FROZEN}
_NOT_OF_MAIL = ON_NOTICES | {FaultKind.NOTICES_FIRST, FaultKind.FROZEN}
_DEFAULT_SECONDS = {FaultKind.FUTURE_TIMESTAMP: 3600.0}


class FaultOrder(BaseModel):
    """What a test asks for.

    `route` is `METHOD /path` below the system's prefix, or a webhook's event type; `*` matches
    anything in it; `any` matches all.
    """

    model_config = ConfigDict(extra="forbid")

    system: System
    kind: FaultKind
    route: str = "any"
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    after: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    ms: Annotated[int, Field(ge=1, le=600_000)] = 250
    works: bool = True

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.system is System.SMTP and self.kind in _NOT_OF_MAIL:
            raise ValueError(f"{self.kind} cannot befall mail, which sends no notices")
        if self.kind is FaultKind.FROZEN and self.route != "any":
            raise ValueError("a system freezes as a whole: leave route out")
        if self.system is System.SMS and self.kind is FaultKind.FUTURE_TIMESTAMP:
            raise ValueError("the signature of texts holds no time, so none can be in the future")
        return self

    @property
    def lasts_s(self) -> float:
        return self.seconds or _DEFAULT_SECONDS.get(self.kind, 60.0)


@dataclass(slots=True)
class Fault:
    """An order, and how far it has been carried out."""

    fault_id: int
    order: FaultOrder
    seen: int = 0
    done: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the order is taken back."""

    def befalls(self, system: System, route: str, kinds: frozenset[FaultKind]) -> bool:
        order = self.order
        return (
            order.system is system
            and order.kind in kinds
            and (order.route == "any" or fnmatchcase(route, order.route))
        )

    def shown(self) -> dict[str, object]:
        return {
            "fault_id": self.fault_id,
            **self.order.model_dump(mode="json", exclude_none=True),
            "seen": self.seen,
            "done": self.done,
        }


class Faults:
    """All orders, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._made = 0

    def add(self, order: FaultOrder) -> Fault:
        self._made += 1
        fault = Fault(self._made, order)
        self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        found = [fault for fault in self._faults if fault.fault_id == fault_id]
        for fault in found:
            self._faults.remove(fault)
            fault.over.set()
        return bool(found)

    def clear(self) -> None:
        for fault in self._faults:
            fault.over.set()
        self._faults.clear()

    def frozen(self, system: System) -> asyncio.Event | None:
        """Where a system is frozen, the event of its thaw."""
        for fault in self._faults:
            if fault.order.system is system and fault.order.kind is FaultKind.FROZEN:
                fault.seen += 1
                fault.done += 1
                return fault.over
        return None

    def shown(self) -> list[dict[str, object]]:
        return [fault.shown() for fault in self._faults]

    def befalling(
        self, system: System, route: str, kinds: frozenset[FaultKind]
    ) -> FaultOrder | None:
        """The order to carry out on this call, counted as done; None when all goes well."""
        for fault in self._faults:
            if not fault.befalls(system, route, kinds):
                continue
            fault.seen += 1
            if fault.seen > fault.order.after and fault.done < fault.order.times:
                fault.done += 1
                return fault.order
        return None
