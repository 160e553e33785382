"""The table of work that falls due: how it gets there, is taken, and is let go of.

`due_at` is practice time. Leases and rests are the database's real time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, INTERVAL, JSONB, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ids import new_id
from shared.messaging.work import Work

_CANCEL = text(
    """
    DELETE FROM due_work WHERE work_id IN (
        SELECT work_id FROM due_work WHERE key = ANY(:keys) AND state IN ('waiting', 'resting')
           ORDER BY work_id FOR UPDATE SKIP LOCKED)
    """
).bindparams(bindparam("keys", type_=ARRAY(TEXT)))
"""What another has taken just now is running, and is not waited for: it may wait for us."""

_NEW_ROWS = """
    INSERT INTO due_work (work_id, kind, key, payload, due_at,
                          correlation_id, causation_id, traceparent)
    SELECT * FROM unnest(:work_ids, :kinds, :keys, :payloads, :dues,
                         :correlations, :causations, :traces)
    ON CONFLICT (key) WHERE state IN ('waiting', 'resting') AND key IS NOT NULL
"""

_ROW_BINDS = (
    bindparam("work_ids", type_=ARRAY(PG_UUID)),
    bindparam("kinds", type_=ARRAY(TEXT)),
    bindparam("keys", type_=ARRAY(TEXT)),
    bindparam("payloads", type_=ARRAY(JSONB)),
    bindparam("dues", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("correlations", type_=ARRAY(PG_UUID)),
    bindparam("causations", type_=ARRAY(PG_UUID)),
    bindparam("traces", type_=ARRAY(TEXT)),
)

_INSERT = text(
    _NEW_ROWS
    + """
    DO UPDATE SET kind = excluded.kind, payload = excluded.payload, due_at = excluded.due_at,
                  state = 'waiting', rests_until = NULL, attempts = 0, error_code = NULL,
                  fence = due_work.fence + 1, correlation_id = excluded.correlation_id,
                  causation_id = excluded.causation_id, traceparent = excluded.traceparent
    """
).bindparams(*_ROW_BINDS)

_INSERT_MISSING = text(_NEW_ROWS + "DO NOTHING").bindparams(*_ROW_BINDS)

_COLUMNS = (
    "work_id, kind, payload, due_at, attempts, leases_lost, fence, correlation_id, causation_id,"
    " traceparent"
)


def _first(state: str, moment: str, until: str, rank: int) -> str:
    """Ready rows of one state, found through its index kind by kind: no backlog is walked over."""
    return f"""
        SELECT r.work_id, k.share, k.room, {rank} AS rank, r.{moment} AS since
          FROM unnest(:kinds, :shares, :rooms) AS k (kind, share, room)
         CROSS JOIN LATERAL (
            SELECT work_id, {moment} FROM due_work
             WHERE kind = k.kind AND state = '{state}' AND {moment} <= {until}
             ORDER BY {moment} LIMIT k.room FOR UPDATE SKIP LOCKED) AS r
    """


_TAKE = f"""
    WITH orphaned AS ({_first("running", "leased_until", "clock_timestamp()", 1)}),
    rested AS ({_first("resting", "rests_until", "clock_timestamp()", 2)}),
    due AS ({_first("waiting", "due_at", ":now", 3)}),
    ready AS (
        SELECT work_id FROM (
            SELECT work_id, room, row_number() OVER (PARTITION BY share ORDER BY rank, since) AS nth
              FROM (TABLE orphaned UNION ALL TABLE rested UNION ALL TABLE due) AS found) AS ranked
         WHERE nth <= room)
"""

_KINDS = bindparam("kinds", type_=ARRAY(TEXT))
_NOW = bindparam("now", type_=TIMESTAMP(timezone=True))
_TAKEN_BY = (
    _KINDS,
    bindparam("shares", type_=ARRAY(INTEGER)),
    bindparam("rooms", type_=ARRAY(INTEGER)),
    _NOW,
)

_LEASE = text(
    _TAKE
    + f"""
    UPDATE due_work AS d
       SET state = 'running', rests_until = NULL, attempts = attempts + 1, fence = fence + 1,
           leases_lost = CASE WHEN state = 'running' THEN leases_lost + 1 ELSE 0 END,
           leased_until = clock_timestamp() + :lease
      FROM ready WHERE d.work_id = ready.work_id
    RETURNING {", ".join("d." + name for name in _COLUMNS.split(", "))}
    """
).bindparams(*_TAKEN_BY, bindparam("lease", type_=INTERVAL))

_DECIDE = text(
    _TAKE
    + f"""
    DELETE FROM due_work AS d USING ready WHERE d.work_id = ready.work_id
    RETURNING {", ".join("d." + name for name in _COLUMNS.split(", "))}
    """
).bindparams(*_TAKEN_BY)

_RENEW = text(
    """
    UPDATE due_work SET leased_until = clock_timestamp() + :lease
     WHERE work_id = :work_id AND fence = :fence AND state = 'running'
    """
).bindparams(bindparam("lease", type_=INTERVAL))

_END = text("DELETE FROM due_work WHERE work_id = :work_id AND fence = :fence")

_REST = text(
    """
    UPDATE due_work AS d
       SET state = 'resting', leased_until = NULL, error_code = :code, attempts = :attempts,
           rests_until = clock_timestamp() + :rest
     WHERE work_id = :work_id AND fence = :fence AND state <> 'parked'
       AND NOT EXISTS (SELECT 1 FROM due_work AS n WHERE n.key = d.key AND n.work_id <> d.work_id
                          AND (n.state IN ('waiting', 'resting')
                               OR n.state = 'running' AND n.work_id > d.work_id))
    """
).bindparams(bindparam("rest", type_=INTERVAL))

_PARK = text(
    """
    UPDATE due_work SET state = 'parked', leased_until = NULL, rests_until = NULL,
           parked_at = :at, error_code = :code, attempts = :attempts
     WHERE work_id = :work_id AND fence = :fence
    """
).bindparams(bindparam("at", type_=TIMESTAMP(timezone=True)))


_NEXT_DUE = text(
    """
    SELECT min(first.due_at) FROM unnest(:kinds) AS k
     CROSS JOIN LATERAL (SELECT due_at FROM due_work WHERE kind = k AND state = 'waiting'
                          ORDER BY due_at LIMIT 1) AS first
    """
).bindparams(_KINDS)

_UNFINISHED = text(
    """
    SELECT (SELECT count(*) FROM due_work WHERE state = 'running')
         + (SELECT count(*) FROM due_work WHERE state = 'resting')
         + (SELECT count(*) FROM due_work
             WHERE state = 'waiting' AND kind = ANY(:kinds) AND due_at <= :now)
    """
).bindparams(_KINDS, _NOW)


_FALLEN_DUE = text(
    """
    SELECT count(*) FROM due_work
     WHERE kind = ANY(:kinds)
       AND (state IN ('running', 'resting') OR state = 'waiting' AND due_at <= :now)
    """
).bindparams(_KINDS, _NOW)


class Cause(Protocol):
    """Why work is wanted; it is done on behalf of the same."""

    correlation_id: UUID
    traceparent: str | None

    @property
    def causes_work(self) -> UUID | None: ...


class Wish(NamedTuple):
    """That work falls due in place of what waits under its key; without work, that none does."""

    key: str | None
    work: Work | None
    due: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class Leased:
    """A row of due work in a worker's hands."""

    work_id: UUID
    kind: str
    payload: dict[str, Any]
    due_at: datetime
    attempts: int
    leases_lost: int
    fence: int
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None

    @classmethod
    def of(cls, row: Any) -> Leased:
        return cls(**dict(row._mapping))  # noqa: SLF001  # SQLAlchemy's public name for it


async def write(connection: AsyncConnection, wishes: Sequence[Wish]) -> None:
    """Cancel and schedule. Of several wishes for one key the last one stands.

    What is replaced gets a new fencing number: whoever failed at the older work cannot put the
    newer one off or park it.
    """
    free = [wish for wish in wishes if wish.key is None]
    by_key = {wish.key: wish for wish in wishes if wish.key is not None}
    keyed = [by_key[key] for key in sorted(by_key)]
    cancelled = [wish.key for wish in keyed if wish.work is None]
    if cancelled:
        await connection.execute(_CANCEL, {"keys": cancelled})
    wanted = [(wish, wish.work) for wish in (*free, *keyed) if wish.work is not None]
    if wanted:
        await connection.execute(_INSERT, _rows(wanted))


async def write_missing(connection: AsyncConnection, wishes: Sequence[Wish]) -> None:
    """Schedule what does not wait yet under its key; what waits stays as it is."""
    wanted = [(wish, wish.work) for wish in wishes if wish.work is not None]
    await connection.execute(_INSERT_MISSING, _rows(wanted))


def _rows(wanted: Sequence[tuple[Wish, Work]]) -> dict[str, Any]:
    return {
        "work_ids": [new_id() for _ in wanted],
        "kinds": [work.kind for _, work in wanted],
        "keys": [wish.key for wish, _ in wanted],
        "payloads": [work.model_dump(mode="json") for _, work in wanted],
        "dues": [wish.due for wish, _ in wanted],
        "correlations": [wish.cause.correlation_id for wish, _ in wanted],
        "causations": [wish.cause.causes_work for wish, _ in wanted],
        "traces": [wish.cause.traceparent for wish, _ in wanted],
    }


class Share(NamedTuple):
    """Kinds of work of which so many pieces are taken together at most."""

    kinds: Collection[str]
    room: int


def _of(shares: Sequence[Share]) -> dict[str, Any]:
    each = [
        (kind, number, share.room) for number, share in enumerate(shares) for kind in share.kinds
    ]
    kinds, numbers, rooms = zip(*each, strict=True) if each else ((), (), ())
    return {"kinds": list(kinds), "shares": list(numbers), "rooms": list(rooms)}


async def lease(
    connection: AsyncConnection, shares: Sequence[Share], *, now: datetime, lease_s: float
) -> list[Leased]:
    """Take due work for calls: it stays, and is taken again when the lease runs out.

    Every lease counts as an attempt, also one that ran out. Those that ran out in a row are counted
    as well: whoever took the work then was ended by it.
    """
    taken_by = {**_of(shares), "now": now, "lease": timedelta(seconds=lease_s)}
    return [Leased.of(row) for row in await connection.execute(_LEASE, taken_by)]


async def renew(connection: AsyncConnection, leased: Leased, *, lease_s: float) -> bool:
    """Have the lease run from now on. False when another worker has leased the work by now."""
    renewed = await connection.execute(
        _RENEW,
        {
            "work_id": leased.work_id,
            "fence": leased.fence,
            "lease": timedelta(seconds=lease_s),
        },
    )
    return renewed.rowcount == 1


async def take(
    connection: AsyncConnection, kinds: Collection[str], *, now: datetime, limit: int
) -> list[Leased]:
    """Take due work out of the table, to be decided in the same transaction; earliest first."""
    rows = await connection.execute(_DECIDE, {**_of([Share(kinds, limit)]), "now": now})
    return sorted((Leased.of(row) for row in rows), key=lambda leased: leased.due_at)


async def end(connection: AsyncConnection, leased: Leased) -> bool:
    """The work is done. False when another worker has leased it by now."""
    done = await connection.execute(_END, {"work_id": leased.work_id, "fence": leased.fence})
    return done.rowcount == 1


async def rest(
    connection: AsyncConnection, leased: Leased, *, code: str, attempts: int, rest_s: float
) -> None:
    """Have the work taken again after a rest; newer work under its key replaces it."""
    try:
        async with connection.begin_nested():
            rested = await connection.execute(
                _REST,
                {
                    "work_id": leased.work_id,
                    "fence": leased.fence,
                    "code": code,
                    "attempts": attempts,
                    "rest": timedelta(seconds=rest_s),
                },
            )
        replaced = rested.rowcount == 0
    except IntegrityError:  # the newer work was committed while this was being written
        replaced = True
    if replaced:
        await end(connection, leased)


async def park(
    connection: AsyncConnection, leased: Leased, *, code: str, attempts: int, now: datetime
) -> None:
    """Keep the work for a person to look at."""
    await connection.execute(
        _PARK,
        {
            "work_id": leased.work_id,
            "fence": leased.fence,
            "code": code,
            "attempts": attempts,
            "at": now,
        },
    )


async def next_due_at(connection: AsyncConnection, kinds: Collection[str]) -> datetime | None:
    """When the earliest waiting work falls due, in practice time; `None` when nothing waits."""
    return (await connection.execute(_NEXT_DUE, {"kinds": list(kinds)})).scalar()


async def unfinished(connection: AsyncConnection, kinds: Collection[str], *, now: datetime) -> int:
    """How many pieces of work have fallen due and are neither done nor parked."""
    found = await connection.execute(_UNFINISHED, {"kinds": list(kinds), "now": now})
    return int(found.scalar_one())


async def fallen_due(connection: AsyncConnection, kinds: Collection[str], *, now: datetime) -> int:
    """The same of some kinds."""
    found = await connection.execute(_FALLEN_DUE, {"kinds": list(kinds), "now": now})
    return int(found.scalar_one())
