"""What is parked, as whoever looks after a service sees it listed."""

from __future__ import annotations

from shared.http.pages import MAX_ITEMS, Page, Paging
from shared.messaging import Transaction, parked
from shared.messaging.parked import ParkedItem


async def parked_items(tx: Transaction, consumer: str = "none") -> list[ParkedItem]:
    """Parked work and outbox rows, and a consumer's events where one is named."""
    page = await parked.listed(consumer, Paging(MAX_ITEMS, None), tx)
    assert isinstance(page, Page)
    return page.items
