"""The desk: where one person's request is decided, once, in one transaction.

`decide` claims the request's `Idempotency-Key`, runs the decider, keeps its answer under the key,
appends to the audit log and commits, all in the same transaction. The same request again gets the
kept answer; another request under a used key is refused. A refusal stores nothing, so the same key
may be tried again when what stood in the way is gone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Column, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field

from shared import audit
from shared.auth import Actor
from shared.db import BackboneBase, lost_race, sqlstate
from shared.http.problems import Refused, refusal
from shared.messaging.transaction import Transaction, UnitOfWork

TRIES = 6
EXCLUSION_VIOLATION = "23P01"

IDEMPOTENCY_DDL = """
CREATE TABLE idempotency_keys (
    actor text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    answer bytea NOT NULL,
    decided_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, key)
)
"""


class IdempotencyKey(BackboneBase, table=True):
    """A request that was decided, with the answer that it got."""

    __tablename__ = "idempotency_keys"

    actor: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(SmallInteger, nullable=False))
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    decided_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))


_CLAIM = text(
    """
    INSERT INTO idempotency_keys (actor, key, request_hash, status, answer, decided_at)
    VALUES (:actor, :key, :hash, 0, '', :at) ON CONFLICT DO NOTHING
    """
)
_KEEP = text(
    "UPDATE idempotency_keys SET status = :status, answer = :answer"
    " WHERE actor = :actor AND key = :key"
)
_KEPT = text(
    "SELECT request_hash, status, answer FROM idempotency_keys WHERE actor = :actor AND key = :key"
)

T = TypeVar("T", bound=BaseModel)
Decide = Callable[[Transaction], Awaitable[BaseModel | Refused]]


class _Stop(Exception):
    """Leaves the transaction so that it rolls back."""

    def __init__(self, response: Response) -> None:
        self.response = response


class Desk:
    """One request: who asks, under which key, and the unit of work that decides it."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.actor: Actor = request.state.actor
        self.correlation_id: UUID = request.state.correlation_id
        self._unit: UnitOfWork = request.app.state.unit
        self._traceparent: str | None = request.state.traceparent
        self._entity = f"{request.method} {request.scope['route'].path}"
        self._key = request.headers.get("Idempotency-Key")
        self._hash = hashlib.sha256(
            f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
        ).digest()
        self._needs_key = request.method == "POST"

    async def decide(
        self, decide: Decide, *, status: int = 201, patient_id: UUID | None = None
    ) -> Response:
        """Run a decider and answer. Lost races are run again; the last loss is a 409."""
        key = self._key
        if self._needs_key and not (key and 1 <= len(key) <= 200):  # noqa: PLR2004  # see the text
            raise HTTPException(
                400, "A POST needs an Idempotency-Key header of 1 to 200 characters."
            )
        for attempt in range(TRIES):
            try:
                return await self._decide_once(decide, key, status, patient_id)
            except _Stop as stop:
                return stop.response
            except IntegrityError as error:
                if sqlstate(error) != EXCLUSION_VIOLATION or attempt == TRIES - 1:
                    raise
            except Exception as error:
                if not lost_race(error):
                    raise
            await asyncio.sleep(0.01 * 2**attempt)
        return refusal(
            Refused.because("race_lost", "Others changed the same things. Look again and retry."),
            self.correlation_id,
        )

    async def _decide_once(
        self, decide: Decide, key: str | None, status: int, patient_id: UUID | None
    ) -> Response:
        async with self._unit.transaction(
            correlation_id=self.correlation_id, traceparent=self._traceparent
        ) as tx:
            if key is not None:
                await self._claim(tx, key)
            answer = await decide(tx)
            if isinstance(answer, Refused):
                raise _Stop(refusal(answer, self.correlation_id))
            content = answer.model_dump_json().encode()
            if key is not None:
                await tx.execute(
                    _KEEP,
                    {"actor": self.actor.subject, "key": key, "status": status, "answer": content},
                )
            about = patient_id or getattr(answer, "patient_id", None)
            audit.append(tx, self.actor, action="write", entity=self._entity, patient_id=about)
        return Response(content, status_code=status, media_type="application/json")

    async def _claim(self, tx: Transaction, key: str) -> None:
        """Claim the key, or leave with the answer that was given under it before.

        A second request under a key that is being decided waits here for the first one's commit.
        """
        who = {"actor": self.actor.subject, "key": key}
        claimed = await tx.execute(_CLAIM, who | {"hash": self._hash, "at": tx.now})
        if claimed.rowcount == 1:
            return
        kept = (await tx.execute(_KEPT, who)).one()
        if kept.request_hash != self._hash:
            refused = Refused.because(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new one.",
                field="Idempotency-Key",
                status=422,
            )
            raise _Stop(refusal(refused, self.correlation_id))
        raise _Stop(
            Response(
                kept.answer,
                status_code=kept.status,
                media_type="application/json",
                headers={"Idempotent-Replayed": "true"},
            )
        )

    async def read(
        self,
        read: Callable[[Transaction], Awaitable[T | list[Any] | Refused]],
        *,
        patient_id: UUID | None = None,
    ) -> Response:
        """Read patient data; who read it is in the audit log before the answer leaves."""
        async with self._unit.transaction(correlation_id=self.correlation_id) as tx:
            answer = await read(tx)
            if isinstance(answer, Refused):
                return refusal(answer, self.correlation_id)
            about = patient_id or getattr(answer, "patient_id", None)
            audit.append(tx, self.actor, action="read", entity=self._entity, patient_id=about)
        if isinstance(answer, list):
            return JSONResponse([item.model_dump(mode="json") for item in answer])
        return Response(answer.model_dump_json(), media_type="application/json")


async def _desk(request: Request) -> Desk:
    return Desk(request, await request.body())


AtDesk = Annotated[Desk, Depends(_desk)]
"""For a route's signature: the desk at which its request is decided. Needs an `allow(...)`."""
