"""How far Stripe's list of events was gone through."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from services.billing.rules.notices import Window, next_window
from services.billing.work import ListNotices
from shared.messaging import Transaction

_SEEN = text(
    "SELECT coalesce((SELECT seen_until FROM notices_seen),"
    " least((SELECT min(created_at) FROM customers), (SELECT min(created_at) FROM pay_links)))"
)

_SAW = text(
    """
    INSERT INTO notices_seen (vendor, seen_until) VALUES ('stripe', :until)
    ON CONFLICT (vendor) DO UPDATE
       SET seen_until = greatest(notices_seen.seen_until, excluded.seen_until)
    """
)


async def load_window(tx: Transaction, _: ListNotices) -> Window | None:
    """The next stretch to go through; `None` before Stripe was asked for anything.

    All that is ours at Stripe begins with a customer or a page.
    """
    seen_until: datetime | None = (await tx.execute(_SEEN)).scalar_one()
    return None if seen_until is None else next_window(seen_until, tx.now)


async def saw_until(tx: Transaction, until: datetime) -> None:
    await tx.execute(_SAW, {"until": until})
