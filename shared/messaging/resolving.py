"""What a person makes of something parked: it is replayed or discarded, and the audit log says so.

The entry, with the id and the reason, is written in the transaction that ends the thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shared import audit
from shared.auth import Actor
from shared.messaging import outbox, parked_work, parking, replaying
from shared.messaging.parked_work import Replay
from shared.messaging.replaying import NotReplayed
from shared.messaging.runtime import Runtime
from shared.messaging.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Wish:
    """That something parked is ended: who wants it, and why."""

    parked_id: UUID
    actor: Actor
    why: str

    def note(self, tx: Transaction, action: str, entity: str, outcome: str = "ok") -> None:
        audit.append(
            tx,
            self.actor,
            action=action,
            entity=entity,
            entity_id=str(self.parked_id),
            purpose=self.why,
            outcome=outcome,
        )


@dataclass(frozen=True, slots=True)
class NotEnded:
    """Why it stays as it is, in words for whoever asked."""

    status: int
    detail: str


_NOT_PARKED = NotEnded(404, "Nothing is parked under this id.")
_RESOLVED = NotEnded(409, "It was resolved already.")
_REPLACED = NotEnded(
    409, "Newer work of the same key waits and will be done in its place. Discard this one."
)


async def replay(runtime: Runtime, wish: Wish) -> int | NotEnded:
    """Have it decided or tried again, now. Returns how many held events followed."""
    seq = await _event(runtime, wish)
    if seq is not None:
        return await _replay_event(runtime, wish, seq)
    async with runtime.work.transaction() as tx:
        match await parked_work.replay(tx, wish.parked_id):
            case Replay.AGAIN:
                wish.note(tx, "replay", "parked_work")
                return 0
            case Replay.REPLACED:
                wish.note(tx, "replay", "parked_work", "replaced_by_newer")
                return _REPLACED
            case Replay.NOT_PARKED if await outbox.replay(tx.connection, wish.parked_id):
                wish.note(tx, "replay", "parked_outbox_row")
                return 0
    return _NOT_PARKED


async def discard(runtime: Runtime, wish: Wish) -> int | NotEnded:
    """Give it up for good. Returns how many held events followed."""
    seq = await _event(runtime, wish)
    if seq is not None:
        return await _discard_event(runtime, wish, seq)
    async with runtime.work.transaction() as tx:
        if await parked_work.discard(tx, runtime.handlers, wish.parked_id):
            wish.note(tx, "discard", "parked_work")
            return 0
        if await outbox.discard(tx.connection, wish.parked_id):
            wish.note(tx, "discard", "parked_outbox_row")
            return 0
    return _NOT_PARKED


async def _event(runtime: Runtime, wish: Wish) -> int | None:
    async with runtime.engine.connect() as connection:
        return await parking.seq_of(connection, runtime.seam.consumer, wish.parked_id)


async def _replay_event(runtime: Runtime, wish: Wish, seq: int) -> int | NotEnded:
    def note(tx: Transaction, failed: NotReplayed | None) -> None:
        wish.note(tx, "replay", "parked_event", failed.reason if failed else "ok")

    failed = await replaying.replay(
        runtime.seam, seq, by=wish.actor.subject, why=wish.why, note=note
    )
    if failed is not None:
        return NotEnded(409, failed.detail)
    return await replaying.follow_up(runtime.seam)


async def _discard_event(runtime: Runtime, wish: Wish, seq: int) -> int | NotEnded:
    async with runtime.work.transaction() as tx:
        if not await parking.resolve(
            tx.connection,
            seq,
            state="discarded",
            by=wish.actor.subject,
            why=wish.why,
            now=tx.now,
        ):
            return _RESOLVED
        wish.note(tx, "discard", "parked_event")
    runtime.seam.resume()
    return await replaying.follow_up(runtime.seam)
