"""Routes for whoever looks after a service: what is parked, and offering events again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, StringConstraints, computed_field

from shared import audit
from shared.auth import Actor, Role, allow
from shared.events import Moment
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page
from shared.messaging import outbox, parked, resolving
from shared.messaging.parked import ParkedItem
from shared.messaging.resolving import NotEnded, Wish
from shared.messaging.runtime import Runtime

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class Resolution(BaseModel):
    """Why a person replays or discards something."""

    why: Why


class Again(BaseModel):
    """From when on events are offered again."""

    since: Moment


class RefusedKey(BaseModel):
    """A vendor that does not accept the key of this service, as this process last met it."""

    vendor: str
    calls: str
    setting: str
    reason: str
    since: datetime
    waiting: int

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What happened, and what to do about it."""
        return (
            f"{self.vendor} does not accept our key, or not for this. Nothing is lost:"
            f" {self.waiting} pieces of work wait for it, and go on by themselves. Put the right"
            f" key into"
            f" {self.setting} and restart, or have {self.vendor} accept this one again."
        )


class RefusedKeys(BaseModel):
    keys: list[RefusedKey]


def operations_routes(runtime: Runtime) -> APIRouter:
    """The routes under `/operations`."""
    router = APIRouter(prefix="/operations", tags=["operations"])
    consumer = runtime.seam.consumer

    @router.get("/parked", dependencies=[allow(Role.OPS, Role.AUDITOR)])
    async def list_parked(desk: AtDesk, asked: AskedPage) -> Page[ParkedItem]:
        """What waits for a person: parked events, those held behind them, work, outbox rows."""
        return await desk.read(parked.listed, consumer, asked)

    @router.get("/refused-keys", dependencies=[allow(Role.OPS, Role.AUDITOR)])
    async def list_refused_keys() -> RefusedKeys:
        """Vendors that do not accept our key: nobody but the staff can mend that."""
        return RefusedKeys(
            keys=[
                RefusedKey(
                    vendor=held.refused.vendor,
                    calls=calls,
                    setting=held.refused.setting,
                    reason=held.refused.code,
                    since=held.since,
                    waiting=await runtime.workers.waiting_for(calls),
                )
                for calls, held in runtime.workers.held().items()
            ]
        )

    @router.get("/parked/{parked_id}", dependencies=[allow(Role.OPS, Role.AUDITOR)])
    async def show_parked(parked_id: UUID, desk: AtDesk) -> ParkedItem:
        """One of them; an event also when it is resolved."""
        return await desk.read(parked.shown, consumer, parked_id)

    @router.post("/parked/{parked_id}/replay")
    async def replay_parked(
        parked_id: UUID, resolution: Resolution, actor: Actor = allow(Role.OPS)
    ) -> dict[str, Any]:
        """Have it decided or tried again, now. Held events of its key follow if it goes through."""
        wish = Wish(parked_id, actor, resolution.why)
        return {"replayed": True, "followed": _followed(await resolving.replay(runtime, wish))}

    @router.post("/parked/{parked_id}/discard")
    async def discard_parked(
        parked_id: UUID, resolution: Resolution, actor: Actor = allow(Role.OPS)
    ) -> dict[str, Any]:
        """Give it up for good. Held events of its key follow."""
        wish = Wish(parked_id, actor, resolution.why)
        return {"discarded": True, "followed": _followed(await resolving.discard(runtime, wish))}

    @router.post("/outbox/replay")
    async def offer_again(again: Again, actor: Actor = allow(Role.OPS)) -> dict[str, int]:
        """Offer the events confirmed since a moment again; consumers drop those they know."""
        async with runtime.work.transaction() as tx:
            count = await outbox.offer_again(tx.connection, since=again.since, now=tx.now)
            audit.append(
                tx, actor, action="offer_again", entity="outbox", details={"events": count}
            )
        return {"events": count}

    return router


def _followed(ended: int | NotEnded) -> int:
    if isinstance(ended, NotEnded):
        raise HTTPException(ended.status, ended.detail)
    return ended
