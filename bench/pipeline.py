"""The full pipeline of one process, three ways: the seam, plain FastStream, and a loop by hand.

Consume, decode, dedupe, decide, rows, outbox, publish, for billing's `charge_for_infusion`. The
records wait on the topic before a round begins, and every way leaves the same rows behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.charging import KEPT, kept, put_on_file
from bench.figures import Rate
from bench.ground import Ground
from bench.load import fill_topic, infusions_completed, patients_of
from bench.sizes import Sizes
from bench.ways import handwritten, plain, seam
from bench.ways.stage import Stage
from services.billing.tables import Base

Way = Callable[[Stage], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Events per second of one process, each way."""

    seam: Rate
    plain: Rate
    handwritten: Rate

    @property
    def ratio_plain_faststream(self) -> float:
        return self.seam.median / self.plain.median

    @property
    def ratio_handwritten(self) -> float:
        return self.seam.median / self.handwritten.median


async def measure(ground: Ground, sizes: Sizes, step: Callable[[], object]) -> Pipelines:
    """All three ways, round by round in turn. `step` is called after each."""
    ways: tuple[tuple[Way, int], ...] = (
        (seam.charge, sizes.events),
        (plain.charge, sizes.events_one_by_one),
        (handwritten.charge, sizes.events),
    )
    rates: list[list[float]] = [[], [], []]
    for _ in range(sizes.rounds):
        for (way, events), found in zip(ways, rates, strict=True):
            found.append(await once(ground, way, events))
            step()
    return Pipelines(*(Rate(tuple(found)) for found in rates))


async def once(ground: Ground, way: Way, events: int) -> float:
    """Events per second of one way, on a database and topics of its own."""
    database = await ground.database("billing", Base.metadata)
    try:
        return await charge_backlog(ground, way, events, database.url)
    finally:
        await ground.postgres.drop_database(database.name)


async def charge_backlog(ground: Ground, way: Way, events: int, database_url: str) -> float:
    """Events per second of one way through a backlog, on a given database."""
    before = await kept(database_url)
    patients = patients_of(events)
    await put_on_file(database_url, patients)
    servers = ground.kafka.bootstrap_servers
    stage = Stage(database_url, servers, await ground.topics(), events)
    await fill_topic(servers, stage.topic, infusions_completed(events, patients))
    took_s = await way(stage)
    after = await kept(database_url)
    left = {name: after[name] - before[name] for name in KEPT}
    if set(left.values()) != {events}:
        raise AssertionError(f"{events} infusions left other rows than one each: {left}")
    return events / took_s
