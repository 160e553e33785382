"""Webhooks: verified on the raw bytes, stored once, answered at once, worked on later.

A vendor repeats what it is not sure we heard, and sends in any order. So a notice is claimed by
the vendor's own id for it, in the transaction of a decider that does no more than leave due work:
the work then asks the vendor for the present state of the thing, and believes that. Notices that
come while a transaction runs are kept together in the next one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy import Column, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from shared.auth import public
from shared.columns import moment
from shared.db import BackboneBase
from shared.http.problems import problem
from shared.http.together import Together
from shared.messaging.transaction import Transaction, UnitOfWork

AT_ONCE = 200
"""Notices in one transaction at most."""

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


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and the request that brought it."""

    notice: Notice
    correlation_id: UUID
    traceparent: str | None


Read = Callable[[bytes, Mapping[str, str]], Notice | None]
"""Verifies the raw body against the headers; `None` when it is forged, stale or not understood."""

Decide = Callable[[Notice, Transaction], Awaitable[None]]
"""Leaves due work for a notice that was taken for the first time."""

_CLAIM = text(
    """
    INSERT INTO webhooks (vendor, notice_id, kind, received_at)
    SELECT :vendor, n.notice_id, n.kind, :at
      FROM unnest(:notice_ids, :kinds) AS n (notice_id, kind) ORDER BY n.notice_id
    ON CONFLICT DO NOTHING RETURNING notice_id
    """
).bindparams(
    bindparam("notice_ids", type_=ARRAY(Text)),
    bindparam("kinds", type_=ARRAY(Text)),
)


async def claim(vendor: str, notices: Sequence[Notice], tx: Transaction) -> list[Notice]:
    """Take notices; those that were not taken before, by whatever way they came, each once.

    They are claimed in the order of their ids, so that two who claim the same do not deadlock.
    """
    claimed = await tx.execute(
        _CLAIM,
        {
            "vendor": vendor,
            "notice_ids": [one.notice_id for one in notices],
            "kinds": [one.kind for one in notices],
            "at": tx.now,
        },
    )
    new = set(claimed.scalars())
    return [one for one in {one.notice_id: one for one in notices}.values() if one.notice_id in new]


def webhook_route(vendor: str, read: Read, decide: Decide) -> APIRouter:
    """`POST /webhooks/{vendor}`: 204 when the notice is kept (or was before), 400 when refused."""
    router = APIRouter(tags=["webhooks"])

    async def keep(told: Sequence[Told], unit: UnitOfWork) -> None:
        """One transaction for notices of one vendor, each decided under its own request's ids."""
        causes = {one.notice.notice_id: one for one in reversed(told)}
        async with unit.transaction() as tx:
            for notice in await claim(vendor, [one.notice for one in told], tx):
                cause = causes[notice.notice_id]
                await decide(
                    notice,
                    tx.caused_by(
                        event_id=None,
                        correlation_id=cause.correlation_id,
                        traceparent=cause.traceparent,
                    ),
                )

    together = Together(keep, at_once=AT_ONCE)

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
        told = Told(notice, request.state.correlation_id, request.state.traceparent)
        await together.done(told, unit)
        return Response(status_code=204)

    return router
