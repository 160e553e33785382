"""Whether a service's audit log is whole, for whoever looks after it or examines it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import audit
from shared.auth import Role, allow
from shared.written import told


class Chain(BaseModel):
    """The newest entry, to be kept elsewhere, and the first one that is wrong or missing."""

    entries: int
    head_hash: str | None
    broken_at: int | None


Seq = Annotated[int, Query(ge=1, le=2**63 - 1)]
Hash = Annotated[
    str, Query(pattern=told(r"^[0-9a-f]{64}$", "64 of the characters 0 to 9 and a to f"))
]


def audit_routes(engine: AsyncEngine) -> APIRouter:
    """The route under `/operations/audit`."""
    router = APIRouter(prefix="/operations", tags=["operations"])

    @router.get("/audit", dependencies=[allow(Role.OPS, Role.AUDITOR)])
    async def check(known_seq: Seq | None = None, known_hash: Hash | None = None) -> Chain:
        """Walk the whole chain. A head that was kept elsewhere must still be in it."""
        if (known_seq is None) != (known_hash is None):
            raise HTTPException(422, "known_seq and known_hash are one head: give both or neither.")
        known = (
            audit.Head(known_seq, bytes.fromhex(known_hash)) if known_seq and known_hash else None
        )
        async with engine.connect() as connection:
            head = await audit.head(connection)
            return Chain(
                entries=head.seq if head else 0,
                head_hash=head.hash.hex() if head else None,
                broken_at=await audit.verify(connection, known),
            )

    return router
