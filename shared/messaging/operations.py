"""Routes for whoever looks after a service: what is parked, and offering events again."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, StringConstraints

from shared import audit
from shared.auth import Actor, Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page
from shared.messaging import outbox, parked, parked_work, parking, replaying
from shared.messaging.parked import ParkedItem
from shared.messaging.runtime import Runtime

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class Resolution(BaseModel):
    """Why a person replays or discards something."""

    why: Why


class Again(BaseModel):
    """From when on events are offered again."""

    since: AwareDatetime


def operations_routes(runtime: Runtime) -> APIRouter:  # noqa: C901  # seven routes of a few lines
    """The routes under `/operations`."""
    router = APIRouter(prefix="/operations", tags=["operations"])
    seam, unit = runtime.seam, runtime.work

    async def event(parked_id: UUID) -> int | None:
        async with unit.engine.connect() as connection:
            return await parking.seq_of(connection, seam.consumer, parked_id)

    @router.get("/parked")
    async def list_parked(
        desk: AtDesk, asked: AskedPage, _: Actor = allow(Role.OPS, Role.AUDITOR)
    ) -> Page[ParkedItem]:
        """What waits for a person: parked events, those held behind them, work, outbox rows."""
        return await desk.read(parked.listed, seam.consumer, asked)

    @router.get("/parked/{parked_id}")
    async def show_parked(
        parked_id: UUID, desk: AtDesk, _: Actor = allow(Role.OPS, Role.AUDITOR)
    ) -> ParkedItem:
        """One of them; an event also when it is resolved."""
        return await desk.read(parked.shown, seam.consumer, parked_id)

    @router.post("/parked/{parked_id}/replay")
    async def replay(
        parked_id: UUID, resolution: Resolution, actor: Actor = allow(Role.OPS)
    ) -> dict[str, Any]:
        """Decide a parked event again, now. Held ones of its key follow if it goes through."""
        seq = await event(parked_id)
        if seq is None:
            if not await _unpark(runtime, parked_id, again=True):
                raise HTTPException(404, "Nothing is parked under this id.")
            await note(actor, "replay")
            return {"replayed": True, "followed": 0}
        failed = await replaying.replay(seam, seq, by=actor.subject, why=resolution.why)
        await note(actor, "replay", outcome=failed.reason if failed else "ok")
        if failed is not None:
            raise HTTPException(409, failed.detail)
        return {"replayed": True, "followed": await replaying.follow_up(seam)}

    @router.post("/parked/{parked_id}/discard")
    async def discard(
        parked_id: UUID, resolution: Resolution, actor: Actor = allow(Role.OPS)
    ) -> dict[str, Any]:
        """Give a parked event up for good. Held ones of its key follow."""
        seq = await event(parked_id)
        if seq is None:
            if not await _unpark(runtime, parked_id, again=False):
                raise HTTPException(404, "Nothing is parked under this id.")
            await note(actor, "discard")
            return {"discarded": True, "followed": 0}
        async with unit.transaction() as tx:
            done = await parking.discard(
                tx.connection, seq, by=actor.subject, why=resolution.why, now=tx.now
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
