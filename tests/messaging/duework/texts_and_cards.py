"""A small service with two vendors and a timer, and what its tests ask about it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.errors import Retry
from shared.messaging import Fact, Handlers, Transaction, UnitOfWork, Work
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally

HOUR = timedelta(hours=1)
on = Handlers("billing")


class Text(Work):
    to: str


class Charge(Work):
    who: str


class Remind(Work):
    who: str


class Texted(Fact):
    to: str
    answer: str


class Charged(Fact):
    who: str
    answer: str


class Sms(Protocol):
    async def send(self, to: str) -> str: ...


class Cards(Protocol):
    async def charge(self, who: str) -> str: ...


async def note(tx: Transaction, who: str, what: str) -> None:
    await tx.execute(
        text("INSERT INTO tally (who, what) VALUES (:who, :what)"), {"who": who, "what": what}
    )


@on.work(Text, calls=Sms)
async def send_text(work: Text, sms: Sms) -> Texted:
    return Texted(to=work.to, answer=await sms.send(work.to))


async def still_owed(tx: Transaction, work: Charge) -> Charge | None:
    settled = await tx.execute(
        text("SELECT FROM tally WHERE who = :who AND what = 'settled in cash'"), {"who": work.who}
    )
    return None if settled.rowcount else work


@on.work(Charge, loads=still_owed, calls=Cards, time_limit_s=10.0)
async def charge_card(work: Charge, cards: Cards) -> Charged:
    return Charged(who=work.who, answer=await cards.charge(work.who))


@on.outcome(Texted)
async def record_text(texted: Texted, tx: Transaction) -> None:
    await note(tx, texted.to, texted.answer)


@on.outcome(Charged)
async def record_charge(charged: Charged, tx: Transaction) -> None:
    await note(tx, charged.who, charged.answer)


@on.discarded(Charge)
async def free(work: Charge, tx: Transaction) -> None:
    await note(tx, work.who, "may be charged again")
    if work.who == "broken":
        raise KeyError("Testa Canary")


@on.due(Remind)
async def remind(work: Remind, tx: Transaction) -> None:
    if work.who == "broken":
        raise KeyError("Testa Canary")
    await note(tx, work.who, tx.now.isoformat())


class Vendor:
    """Answers as a test tells it to; counts calls and how many it held at once."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.most_at_once = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fails_with: list[Exception] = []
        self.down = False
        self._at_once = 0

    async def _answer(self, who: str) -> str:
        self.calls[who] += 1
        number = self.calls[who]
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.open.wait()
            if self.down:
                raise Retry("down")
            if self.fails_with:
                raise self.fails_with.pop(0)
        finally:
            self._at_once -= 1
        return f"answer {number}"

    send = charge = _answer


Start = Callable[..., Workers]


async def plan(unit: UnitOfWork, work: Work, **how: Any) -> None:
    async with unit.transaction() as tx:
        tx.do(work, **how)


async def told(engine: AsyncEngine, *expected: tuple[str, str]) -> None:
    assert await tally(engine) == list(expected)


async def nothing_is_left(engine: AsyncEngine) -> None:
    assert await scalar(engine, "SELECT count(*) FROM due_work") == 0


async def state(engine: AsyncEngine) -> Any:
    async with engine.connect() as connection:
        return await state_seen_by(connection)


async def state_seen_by(connection: AsyncConnection) -> Any:
    rows = await connection.execute(text("SELECT state, error_code, attempts FROM due_work"))
    return [tuple(row) for row in rows]


Start = Callable[..., Workers]
