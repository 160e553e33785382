"""Deciding what was parked or held again: when a person says so, or when its turn has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from shared.db import unreachable
from shared.errors import Poison
from shared.messaging import parking
from shared.messaging.causes import code_of, passes
from shared.messaging.records import Unreadable, read
from shared.messaging.seam import Seam
from shared.messaging.transaction import Transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NotReplayed:
    """Why a record stays where it is; `waits_for` names the one that must be ended first."""

    reason: str
    waits_for: UUID | None = None

    @property
    def detail(self) -> str:
        """In words, for whoever asked."""
        if self.waits_for is not None:
            return f"{self.reason}: {self.waits_for} came before it; replay or discard that first."
        if self.reason == "already_resolved":
            return "It was resolved already."
        if self.reason == "already_decided":
            return "Its event was decided before. Nothing was done again, and it is closed."
        return f"It failed again: {self.reason}."


Note = Callable[[Transaction, NotReplayed | None], None]
"""Writes down what came of a wish, in the transaction that decided it."""


async def replay(seam: Seam, seq: int, *, by: str, why: str, note: Note) -> NotReplayed | None:
    """Have a person's wish done: decide the record now, and let the consumer go on if it stands."""
    failed = await _decide_again(seam, seq, by=by, why=why, note=note)
    if failed is None:
        seam.resume()
    return failed


async def follow_up(seam: Seam) -> int:
    """Decide held records whose parked one is resolved. Returns how many went through.

    One that fails rests, or is parked, and those behind it wait on: other keys' go on without it.
    """
    went = 0
    while ready := await _released(seam):
        for seq in ready:
            why = "the event before it was resolved"
            went += await _decide_again(seam, seq, by="system", why=why, note=_unnoted) is None
    return went


async def _released(seam: Seam) -> list[int]:
    async with seam.work.transaction() as tx:
        return await parking.released(tx.connection, seam.consumer)


def _unnoted(_: Transaction, __: NotReplayed | None) -> None:
    """What follows by itself was wished by nobody."""


async def _decide_again(
    seam: Seam, seq: int, *, by: str, why: str, note: Note
) -> NotReplayed | None:
    """The decision, its inbox claim, the record's resolution and the note commit together."""
    try:
        async with seam.work.transaction() as tx:
            kept = await parking.take(tx.connection, seq)
            if kept is None:
                note(tx, refused := NotReplayed("already_resolved"))
                return refused
            before = await parking.earlier(tx.connection, seam.consumer, seq, key=kept.key)
            if before is not None:
                note(tx, refused := NotReplayed("waits_for_parked", before))
                return refused
            found = read(seam.handlers, kept.as_record())
            if isinstance(found, Unreadable):
                raise Poison(found.reason)
            if found is not None and not await seam.decide(tx, [found]):
                await parking.resolve(
                    tx.connection, seq, state="discarded", by=by, why=why, now=tx.now
                )
                note(tx, refused := NotReplayed("already_decided"))
                return refused
            await parking.resolve(tx.connection, seq, state="replayed", by=by, why=why, now=tx.now)
            note(tx, None)
    except Exception as error:
        if unreachable(error):
            raise
        failed = NotReplayed(code_of(error))
        async with seam.work.transaction() as tx:
            await parking.repark(
                tx.connection,
                seq,
                reason=failed.reason,
                holds_up_to=seam.limits.retries if passes(error) else 0,
            )
            note(tx, failed)
        log.warning("replay_failed", reason=failed.reason)
        return failed
    return None
