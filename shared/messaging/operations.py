"""Routes for whoever looks after a service: what is parked, and offering events again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, StringConstraints

from shared import audit
from shared.auth import Actor, Role, allow
from shared.messaging import outbox, parked_work, parking, replaying
from shared.messaging.runtime import Runtime

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class Resolution(BaseModel):
    """Why a person replays or discards something."""

    why: Why


class Again(BaseModel):
    """From when on events are offered again."""

    since: AwareDatetime


class ParkedItem(BaseModel):
    """A parked event, parked work or a parked outbox row. Never holds what the record said."""

    parked_id: UUID
    what: str
    state: str
    reason: str
    type_name: str
    attempts: int
    parked_at: datetime
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    key: str | None = None
    event_id: str | None = None
    value_bytes: int | None = None
    resolved_by: str | None = None
    resolution: str | None = None


def operations_routes(runtime: Runtime) -> APIRouter:  # noqa: C901  # seven routes of a few lines
    """The routes under `/operations`."""
    router = APIRouter(prefix="/operations", tags=["operations"])
    seam, unit = runtime.seam, runtime.work

    async def parked(parked_id: UUID) -> parking.Parked | None:
        async with unit.engine.connect() as connection:
            return await parking.one(connection, seam.consumer, parked_id)

    async def other_items() -> list[ParkedItem]:
        async with unit.engine.connect() as connection:
            work = await parked_work.open_ones(connection)
            rows = await outbox.parked_rows(connection)
        return [_work(found) for found in work] + [_row(found) for found in rows]

    @router.get("/parked")
    async def list_parked(_: Actor = allow(Role.OPS, Role.AUDITOR)) -> list[ParkedItem]:
        """What waits for a person: parked events, those held behind them, work, outbox rows."""
        async with unit.engine.connect() as connection:
            events = await parking.open_ones(connection, seam.consumer)
        return [_event(found) for found in events] + await other_items()

    @router.get("/parked/{parked_id}")
    async def show_parked(parked_id: UUID, _: Actor = allow(Role.OPS, Role.AUDITOR)) -> ParkedItem:
        found = await parked(parked_id)
        if found is not None:
            return _event(found)
        for item in await other_items():
            if item.parked_id == parked_id:
                return item
        raise HTTPException(404, "Nothing is parked under this id.")

    @router.post("/parked/{parked_id}/replay")
    async def replay(
        parked_id: UUID, resolution: Resolution, actor: Actor = allow(Role.OPS)
    ) -> dict[str, Any]:
        """Decide a parked event again, now. Held ones of its key follow if it goes through."""
        found = await parked(parked_id)
        if found is None:
            if not await _unpark(runtime, parked_id, again=True):
                raise HTTPException(404, "Nothing is parked under this id.")
            await note(actor, "replay")
            return {"replayed": True, "followed": 0}
        failed = await replaying.replay(seam, found.seq, by=actor.subject, why=resolution.why)
        await note(actor, "replay", outcome=failed.reason if failed else "ok")
        if failed is not None:
            raise HTTPException(409, failed.detail)
        return {"replayed": True, "followed": await replaying.follow_up(seam)}

    @router.post("/parked/{parked_id}/discard")
    async def discard(
        parked_id: UUID, resolution: Resolution, actor: Actor = allow(Role.OPS)
    ) -> dict[str, Any]:
        """Give a parked event up for good. Held ones of its key follow."""
        found = await parked(parked_id)
        if found is None:
            if not await _unpark(runtime, parked_id, again=False):
                raise HTTPException(404, "Nothing is parked under this id.")
            await note(actor, "discard")
            return {"discarded": True, "followed": 0}
        async with unit.transaction() as tx:
            done = await parking.discard(
                tx.connection, found.seq, by=actor.subject, why=resolution.why, now=tx.now
            )
            audit.append(tx, actor, action="discard", entity="parked_event")
        if not done:
            raise HTTPException(409, "It was resolved already.")
        seam.resume()
        return {"discarded": True, "followed": await replaying.follow_up(seam)}

    @router.post("/outbox/replay")
    async def offer(again: Again, actor: Actor = allow(Role.OPS)) -> dict[str, int]:
        """Offer the events confirmed since a moment again; consumers drop those they know."""
        async with unit.transaction() as tx:
            count = await outbox.offer_again(tx.connection, since=again.since, now=tx.now)
            audit.append(tx, actor, action="offer_again", entity="outbox")
        return {"events": count}

    async def note(actor: Actor, action: str, *, outcome: str = "ok") -> None:
        async with unit.transaction() as tx:
            audit.append(tx, actor, action=action, entity="operations", outcome=outcome)

    return router


async def _unpark(runtime: Runtime, parked_id: UUID, *, again: bool) -> bool:
    async with runtime.work.transaction() as tx:
        if again:
            return await parked_work.replay(tx, parked_id) or await outbox.replay(
                tx.connection, parked_id
            )
        return await parked_work.discard(tx, runtime.handlers, parked_id) or await outbox.discard(
            tx.connection, parked_id
        )


def _event(found: parking.Parked) -> ParkedItem:
    fields = asdict(found)
    del fields["seq"]
    return ParkedItem(what="event", **fields)


def _work(found: parked_work.ParkedWork) -> ParkedItem:
    return ParkedItem(
        parked_id=found.work_id,
        what="work",
        state="parked",
        reason=found.reason,
        type_name=found.kind,
        attempts=found.attempts,
        parked_at=found.due_at,
    )


def _row(found: outbox.ParkedRow) -> ParkedItem:
    return ParkedItem(
        parked_id=found.event_id,
        what="outbox",
        state="parked",
        reason=found.reason,
        type_name=found.type_name,
        attempts=0,
        parked_at=found.parked_at,
        topic=found.topic,
        key=found.key,
        event_id=str(found.event_id),
        value_bytes=found.value_bytes,
    )
