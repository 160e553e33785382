"""A service process as a whole: what it starts it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from prometheus_client import generate_latest

from shared import telemetry
from shared.messaging import Fact, Handlers, Work
from shared.messaging.runtime import Runtime
from shared.messaging.transaction import Transaction
from tests.support.eventually import eventually


class Ring(Work):
    pass


class Rung(Fact):
    pass


class Phone(Protocol):
    async def ring(self) -> Rung: ...


class HeldPhone:
    """A phone line that is in use until it is let go."""

    def __init__(self) -> None:
        self.did: list[str] = []

    async def ring(self) -> Rung:
        self.did.append("rings")
        try:
            await asyncio.Event().wait()
        finally:
            self.did.append("hung up")
        return Rung()

    async def aclose(self) -> None:
        self.did.append("line closed")


on = Handlers("listener")


@on.work(Ring, calls=Phone)
async def ring(_: Ring, phone: Phone) -> Rung:
    return await phone.ring()


@on.outcome(Rung)
async def rang(_: Rung, tx: Transaction) -> None: ...


async def test_a_service_that_ends_closes_its_gateways_after_the_last_call(
    run_service: Callable[..., Awaitable[Runtime]],
) -> None:
    phone, metrics = HeldPhone(), telemetry.Metrics()
    service = await run_service(
        on, gateways={Phone: telemetry.measured(phone, "Phone", metrics), str: "no client at all"}
    )
    async with service.work.transaction() as tx:
        tx.do(Ring())
    await eventually(lambda: phone.did == ["rings"])
    await service.stop()
    assert phone.did == ["rings", "hung up", "line closed"]
    assert b'outcome="ok"' not in generate_latest(metrics.registry)  # closing is no call
