"""Workers do each piece of work once; one vendor never slows another."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import Misconfigured
from shared.messaging import UnitOfWork, duework
from shared.messaging.duework import Share
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import tally
from tests.messaging.duework.texts_and_cards import (
    HOUR,
    Cards,
    Charge,
    Remind,
    Sms,
    Start,
    Text,
    Vendor,
    nothing_is_left,
    on,
    plan,
    told,
)
from tests.messaging.records import START
from tests.support import leases
from tests.support.eventually import eventually


async def test_each_vendor_takes_what_it_has_room_for_earliest_first(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    for minute, work in enumerate([Text(to="a"), Text(to="b"), Charge(who="c"), Charge(who="d")]):
        async with unit.transaction() as tx:
            tx.do(work, due=START - HOUR + timedelta(minutes=minute))
    ours = [Share(["Text", "Remind"], 3), Share(["Charge"], 1)]

    async with engine.begin() as connection:
        taken = await duework.lease(connection, ours, now=START, lease_s=30)
        left = await duework.lease(connection, ours, now=START, lease_s=30)

    assert sorted(next(iter(one.payload.values())) for one in taken) == ["a", "b", "c"]
    assert [one.payload["who"] for one in left] == ["d"]


async def test_a_worker_that_lost_its_lease_stores_nothing(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor
) -> None:
    sms.open.clear()
    await plan(unit, Text(to="Ana"))
    start()
    await eventually(lambda: sms.calls["Ana"] == 1)
    assert await leases.run_out(engine)
    start()  # makes the call again
    await eventually(lambda: sms.calls["Ana"] == 2)
    sms.open.set()  # both are answered at once
    await eventually(lambda: nothing_is_left(engine))
    await told(engine, ("Ana", "answer 2"))


def test_a_lease_that_the_longest_call_outlives_is_refused_at_start(
    unit: UnitOfWork, sms: Vendor, cards: Vendor
) -> None:
    gateways = {Sms: sms, Cards: cards}
    Workers(on, unit, gateways, limits=WorkLimits(lease_s=20.1))
    with pytest.raises(Misconfigured, match=r"^PRACTICE_WORK_LEASE_S: must be over 20 s, .* Text"):
        Workers(on, unit, gateways, limits=WorkLimits(lease_s=20.0))


async def test_many_workers_do_each_piece_of_work_once(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor
) -> None:
    async with unit.transaction() as tx:
        for number in range(200):
            tx.do(Text(to=str(number)))
            tx.do(Remind(who=f"timer {number}"))
    for _ in range(4):
        start()
    await eventually(lambda: nothing_is_left(engine))
    assert len(await tally(engine)) == 400
    assert set(sms.calls.values()) == {1}


async def test_a_vendor_that_hangs_does_not_slow_another(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, cards: Vendor, sms: Vendor
) -> None:
    cards.open.clear()
    async with unit.transaction() as tx:
        for number in range(100):
            tx.do(Charge(who=f"card {number}"))
    start(at_once=4)
    await eventually(lambda: cards.calls.total() == 4)
    async with unit.transaction() as tx:
        for number in range(20):
            tx.do(Text(to=f"text {number}"))
    await eventually(lambda: sms.calls.total() == 20, within_s=5)
    assert cards.most_at_once == 4


async def test_a_vendor_that_is_down_is_left_alone_then_probed_by_one_call_then_trusted(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, cards: Vendor, sms: Vendor
) -> None:
    cards.down = True
    async with unit.transaction() as tx:
        for number in range(40):
            tx.do(Charge(who=f"card {number}"))
    workers = start(at_once=4, backoff_s=0.01, backoff_cap_s=0.01)
    breaker = workers.tally.breakers["Cards"]
    breaker.rest_s = 0.3
    await eventually(lambda: not breaker.closed)
    await asyncio.sleep(0.1)
    called = cards.calls.total()
    assert called <= breaker.threshold + 4
    await asyncio.sleep(0.1)
    assert cards.calls.total() == called

    cards.open.clear()
    cards.most_at_once = 0
    await eventually(lambda: cards.calls.total() == called + 1)
    async with unit.transaction() as tx:
        tx.do(Text(to="Ana"))
    await eventually(lambda: sms.calls["Ana"] == 1, within_s=5)
    assert cards.most_at_once == 1
    cards.down = False
    cards.open.set()
    await eventually(lambda: nothing_is_left(engine))
    assert breaker.closed
