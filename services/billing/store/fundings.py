"""CareCredit's funding reports, line by line, and the payments that they bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from services.billing.rules.books.funding import FundingTie, Line
from services.billing.rules.payments.care_credit import CareCreditState
from shared.ids import new_id
from shared.messaging import Transaction

_KEEP = text(
    """
    INSERT INTO care_credit_fundings (funding_id, reference, gross_cents, fee_cents, funded_on,
                                      recorded_by, recorded_at)
    VALUES (:funding_id, :reference, :gross_cents, :fee_cents, :funded_on, :by, :at)
    ON CONFLICT (reference, funded_on, gross_cents) DO NOTHING
    """
)

# A payment that was rejected stands for nothing: what comes for it is for a person. That of a
# package is a payment once its money is there.
_TO_TIE = text(
    """
    SELECT f.funding_id, t.tender_id, t.charge_id
      FROM care_credit_fundings AS f
      JOIN (SELECT payment_id, tender, reference FROM payments
            UNION
            SELECT purchase_id, tender, reference FROM package_purchases) AS p
        ON p.tender = 'care_credit' AND p.reference = f.reference
      JOIN care_credit_tenders AS t ON t.tender_id = p.payment_id
     WHERE f.tender_id IS NULL AND t.state IN ('reported', 'confirmed', 'funded')
     ORDER BY t.charge_id, f.funded_on, f.gross_cents DESC, f.funding_id
    """
)

_LINE = text(
    """
    SELECT f.gross_cents, f.fee_cents, f.funded_on, f.tender_id AS tied_to, t.state, t.amount_cents
      FROM care_credit_fundings AS f, care_credit_tenders AS t
     WHERE f.funding_id = :funding_id AND t.tender_id = :tender_id
       FOR UPDATE OF f
    """
)

_TIE = text("UPDATE care_credit_fundings SET tender_id = :tender_id WHERE funding_id = :funding_id")

_SUMS = text(
    """
    SELECT sum(gross_cents)::integer AS gross_cents, sum(fee_cents)::integer AS fee_cents
      FROM care_credit_fundings WHERE tender_id = :tender_id
    """
)

_TIES = text(
    """
    WITH booked AS (
        SELECT p.reference, t.state, t.fee_cents, p.refunded_cents > 0 AS is_refunded,
               CASE WHEN p.rejected_at IS NULL THEN p.amount_cents - p.refunded_cents
                    ELSE 0 END AS cents,
               t.begun_at AS since, greatest(t.changed_at, r.last) AS last
          FROM care_credit_tenders AS t JOIN payments AS p ON p.payment_id = t.tender_id
          LEFT JOIN LATERAL (SELECT max(asked_at) AS last FROM refunds
                              WHERE payment_id = p.payment_id) AS r ON true),
    found AS (
        SELECT reference, sum(gross_cents)::integer AS cents, sum(fee_cents)::integer AS fee_cents,
               bool_or(gross_cents < 0) AS has_taken_back, min(recorded_at) AS since,
               max(recorded_at) AS last
          FROM care_credit_fundings GROUP BY reference)
    SELECT reference, b.state, coalesce(b.cents, 0) AS booked_cents, b.fee_cents,
           f.cents AS found_cents, coalesce(f.fee_cents, 0) AS found_fee_cents,
           coalesce(f.has_taken_back, false) AS has_taken_back,
           coalesce(b.is_refunded, false) AS is_refunded,
           least(b.since, f.since) AS since, greatest(b.last, f.last) AS last
      FROM booked AS b FULL JOIN found AS f USING (reference)
     WHERE (b.cents, b.fee_cents) IS DISTINCT FROM (f.cents, f.fee_cents)
     ORDER BY reference
    """
)


async def keep(tx: Transaction, lines: Sequence[Line], by: str) -> int:
    """Keep the lines that are news; how many they are."""
    news = 0
    for line in lines:
        done = await tx.execute(
            _KEEP,
            {
                "funding_id": new_id(),
                "reference": line.reference,
                "gross_cents": line.gross_cents,
                "fee_cents": line.fee_cents,
                "funded_on": line.funded_on,
                "by": by,
                "at": tx.now,
            },
        )
        news += done.rowcount
    return news


async def to_tie(tx: Transaction) -> Sequence[Row[Any]]:
    """Lines whose payment is known and that are not tied to it yet, by charge."""
    return (await tx.execute(_TO_TIE)).all()


async def line(tx: Transaction, funding_id: UUID, tender_id: UUID) -> Row[Any]:
    """A line and its payment as they stand; the line is ours until the commit."""
    return (await tx.execute(_LINE, {"funding_id": funding_id, "tender_id": tender_id})).one()


async def tie(tx: Transaction, funding_id: UUID, tender_id: UUID) -> Row[Any]:
    """Tie a line to its payment. What its lines come to with this one."""
    await tx.execute(_TIE, {"funding_id": funding_id, "tender_id": tender_id})
    return (await tx.execute(_SUMS, {"tender_id": tender_id})).one()


async def ties(tx: Transaction) -> list[FundingTie]:
    """What the two sides have otherwise, however old it is."""
    return [
        FundingTie(
            reference=row.reference,
            state=row.state and CareCreditState(row.state),
            booked_cents=row.booked_cents,
            fee_cents=row.fee_cents,
            found_cents=row.found_cents,
            found_fee_cents=row.found_fee_cents,
            has_taken_back=row.has_taken_back,
            is_refunded=row.is_refunded,
            since=row.since,
            last=row.last,
        )
        for row in await tx.execute(_TIES)
    ]
