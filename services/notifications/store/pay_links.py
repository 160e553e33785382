"""Where patients pay: addresses, sealed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from shared.messaging import Transaction


async def keep_link(tx: Transaction, pay_link_id: UUID, url: str) -> None:
    sealed = tx.vault.seal({"url": url}, table="pay_links", column="sealed", row=pay_link_id)
    await tx.execute(
        text(
            "INSERT INTO pay_links (pay_link_id, sealed) VALUES (:pay_link_id, :sealed)"
            " ON CONFLICT DO NOTHING"
        ),
        {"pay_link_id": pay_link_id, "sealed": sealed},
    )


async def address_of(tx: Transaction, pay_link_id: UUID) -> str:
    """The address of a link that was kept."""
    found = await tx.execute(
        text("SELECT sealed FROM pay_links WHERE pay_link_id = :pay_link_id"),
        {"pay_link_id": pay_link_id},
    )
    opened = tx.vault.open(found.scalar_one(), table="pay_links", column="sealed", row=pay_link_id)
    return str(opened["url"])
