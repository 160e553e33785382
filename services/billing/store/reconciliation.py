"""Stripe's balance as last seen, what the books have of it, and the breaks between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.books.ledger import Reason
from services.billing.rules.books.reconciliation import (
    Break,
    Movement,
    MovementKind,
    Payout,
    PayoutState,
    Tie,
)
from services.billing.tables import Reconciliation, ReconciliationBreak
from shared.ids import new_id
from shared.messaging import Transaction

_KEEP_MOVEMENT = text(
    """
    INSERT INTO stripe_movements AS m
           (transaction_id, kind, reference, amount_cents, fee_cents, created_at, payout_id)
    VALUES (:transaction_id, :kind, :reference, :amount_cents, :fee_cents, :created_at, :payout_id)
    ON CONFLICT (transaction_id)
    DO UPDATE SET payout_id = excluded.payout_id
     WHERE excluded.payout_id IS NOT NULL AND m.payout_id IS DISTINCT FROM excluded.payout_id
    """
)

_KEEP_PAYOUT = text(
    """
    INSERT INTO stripe_payouts AS p (payout_id, amount_cents, state, created_at, arrives_on)
    VALUES (:payout_id, :amount_cents, :state, :created_at, :arrives_on)
    ON CONFLICT (payout_id)
    DO UPDATE SET state = excluded.state, arrives_on = excluded.arrives_on
     WHERE (p.state, p.arrives_on) IS DISTINCT FROM (excluded.state, excluded.arrives_on)
    """
)

# What stands of the ledger at Stripe, by PaymentIntent: a transfer that was reversed counts with
# its reversal as nothing. Into the clearing account is positive, as Stripe signs it.
_STANDS = "NOT EXISTS (SELECT FROM ledger_transfers AS r WHERE r.reverses = t.transfer_id)"

_BOOKED = f"""
    SELECT 'payment' AS subject, p.reference, t.amount_cents AS cents, t.posted_at AS at
      FROM ledger_transfers AS t JOIN payments AS p ON p.payment_id::text = t.source_id
     WHERE t.reason IN ('{Reason.CARD_CAPTURED}', '{Reason.PACKAGE_PAID}')
       AND t.debit = 'stripe_clearing' AND {_STANDS}
    UNION ALL
    SELECT 'payment', t.source_id, t.amount_cents, t.posted_at
      FROM ledger_transfers AS t WHERE t.reason = '{Reason.UNMATCHED_TAKEN}' AND {_STANDS}
    UNION ALL
    SELECT 'payment', d.payment_intent_id, t.amount_cents, t.posted_at
      FROM ledger_transfers AS t
      JOIN disputes AS d ON d.dispute_id::text = split_part(t.source_id, ':', 1)
     WHERE t.reason = '{Reason.UNKNOWN_LOST}' AND {_STANDS}
    UNION ALL
    SELECT 'refund', p.reference, -t.amount_cents, t.posted_at
      FROM ledger_transfers AS t JOIN refunds AS r ON r.refund_id::text = t.source_id
      JOIN payments AS p USING (payment_id)
     WHERE t.reason = '{Reason.REFUND_SENT}' AND t.credit = 'stripe_clearing' AND {_STANDS}
    UNION ALL
    SELECT 'refund', split_part(t.source_id, ':', 1), -t.amount_cents, t.posted_at
      FROM ledger_transfers AS t WHERE t.reason = '{Reason.UNMATCHED_RETURNED}' AND {_STANDS}
    UNION ALL
    SELECT 'dispute', d.payment_intent_id,
           CASE t.debit WHEN 'stripe_clearing' THEN t.amount_cents ELSE -t.amount_cents END,
           t.posted_at
      FROM ledger_transfers AS t JOIN dispute_movements AS m ON m.transaction_id = t.source_id
      JOIN disputes AS d USING (dispute_id)
     WHERE t.reason = '{Reason.DISPUTE_MOVED}' AND {_STANDS}
"""

# A break that nobody mended is looked at for as long as it stands, however old its money is.
_OPEN = "(SELECT subject, reference FROM reconciliation_breaks WHERE gone_at IS NULL)"

_TIES = text(
    f"""
    WITH booked AS (
        SELECT subject, reference, sum(cents)::bigint AS cents, min(at) AS since, max(at) AS last
          FROM ({_BOOKED}) AS b GROUP BY subject, reference),
    found AS (
        SELECT kind AS subject, reference, sum(amount_cents)::bigint AS cents,
               min(created_at) AS since, max(created_at) AS last
          FROM stripe_movements WHERE kind IN ('payment', 'refund', 'dispute')
         GROUP BY kind, reference)
    SELECT subject, reference, b.cents AS booked_cents, f.cents AS found_cents,
           least(b.since, f.since) AS since
      FROM booked AS b FULL JOIN found AS f USING (subject, reference)
     WHERE coalesce(b.cents, 0) <> coalesce(f.cents, 0)
       AND (greatest(b.last, f.last) >= :since OR (subject, reference) IN {_OPEN})
     ORDER BY subject, reference
    """
)

_PAYOUT_TIES = text(
    f"""
    SELECT p.payout_id, p.amount_cents, p.state, p.created_at, p.arrives_on,
           (SELECT sum(amount_cents - fee_cents)::bigint FROM stripe_movements AS m
             WHERE m.payout_id = p.payout_id AND m.kind <> 'payout') AS movements_cents
      FROM stripe_payouts AS p
     WHERE p.created_at >= :since OR ('payout', p.payout_id) IN {_OPEN}
     ORDER BY p.created_at
    """
)

_UNTIED = text(
    """
    SELECT payout_id FROM stripe_payouts AS p
     WHERE payout_id = ANY(:payout_ids)
       AND amount_cents IS DISTINCT FROM
           (SELECT sum(amount_cents - fee_cents) FROM stripe_movements AS m
             WHERE m.payout_id = p.payout_id AND m.kind <> 'payout')
    """
).bindparams(bindparam("payout_ids", type_=ARRAY(TEXT)))

_FEES_TO_POST = text(
    f"""
    SELECT transaction_id, kind, fee_cents, created_at
      FROM (SELECT transaction_id, kind, created_at,
                   fee_cents - CASE kind WHEN 'fee' THEN amount_cents ELSE 0 END AS fee_cents
              FROM stripe_movements) AS m
     WHERE fee_cents <> 0
       AND NOT EXISTS (SELECT FROM ledger_transfers AS t
                        WHERE t.reason = '{Reason.STRIPE_FEE}' AND t.source_id = m.transaction_id)
     ORDER BY created_at, transaction_id
    """
)

_PAYOUTS_TO_POST = text(
    f"""
    SELECT payout_id, amount_cents, created_at FROM stripe_payouts AS p
     WHERE state <> 'failed' AND amount_cents <> 0
       AND NOT EXISTS (SELECT FROM ledger_transfers AS t
                        WHERE t.reason = '{Reason.PAYOUT}' AND t.source_id = p.payout_id)
     ORDER BY created_at, payout_id
    """
)

_PAYOUTS_TO_REVERSE = text(
    f"""
    SELECT payout_id FROM stripe_payouts AS p
      JOIN ledger_transfers AS t ON t.reason = '{Reason.PAYOUT}' AND t.source_id = p.payout_id
     WHERE p.state = 'failed'
       AND NOT EXISTS (SELECT FROM ledger_transfers AS r WHERE r.reverses = t.transfer_id)
    """
)

_CLEARING = text(
    """
    SELECT coalesce(sum(CASE debit WHEN 'stripe_clearing' THEN amount_cents
                                   ELSE -amount_cents END), 0)::bigint
      FROM ledger_transfers WHERE 'stripe_clearing' IN (debit, credit)
    """
)

_PARTS = text(
    """
    UPDATE reconciliations SET parts_left = parts_left + :more,
           found_cents = coalesce(:held_cents, found_cents)
     WHERE reconciliation_id = :reconciliation_id AND compared_at IS NULL
    RETURNING parts_left, looks_from, found_cents
    """
).bindparams(bindparam("held_cents", type_=INTEGER))

_COMPARED = text(
    """
    UPDATE reconciliations SET compared_at = :at, booked_cents = :booked_cents, breaks = :breaks
     WHERE reconciliation_id = :reconciliation_id
    """
)

_SEE_BREAK = text(
    """
    INSERT INTO reconciliation_breaks
           (break_id, kind, subject, reference, booked_cents, found_cents, since, first_seen_at,
            last_seen_at)
    VALUES (:break_id, :kind, :subject, :reference, :booked_cents, :found_cents, :since, :at, :at)
    ON CONFLICT (subject, reference, booked_cents, found_cents) WHERE gone_at IS NULL
    DO UPDATE SET kind = excluded.kind, last_seen_at = excluded.last_seen_at
    RETURNING break_id
    """
)

_GONE = text(
    """
    UPDATE reconciliation_breaks SET gone_at = :at
     WHERE gone_at IS NULL AND break_id <> ALL(:seen)
    """
).bindparams(bindparam("seen", type_=ARRAY(PG_UUID)))

_SETTLE = text(
    """
    UPDATE reconciliation_breaks SET settled_at = :at, settled_by = :by, note = :note
     WHERE break_id = :break_id
    """
)

_LOCK_BREAK = text(
    """
    SELECT kind, reference, found_cents, gone_at, settled_at FROM reconciliation_breaks
     WHERE break_id = :break_id FOR UPDATE
    """
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reconciliation is. `held_cents` is what Stripe holds, once it has said so."""

    parts_left: int
    looks_from: datetime
    held_cents: int | None


async def count_parts(
    tx: Transaction, reconciliation_id: UUID, more: int, *, held_cents: int | None = None
) -> Progress | None:
    """Note that parts were fetched or are wanted; `None` for one that was compared already."""
    row = (
        await tx.execute(
            _PARTS,
            {"reconciliation_id": reconciliation_id, "more": more, "held_cents": held_cents},
        )
    ).one_or_none()
    return row and Progress(row.parts_left, row.looks_from, row.found_cents)


async def keep_movements(
    tx: Transaction, movements: Sequence[Movement], *, payout_id: str | None = None
) -> None:
    """Keep what was seen; of one that is known only its payout is learned."""
    if movements:
        await tx.execute(
            _KEEP_MOVEMENT, [asdict(one) | {"payout_id": payout_id} for one in movements]
        )


async def keep_payouts(tx: Transaction, payouts: Sequence[Payout]) -> None:
    if payouts:
        await tx.execute(_KEEP_PAYOUT, [asdict(one) for one in payouts])


async def ties(tx: Transaction, since: datetime) -> list[Tie]:
    """What the two sides have otherwise, of all that moved on either since then or is a break."""
    rows = await tx.execute(_TIES, {"since": since})
    return [
        Tie(MovementKind(row.subject), row.reference, row.booked_cents, row.found_cents, row.since)
        for row in rows
    ]


async def payout_ties(tx: Transaction, since: datetime) -> list[tuple[Payout, int | None]]:
    """Payouts with the sum of what is in them; `None` where nothing was listed."""
    rows = await tx.execute(_PAYOUT_TIES, {"since": since})
    return [
        (
            Payout(
                row.payout_id,
                row.amount_cents,
                PayoutState(row.state),
                row.created_at,
                row.arrives_on,
            ),
            row.movements_cents,
        )
        for row in rows
    ]


async def untied(tx: Transaction, payout_ids: Sequence[str]) -> list[str]:
    """Of these payouts those whose movements are not all known."""
    return list((await tx.execute(_UNTIED, {"payout_ids": list(payout_ids)})).scalars())


async def fees_to_post(tx: Transaction) -> Sequence[Row[Any]]:
    """What Stripe kept as a fee and the ledger does not have: transaction, kind, cents, moment.

    Its own fees are amounts below zero, those of a payment stand beside the amount.
    """
    return (await tx.execute(_FEES_TO_POST)).all()


async def payouts_to_post(tx: Transaction) -> Sequence[Row[Any]]:
    """Payouts that the ledger does not have: id, cents, moment."""
    return (await tx.execute(_PAYOUTS_TO_POST)).all()


async def payouts_to_reverse(tx: Transaction) -> Sequence[str]:
    """Payouts that the ledger has and that came back."""
    return (await tx.execute(_PAYOUTS_TO_REVERSE)).scalars().all()


async def clearing_cents(tx: Transaction) -> int:
    """What the books say that Stripe holds."""
    return int((await tx.execute(_CLEARING)).scalar_one())


async def compared(
    tx: Transaction, reconciliation_id: UUID, booked_cents: int, breaks: Sequence[Break]
) -> None:
    """Keep the result, and every break: those that are not seen any more are gone."""
    seen = [
        (
            await tx.execute(_SEE_BREAK, asdict(one) | {"break_id": new_id(), "at": tx.now})
        ).scalar_one()
        for one in breaks
    ]
    await tx.execute(_GONE, {"at": tx.now, "seen": seen})
    await tx.execute(
        _COMPARED,
        {
            "reconciliation_id": reconciliation_id,
            "at": tx.now,
            "booked_cents": booked_cents,
            "breaks": len(breaks),
        },
    )


async def settle(tx: Transaction, break_id: UUID, note: str, by: str) -> None:
    """Note why a break may stay, or where its money went."""
    sealed = tx.vault.seal({"note": note}, table=_BREAKS.name, column="note", row=break_id)
    await tx.execute(_SETTLE, {"break_id": break_id, "note": sealed, "by": by, "at": tx.now})


async def lock_break(tx: Transaction, break_id: UUID) -> Row[Any] | None:
    """A break as it stands; nobody else settles it meanwhile."""
    return (await tx.execute(_LOCK_BREAK, {"break_id": break_id})).one_or_none()


def note_of(tx: Transaction, break_id: UUID, sealed: bytes | None) -> str | None:
    """Why a break was let be, as it was written."""
    if sealed is None:
        return None
    opened = tx.vault.open(sealed, table=_BREAKS.name, column="note", row=break_id)
    return str(opened["note"])


_RUNS: Table = Reconciliation.__table__  # type: ignore[attr-defined]  # every table=True model has one
_BREAKS: Table = ReconciliationBreak.__table__  # type: ignore[attr-defined]  # as above

BY_BEGINNING = (_RUNS.c.began_at, _RUNS.c.reconciliation_id)
BY_AGE = (_BREAKS.c.since, _BREAKS.c.break_id)


def runs() -> Select[Any]:
    return select(*_RUNS.c)


def open_breaks(*, settled: bool) -> Select[Any]:
    """What differs still: what waits for a person, or what one has let be."""
    is_settled = _BREAKS.c.settled_at.is_not(None)
    return select(*_BREAKS.c).where(
        _BREAKS.c.gone_at.is_(None), is_settled if settled else ~is_settled
    )
