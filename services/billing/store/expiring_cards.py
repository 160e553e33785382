"""Cards on file that expire before their patient's last visit, or soon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Row, Select, Text, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from shared.messaging import Transaction

_WITHIN_DAYS = text(
    """
    SELECT within_days FROM card_expiry_policies
     WHERE effective_from <= :on ORDER BY effective_from DESC LIMIT 1
    """
)

# Of each patient the card that would be charged, as in `visits`, unless a later one is there.
_LISTED = """
    SELECT k.card_id, k.patient_id, k.brand, k.last4, k.expires_at, v.last_visit_at
      FROM (SELECT DISTINCT ON (o.patient_id) o.*
              FROM cards AS o JOIN mandates AS m USING (setup_id)
             WHERE o.gone_at IS NULL AND m.withdrawn_at IS NULL
             ORDER BY o.patient_id, o.set_up_at DESC, o.setup_id DESC) AS k
      LEFT JOIN LATERAL (SELECT max(starts_at) AS last_visit_at FROM visits
                          WHERE patient_id = k.patient_id AND starts_at >= :now) AS v ON true
     WHERE k.expires_at <= greatest(CAST(:until AS timestamptz), v.last_visit_at)
"""

_EXPIRING = text(_LISTED).columns(
    card_id=PG_UUID,
    patient_id=PG_UUID,
    brand=Text,
    last4=Text,
    expires_at=DateTime(timezone=True),
    last_visit_at=DateTime(timezone=True),
)

# What a bank renewed expires on another day, and is told of then.
_NOTICE = text(
    f"""
    WITH untold AS (
        SELECT card_id, patient_id, expires_at FROM ({_LISTED}) AS e
         WHERE expires_at > :now
           AND NOT EXISTS (SELECT FROM card_notices AS n
                            WHERE n.card_id = e.card_id AND n.expires_at = e.expires_at)
         ORDER BY expires_at, card_id LIMIT :limit),
    told AS (
        INSERT INTO card_notices (card_id, expires_at, noticed_at)
        SELECT card_id, expires_at, CAST(:now AS timestamptz) FROM untold
        ON CONFLICT DO NOTHING
        RETURNING card_id)
    SELECT card_id, patient_id, expires_at FROM untold JOIN told USING (card_id)
     ORDER BY expires_at, card_id
    """
)


async def within_days(tx: Transaction, on: date) -> int:
    """How many days ahead a card is listed although no visit is booked after it expires."""
    return (await tx.execute(_WITHIN_DAYS, {"on": on})).scalar() or 0


def expiring(now: datetime, within_days: int) -> tuple[Select[Any], Sequence[ColumnElement[Any]]]:
    """The cards, and the order in which they are listed."""
    until = now + timedelta(days=within_days)
    found = _EXPIRING.bindparams(now=now, until=until).subquery("expiring")
    return select(*found.c), (found.c.expires_at, found.c.card_id)


async def notice(tx: Transaction, within_days: int, limit: int) -> Sequence[Row[Any]]:
    """Those of the list that are good still and of which nobody was told; they are from now on."""
    until = tx.now + timedelta(days=within_days)
    asked = {"now": tx.now, "until": until, "limit": limit}
    return (await tx.execute(_NOTICE, asked)).all()
