"""Webhooks: verified on the raw bytes, stored once, answered at once, worked on later.

A vendor repeats what it is not sure we heard, and sends in any order. So a notice is claimed by
the vendor's own id for it, in the transaction of a decider that does no more than leave due work:
the work then asks the vendor for the present state of the thing, and believes that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy import Column, Text, text
from sqlmodel import Field

from shared.auth import public
from shared.columns import moment
from shared.db import BackboneBase
from shared.http.problems import problem
from shared.messaging.transaction import Transaction, UnitOfWork

log = structlog.get_logger(__name__)


class Webhook(BackboneBase, table=True):
    """A vendor's notice that was taken. Ids and kinds only: what it said is asked for again."""

    __tablename__ = "webhooks"

    vendor: str = Field(sa_column=Column(Text, primary_key=True))
    notice_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    received_at: datetime = Field(sa_column=moment())


@dataclass(frozen=True, slots=True)
class Notice:
    """What a verified webhook says: its own id, its kind, and the vendor's id of the thing."""

    notice_id: str
    kind: str
    object_id: str


Read = Callable[[bytes, Mapping[str, str]], Notice | None]
"""Verifies the raw body against the headers; `None` when it is forged, stale or not understood."""

_CLAIM = text(
    "INSERT INTO webhooks (vendor, notice_id, kind, received_at)"
    " VALUES (:vendor, :notice_id, :kind, :at) ON CONFLICT DO NOTHING"
)


async def claim(vendor: str, notice: Notice, tx: Transaction) -> bool:
    """Take a notice for the first time. False when it was taken before, by whatever way it came."""
    claimed = await tx.execute(
        _CLAIM,
        {"vendor": vendor, "notice_id": notice.notice_id, "kind": notice.kind, "at": tx.now},
    )
    return claimed.rowcount == 1


def webhook_route(
    vendor: str, read: Read, decide: Callable[[Notice, Transaction], Awaitable[None]]
) -> APIRouter:
    """`POST /webhooks/{vendor}`: 204 when the notice is kept (or was before), 400 when refused."""
    router = APIRouter(tags=["webhooks"])

    @router.post(
        f"/webhooks/{vendor}",
        name=f"take_{vendor}_notice",
        status_code=204,
        response_class=Response,
        dependencies=[public("the sender proves itself by a signature over the raw body")],
    )
    async def take(request: Request) -> Response:
        """Take a notice: 204 when it is kept, or was before; the work comes later."""
        raw = await request.body()
        notice = read(raw, request.headers)
        if notice is None:
            log.warning("webhook_refused", vendor=vendor)
            return problem(
                400,
                detail="The signature does not fit this body, or is too old.",
                correlation_id=request.state.correlation_id,
            )
        unit: UnitOfWork = request.app.state.unit
        async with unit.transaction(
            correlation_id=request.state.correlation_id, traceparent=request.state.traceparent
        ) as tx:
            if await claim(vendor, notice, tx):
                await decide(notice, tx)
        return Response(status_code=204)

    return router
