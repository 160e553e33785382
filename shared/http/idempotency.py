"""The keys of requests that were decided, each with the answer that it got.

A key belongs to whoever used it. It is claimed in the transaction that decides the request, so a
second request under the same key waits for the first one's commit, and a rolled back request
leaves no claim. Answers may hold a patient's fields, so they are sealed like any of them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field

from shared.columns import moment
from shared.db import BackboneBase
from shared.messaging.transaction import Transaction
from shared.sealed import Sealed
from shared.vault import Vault

_FORM = re.compile(r"[\x21-\x7e]{1,200}")
"""Visible ASCII; whatever else a header can carry is refused before it meets the database."""


def _place(actor: str, key: str) -> UUID:
    """The row's id for the vault: the table has a natural key and needs none elsewhere."""
    return UUID(bytes=hashlib.sha256(f"{actor}\0{key}".encode()).digest()[:16])


class IdempotencyKey(BackboneBase, table=True):
    """A request that was decided, with the answer that it got."""

    __tablename__ = "idempotency_keys"
    __table_args__ = ({"info": {"place": _place}},)

    actor: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(SmallInteger, nullable=False))
    answer: bytes = Field(sa_column=Column(Sealed, nullable=False))
    decided_at: datetime = Field(sa_column=moment())


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


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given before."""

    status: int
    content: bytes


class UsedOtherwise:
    """The key was used for another request."""


def well_formed(key: str | None) -> bool:
    return key is not None and _FORM.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's wish to be the one that is decided under its key."""

    actor: str
    key: str
    request_hash: bytes

    async def make(self, tx: Transaction, vault: Vault) -> Kept | UsedOtherwise | None:
        """Claim the key. `None` means it is ours; else what became of it before.

        Waits while another transaction holds the key, at most the engine's lock time limit.
        """
        who = {"actor": self.actor, "key": self.key}
        claimed = await tx.execute(_CLAIM, who | {"hash": self.request_hash, "at": tx.now})
        if claimed.rowcount == 1:
            return None
        kept = (await tx.execute(_KEPT, who)).one()
        if bytes(kept.request_hash) != self.request_hash:
            return UsedOtherwise()
        content = vault.open_bytes(
            bytes(kept.answer),
            table="idempotency_keys",
            column="answer",
            row=_place(self.actor, self.key),
        )
        return Kept(kept.status, content)

    async def keep(self, tx: Transaction, vault: Vault, status: int, content: bytes) -> None:
        """Keep the answer for whoever asks the same again."""
        sealed = vault.seal_bytes(
            content, table="idempotency_keys", column="answer", row=_place(self.actor, self.key)
        )
        await tx.execute(
            _KEEP, {"actor": self.actor, "key": self.key, "status": status, "answer": sealed}
        )
