"""What falls due is done once, at its time; one vendor never slows another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.postgres import Database
from shared.clock import FixedClock
from shared.db import create_engine
from shared.errors import Misconfigured, Poison, Retry
from shared.messaging import Fact, Handlers, Transaction, UnitOfWork, Work, duework, parked_work
from shared.messaging.duework import Share
from shared.messaging.parked_work import Replay
from shared.messaging.work_limits import WorkLimits
from shared.messaging.workers import Workers
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import START
from tests.support import leases
from tests.support.eventually import eventually
from tests.support.parked import parked_items

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


@pytest.fixture
def sms() -> Vendor:
    return Vendor()


@pytest.fixture
def cards() -> Vendor:
    return Vendor()


@pytest.fixture
async def unit(database: Database, engine: AsyncEngine, clock: FixedClock) -> Any:
    mine = create_engine(database.url)
    yield UnitOfWork(mine, clock, on)
    await mine.dispose()


@pytest.fixture
async def start(unit: UnitOfWork, sms: Vendor, cards: Vendor) -> AsyncIterator[Start]:
    tasks: list[asyncio.Task[None]] = []

    def workers(**limits: Any) -> Workers:
        quick: dict[str, Any] = {"poll_s": 0.02, "backoff_s": 0.05} | limits
        started = Workers(on, unit, {Sms: sms, Cards: cards}, limits=WorkLimits(**quick))
        tasks.append(asyncio.create_task(started.run()))
        return started

    yield workers
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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


async def test_work_that_is_put_off_while_newer_work_is_being_written_gives_way_to_it(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    await plan(unit, Text(to="older"), key="visit-1")
    async with engine.begin() as connection:
        [older] = await duework.lease(connection, [Share(["Text"], 1)], now=START, lease_s=30)

    async def put_off() -> None:
        async with unit.engine.begin() as connection:
            await duework.rest(connection, older, code="down", attempts=1, rest_s=60)

    async def waits_for_a_lock() -> bool:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN"
        mine = "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        return bool(await scalar(engine, f"{waits} {mine}") == 1)

    async with engine.begin() as writing:
        await writing.execute(
            text(
                "INSERT INTO due_work (work_id, kind, key, payload, due_at, correlation_id) SELECT"
                ' gen_random_uuid(), kind, key, \'{"to": "newer"}\', due_at, correlation_id'
                " FROM due_work"
            )
        )
        resting = asyncio.create_task(put_off())
        await eventually(waits_for_a_lock)
    await resting

    assert await scalar(engine, "SELECT payload->>'to' FROM due_work") == "newer"
    assert await state(engine) == [("waiting", None, 0)]


async def test_work_that_is_put_off_gives_way_to_newer_work_that_is_under_way_already(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    leases = []
    for to in ("older", "newer"):
        await plan(unit, Text(to=to), key="visit-1")
        async with engine.begin() as connection:
            leases += await duework.lease(connection, [Share(["Text"], 1)], now=START, lease_s=30)
    older, newer = leases

    async with engine.begin() as connection:
        await duework.rest(connection, older, code="down", attempts=1, rest_s=60)
    assert await state(engine) == [("running", None, 1)]

    async with engine.begin() as connection:
        await duework.rest(connection, newer, code="down", attempts=1, rest_s=60)
    assert await state(engine) == [("resting", "down", 1)]


async def test_newer_work_that_is_written_while_the_older_is_being_put_off_takes_its_place(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    await plan(unit, Text(to="older"), key="visit-1")
    async with engine.begin() as connection:
        [older] = await duework.lease(connection, [Share(["Text"], 1)], now=START, lease_s=30)

    async with engine.begin() as putting_off:
        await duework.rest(putting_off, older, code="down", attempts=1, rest_s=60)
        writing = asyncio.create_task(plan(unit, Text(to="newer"), key="visit-1"))
        await asyncio.wait({writing}, timeout=0.3)
        assert not writing.done()
    await writing

    assert await scalar(engine, "SELECT payload->>'to' FROM due_work") == "newer"
    assert await state(engine) == [("waiting", None, 0)]
    async with engine.begin() as connection:
        await duework.park(connection, older, code="down", attempts=2, now=START)
    assert await state(engine) == [("waiting", None, 0)]


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


async def test_work_is_rescheduled_and_cancelled_by_its_key(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, clock: FixedClock
) -> None:
    start()
    await plan(unit, Remind(who="old time"), due=START + HOUR, key="visit-1")
    await plan(unit, Remind(who="new time"), due=START + 2 * HOUR, key="visit-1")
    await plan(unit, Remind(who="cancelled"), due=START + HOUR, key="visit-2")
    async with unit.transaction() as tx:
        tx.cancel("visit-2")
        tx.cancel("never planned")
    clock.step(HOUR)
    await asyncio.sleep(0.2)
    await told(engine)
    clock.step(HOUR)
    await eventually(lambda: told(engine, ("new time", clock.now().isoformat())))
    await nothing_is_left(engine)


async def test_of_several_wishes_for_one_key_in_one_decision_the_last_stands(
    start: Start, unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async with unit.transaction() as tx:
        tx.do(Remind(who="first"), key="a")
        tx.cancel("a")
        tx.do(Remind(who="second"), key="a")
        tx.do(Remind(who="third"), key="b")
        tx.cancel("b")
    start()
    await eventually(lambda: told(engine, ("second", START.isoformat())))
    await nothing_is_left(engine)


async def test_a_call_that_runs_is_not_called_back_and_newer_work_of_its_key_follows(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor, clock: FixedClock
) -> None:
    sms.open.clear()
    await plan(unit, Text(to="running"), key="visit-1")
    start()
    await eventually(lambda: sms.calls["running"] == 1)
    async with unit.transaction() as tx:
        tx.cancel("visit-1")
    await plan(unit, Text(to="newer"), due=START + HOUR, key="visit-1")
    sms.open.set()
    await eventually(lambda: told(engine, ("running", "answer 1")))
    clock.step(HOUR)
    await eventually(lambda: told(engine, ("running", "answer 1"), ("newer", "answer 1")))
    await nothing_is_left(engine)


async def test_a_call_that_failed_gives_way_to_newer_work_of_its_key(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor, clock: FixedClock
) -> None:
    async def newer_waits_alone() -> bool:
        return bool(await state(engine) == [("waiting", None, 0)])

    sms.open.clear()
    sms.fails_with = [Retry("busy")]
    await plan(unit, Text(to="old"), key="visit-1")
    start()
    await eventually(lambda: sms.calls["old"] == 1)
    await plan(unit, Text(to="new"), due=START + HOUR, key="visit-1")
    sms.open.set()
    await eventually(newer_waits_alone)
    clock.step(HOUR)
    await eventually(lambda: nothing_is_left(engine))
    assert sms.calls["old"] == 1
    assert [who for who, _ in await tally(engine)] == ["new"]


async def test_a_call_tried_again_asks_first_whether_there_is_anything_left_to_do(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, cards: Vendor
) -> None:
    cards.fails_with = [Retry("busy")]
    cards.open.clear()
    await plan(unit, Charge(who="Ana"))
    start()
    await eventually(lambda: cards.calls["Ana"] == 1)
    async with unit.transaction() as tx:
        await note(tx, "Ana", "settled in cash")
    cards.open.set()
    await eventually(lambda: nothing_is_left(engine))
    assert cards.calls["Ana"] == 1


async def test_what_fails_for_the_moment_comes_again_later_and_later(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor
) -> None:
    sms.fails_with = [Retry("busy") for _ in range(4)]
    rests: dict[int, float] = {}

    async def done() -> bool:
        async with engine.connect() as connection:
            query = "SELECT attempts, rests_until FROM due_work WHERE state = 'resting'"
            for attempts, until in await connection.execute(text(query)):
                rests.setdefault(attempts, until.timestamp())
        return bool(await tally(engine))

    await plan(unit, Text(to="Ana"))
    start(backoff_s=0.1, backoff_cap_s=0.4)
    await eventually(done, every_s=0.01)
    assert sms.calls["Ana"] == 5
    gaps = [rests[number + 1] - rests[number] for number in (1, 2, 3)]
    assert 0.2 <= gaps[0] < gaps[1]
    assert gaps[1] >= 0.4
    assert 0.4 <= gaps[2] < 0.8  # the cap


@pytest.mark.parametrize(
    ("error", "calls", "reason"),
    [
        (Poison("no_such_number"), 1, "no_such_number"),
        (Retry("busy"), 4, "busy"),
        (KeyError("Testa Canary"), 2, "bug:KeyError"),
        (ConnectionError("unmapped"), 2, "bug:ConnectionError"),
    ],
    ids=["never", "not now", "a bug", "an error that no gateway mapped"],
)
async def test_work_given_up_is_parked_for_a_person_who_has_it_done_or_discards_it(
    start: Start,
    unit: UnitOfWork,
    engine: AsyncEngine,
    sms: Vendor,
    error: Exception,
    calls: int,
    reason: str,
) -> None:
    sms.fails_with = [error] * calls
    await plan(unit, Text(to="Ana"))
    start(attempts=4, bug_attempts=2)

    async def parked() -> None:
        assert await state(engine) == [("parked", reason, calls)]

    await eventually(parked)
    async with unit.transaction() as tx:
        [found] = await parked_items(tx)
        assert (found.type_name, found.reason, found.attempts) == ("Text", reason, calls)
        assert await parked_work.replay(tx, found.parked_id) is Replay.AGAIN
    await eventually(lambda: told(engine, ("Ana", f"answer {calls + 1}")))
    async with unit.transaction() as tx:
        assert not await parked_work.discard(tx, on, found.parked_id)


@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
@pytest.mark.parametrize(
    ("work", "sql_fails_in"),
    [(Charge(who="Ana"), "loads"), (Text(to="Ana"), "outcome"), (Remind(who="Ana"), "decider")],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_work_whose_rows_are_locked_for_a_while_is_done_afterwards(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, work: Work, sql_fails_in: str, limit: str
) -> None:
    @event.listens_for(unit.engine.sync_engine, "connect")
    def impatient(connection: Any, _: Any) -> None:
        connection.run_async(lambda raw: raw.execute(f"SET {limit} = '100ms'"))

    async with engine.connect() as other:
        await other.execute(text("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE"))
        await plan(unit, work)
        start(bug_attempts=2)

        async def tried_for_a_while() -> None:
            [(now, code, attempts)] = await state_seen_by(other)
            assert code == "database_busy"
            assert now in {"resting", "running"}
            assert attempts > 3

        await eventually(tried_for_a_while)
    await eventually(lambda: nothing_is_left(engine))
    assert [who for who, _ in await tally(engine)] == ["Ana"]


async def test_parked_work_that_is_discarded_is_gone_and_frees_what_waited_for_it(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, sms: Vendor, cards: Vendor
) -> None:
    sms.fails_with = [Poison("no_such_number")]
    cards.fails_with = [Poison("stripe_refuses")]
    await plan(unit, Text(to="Ana"))
    start()
    await eventually(lambda: _is_parked(engine))
    await discard_all(unit)
    await nothing_is_left(engine)
    await told(engine)  # nobody decides anything when a text is discarded
    await plan(unit, Charge(who="Ben"))
    await eventually(lambda: _is_parked(engine))
    await discard_all(unit)
    await nothing_is_left(engine)
    await told(engine, ("Ben", "may be charged again"))


async def test_what_a_discarded_charge_frees_and_its_discarding_commit_together(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, cards: Vendor
) -> None:
    cards.fails_with = [Poison("stripe_refuses")]
    await plan(unit, Charge(who="broken"))
    start()
    await eventually(lambda: _is_parked(engine))
    with pytest.raises(KeyError):
        await discard_all(unit)
    assert await _is_parked(engine)
    await told(engine)


async def discard_all(unit: UnitOfWork) -> None:
    async with unit.transaction() as tx:
        for found in await parked_items(tx):
            assert await parked_work.discard(tx, on, found.parked_id)


def test_a_service_that_frees_work_which_nothing_does_refuses_to_start() -> None:
    odd = Handlers("billing")

    @odd.discarded(Charge)
    async def free(work: Charge, tx: Transaction) -> None:
        await note(tx, work.who, "freed")

    with pytest.raises(LookupError, match="Charge can be discarded, but nothing does it"):
        odd.check_complete()


async def _is_parked(engine: AsyncEngine) -> bool:
    return [found[0] for found in await state(engine)] == ["parked"]


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


async def test_timers_that_a_leap_of_the_clock_makes_late_are_all_decided_once(
    start: Start, unit: UnitOfWork, engine: AsyncEngine, clock: FixedClock
) -> None:
    async with unit.transaction() as tx:
        for number in range(500):
            tx.do(Remind(who=str(number)), due=START + timedelta(minutes=500 - number))
    workers = start(timers_at_once=50)
    await asyncio.sleep(0.1)
    await told(engine)
    assert await workers.next_due_at() == START + timedelta(minutes=1)
    assert await workers.unfinished() == 0
    clock.step(timedelta(days=3))
    await eventually(lambda: nothing_is_left(engine))
    decided = [who for who, _ in await tally(engine)]
    assert decided == [str(number) for number in reversed(range(500))]
    assert workers.tally.lateness_s > 2 * 24 * 3600


async def test_a_timer_that_always_fails_costs_no_neighbour_its_time(
    start: Start, unit: UnitOfWork, engine: AsyncEngine
) -> None:
    async with unit.transaction() as tx:
        for who in ("Ana", "broken", "Ben"):
            tx.do(Remind(who=who))
    start(bug_attempts=3)

    async def settled() -> None:
        assert await state(engine) == [("parked", "bug:KeyError", 3)]

    await eventually(settled)
    assert sorted(who for who, _ in await tally(engine)) == ["Ana", "Ben"]


async def examined(engine: AsyncEngine, statement: Any, **values: Any) -> int:
    """How many rows of due work a statement reads, seen or thrown away."""
    explain = text("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.text).bindparams(
        *(bind for bind in statement._bindparams.values() if bind.type is not None)
    )
    async with engine.connect() as connection:
        [found] = (await connection.execute(explain, values)).scalar_one()

    def rows(node: dict[str, Any]) -> int:
        own = 0
        if node.get("Relation Name") == "due_work" and "Scan" in node["Node Type"]:
            removed = node.get("Rows Removed by Filter", 0)
            removed += node.get("Rows Removed by Index Recheck", 0)
            own = round((node["Actual Rows"] + removed) * node["Actual Loops"])
        return own + sum(rows(child) for child in node.get("Plans", ()))

    return rows(found["Plan"])


async def test_a_hundred_thousand_waiting_items_cost_no_more_to_poll_than_a_hundred(
    unit: UnitOfWork, engine: AsyncEngine
) -> None:
    lease: dict[str, Any] = {
        "kinds": ["Text"],
        "shares": [0],
        "rooms": [16],
        "now": START,
        "lease": timedelta(seconds=45),
    }
    timers: dict[str, Any] = {"kinds": ["Remind"], "shares": [0], "rooms": [200], "now": START}
    every = ["Remind", "Text", "Charge"]
    cost: list[list[int]] = []
    for backlog in (100, 99_900):
        await _wait_in_line(
            engine, "Charge", backlog // 2, first=START - HOUR
        )  # its vendor is down
        await _wait_in_line(engine, "Text", backlog // 4, first=START + HOUR)
        await _wait_in_line(engine, "Remind", backlog // 4, first=START + HOUR)
        cost.append(
            [
                await examined(engine, duework._LEASE, **lease),
                await examined(engine, duework._DECIDE, **timers),
                await examined(engine, duework._NEXT_DUE, kinds=every),
                await examined(engine, duework._UNFINISHED, kinds=["Text", "Remind"], now=START),
            ]
        )
    few, many = cost
    assert all(now <= before for now, before in zip(many, few, strict=True))
    assert max(many) <= len(every)
    await _wait_in_line(engine, "Text", 16, first=START - HOUR)
    assert await examined(engine, duework._LEASE, **lease) <= 3 * 16


async def _wait_in_line(engine: AsyncEngine, kind: str, count: int, *, first: datetime) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO due_work (work_id, kind, payload, due_at, correlation_id)"
                " SELECT gen_random_uuid(), :kind, '{}', CAST(:first AS timestamptz)"
                " + n * interval '1 ms', gen_random_uuid() FROM generate_series(1, :count) AS n"
            ),
            {"kind": kind, "first": first, "count": count},
        )
        await connection.execute(text("ANALYZE due_work"))
