"""How pipeline and relay change as more waits for them, and as more lies in their tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from bench.bare import connect
from bench.figures import Latency
from bench.ground import Ground
from bench.pipeline import charge_backlog, once
from bench.relay import place
from bench.sizes import Sizes
from bench.ways import seam
from services.billing.tables import Base

_FILL = (
    """
    INSERT INTO inbox (consumer, event_id, processed_at)
    SELECT 'billing', gen_random_uuid(), now() FROM generate_series(1, $1::int)
    """,
    """
    INSERT INTO event_log (seq, event_id, topic, key, slot, headers, payload, published_at)
    SELECT -n, gen_random_uuid(), 'billing', gen_random_uuid(), n % 16,
           jsonb_build_object('ce_type', 'billing.ChargePosted', 'ce_id', gen_random_uuid(),
                              'ce_correlationid', gen_random_uuid()),
           convert_to(repeat('x', 250), 'UTF8'), now() - n * interval '1 s'
      FROM generate_series(1, $1::int) AS n
    """,
    """
    INSERT INTO due_work (work_id, kind, key, payload, due_at, correlation_id)
    SELECT gen_random_uuid(), 'CapturePayment', 'later:' || n,
           jsonb_build_object('attempt_id', gen_random_uuid()),
           now() + interval '1 day' + n * interval '1 s', gen_random_uuid()
      FROM generate_series(1, $1::int) AS n
    """,
)
"""Rows of the past in inbox and event log, and work that falls due much later."""


@dataclass(frozen=True, slots=True)
class Grown:
    """Figures at the smaller and at the larger size."""

    sizes: tuple[int, int]
    pipeline: tuple[float, float]
    relay: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """`backlog` is what waits, `tables` what lies there already. Events per second."""

    backlog: Grown
    tables: Grown
    relay_delay: tuple[Latency, Latency]
    """At the two sizes of the tables."""


async def measure(ground: Ground, sizes: Sizes, step: Callable[[], object]) -> Growth:
    """Small and large, for both. `step` is called four times."""
    backlog: list[tuple[float, float]] = []
    for waiting, rounds in zip(sizes.backlogs, (sizes.rounds, 1), strict=True):
        backlog.append(await _with_backlog(ground, waiting, rounds))
        step()
    tables: list[tuple[float, float, Latency]] = []
    for rows in sizes.tables:
        tables.append(await _with_tables(ground, rows, sizes))
        step()
    small, large = tables
    return Growth(
        Grown(sizes.backlogs, *_turned(backlog)),
        Grown(sizes.tables, *_turned([small[:2], large[:2]])),
        (small[2], large[2]),
    )


def _turned(
    rows: list[tuple[float, float]],
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Per size (pipeline, relay) to per measurement (small, large)."""
    (small_pipeline, small_relay), (large_pipeline, large_relay) = rows
    return (small_pipeline, large_pipeline), (small_relay, large_relay)


async def _with_backlog(ground: Ground, waiting: int, rounds: int) -> tuple[float, float]:
    """Medians of events per second: the pipeline's, the relay's."""
    pipeline = await _median(rounds, lambda: once(ground, seam.charge, waiting))
    async with place(ground, await ground.scheduling()) as here:
        return pipeline, await _median(rounds, lambda: here.drain(waiting))


async def _with_tables(ground: Ground, rows: int, sizes: Sizes) -> tuple[float, float, Latency]:
    """Events per second of pipeline and relay, and the relay's delay, in a database of that age."""
    database = await ground.database("billing", Base.metadata)
    try:
        await _fill(ground, database.url, rows)
        pipeline = await charge_backlog(ground, seam.charge, sizes.events, database.url)
        async with place(ground, database.url) as here:
            relay = await _median(sizes.rounds, lambda: here.drain(sizes.events))
            return pipeline, relay, Latency.of_seconds(await here.delays(sizes.grown_delay_s))
    finally:
        await ground.postgres.drop_database(database.name)


async def _fill(ground: Ground, database_url: str, rows: int) -> None:
    connection = await connect(database_url)
    try:
        for statement in _FILL:
            await connection.execute(statement, rows, timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
    finally:
        await connection.close()
    administrator = await ground.postgres.connect()
    try:
        await administrator.execute("CHECKPOINT", timeout=600)  # so that none falls in a round
    finally:
        await administrator.close()


async def _median(rounds: int, once_more: Callable[[], Awaitable[float]]) -> float:
    return median([await once_more() for _ in range(rounds)])
