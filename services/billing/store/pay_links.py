"""Pages on which patients pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import BYTEA, TEXT

from services.billing.gateways.pay_links import LinkOrder, MadeLink
from services.billing.rules.charges.attempts import AttemptState, key_may_be_forgotten
from services.billing.rules.payments.pay_links import LinkState, is_too_late
from services.billing.tables import PayLink, PaymentAttempt
from services.billing.work import CreatePayLink, ExpirePayLink
from shared.messaging import Transaction

_UNMADE = text(
    """
    SELECT a.amount_cents, u.stripe_customer_id, l.created_at, l.expires_at
      FROM pay_links AS l
      JOIN payment_attempts AS a ON a.attempt_id = l.pay_link_id
      JOIN charges AS c ON c.charge_id = l.charge_id
      LEFT JOIN customers AS u ON u.patient_id = c.patient_id
     WHERE l.pay_link_id = :pay_link_id AND l.state = 'pending'
    """
)

_TO_CLOSE = text(
    "SELECT stripe_session_id FROM pay_links WHERE pay_link_id = :pay_link_id"
    " AND state = 'withdrawn' AND stripe_session_id IS NOT NULL"
)

_LOCK_CHARGE = text(
    """
    SELECT FROM charges AS c JOIN pay_links AS l USING (charge_id)
     WHERE l.pay_link_id = :pay_link_id
       FOR UPDATE OF c
    """
)

_LINK = text(
    """
    SELECT l.pay_link_id, l.charge_id, c.patient_id, a.amount_cents, l.state, l.why, l.sealed,
           l.sent_no, l.created_at, l.expires_at
      FROM pay_links AS l
      JOIN payment_attempts AS a ON a.attempt_id = l.pay_link_id
      JOIN charges AS c ON c.charge_id = l.charge_id
     WHERE l.pay_link_id = :pay_link_id
    """
)

_SET = text(
    """
    UPDATE pay_links
       SET state = :state,
           stripe_session_id = coalesce(:session_id, stripe_session_id),
           sealed = coalesce(:sealed, sealed),
           ended_at = CASE WHEN :state NOT IN ('pending', 'open') THEN coalesce(ended_at, :at) END
     WHERE pay_link_id = :pay_link_id
    """
).bindparams(
    bindparam("state", type_=TEXT),
    bindparam("session_id", type_=TEXT),
    bindparam("sealed", type_=BYTEA),
)

_WITHDRAW = text(
    """
    UPDATE pay_links SET state = 'withdrawn', ended_at = :at
     WHERE charge_id = :charge_id AND state IN ('pending', 'open')
    RETURNING pay_link_id
    """
)

_PAST_END = text(
    """
    SELECT stripe_session_id FROM pay_links
     WHERE state = 'open' AND expires_at <= :due_before
     ORDER BY expires_at
    """
)

_SEND = text("UPDATE pay_links SET sent_no = sent_no + 1 WHERE pay_link_id = :pay_link_id")


async def load_unmade(tx: Transaction, work: CreatePayLink) -> LinkOrder | None:
    """What Stripe is asked for; `None` once the page is there, or nobody wants it any more."""
    found = await tx.execute(_UNMADE, {"pay_link_id": work.pay_link_id})
    row = found.one_or_none()
    return row and LinkOrder(
        pay_link_id=work.pay_link_id,
        amount_cents=row.amount_cents,
        customer_id=row.stripe_customer_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        look_first=key_may_be_forgotten(row.created_at, tx.now),
        too_late=is_too_late(row.created_at, tx.now),
    )


async def load_to_close(tx: Transaction, work: ExpirePayLink) -> MadeLink | None:
    """`None` when there is nothing to close."""
    found = await tx.execute(_TO_CLOSE, {"pay_link_id": work.pay_link_id})
    session_id: str | None = found.scalar_one_or_none()
    return None if session_id is None else MadeLink(session_id)


@dataclass(frozen=True, slots=True)
class Link:
    """A pay link; `sealed` holds its address."""

    pay_link_id: UUID
    charge_id: UUID
    patient_id: UUID
    amount_cents: int
    state: LinkState
    why: str
    sealed: bytes | None
    sent_no: int
    created_at: datetime
    expires_at: datetime


async def read_link(tx: Transaction, pay_link_id: UUID) -> Link | None:
    row = (await tx.execute(_LINK, {"pay_link_id": pay_link_id})).one_or_none()
    return row and Link(**{**row._mapping, "state": LinkState(row.state)})  # noqa: SLF001  # SQLAlchemy's public name for it


async def lock_link(tx: Transaction, pay_link_id: UUID) -> Link | None:
    """Lock first, then look: who changes a link locks its charge."""
    await tx.execute(_LOCK_CHARGE, {"pay_link_id": pay_link_id})
    return await read_link(tx, pay_link_id)


def add_link(
    tx: Transaction,
    *,
    pay_link_id: UUID,
    charge_id: UUID,
    amount_cents: int,
    why: str,
    expires_at: datetime,
) -> None:
    """Write a pay link and the try that it stands for."""
    tx.insert(
        PaymentAttempt,
        attempt_id=pay_link_id,
        charge_id=charge_id,
        amount_cents=amount_cents,
        state=AttemptState.OFFERED.value,
        created_at=tx.now,
        decided_at=tx.now,
    )
    tx.insert(
        PayLink,
        pay_link_id=pay_link_id,
        charge_id=charge_id,
        state=LinkState.PENDING.value,
        why=why,
        sent_no=0,
        created_at=tx.now,
        expires_at=expires_at,
    )


async def set_link(
    tx: Transaction,
    pay_link_id: UUID,
    state: LinkState,
    *,
    session_id: str | None = None,
    sealed: bytes | None = None,
) -> None:
    """A link's new state; nothing happens where the try was no link."""
    await tx.execute(
        _SET,
        {
            "pay_link_id": pay_link_id,
            "state": state.value,
            "session_id": session_id,
            "sealed": sealed,
            "at": tx.now,
        },
    )


async def withdraw(tx: Transaction, charge_id: UUID) -> list[UUID]:
    """Nobody is to pay by a charge's link any more. The links that were out."""
    withdrawn = await tx.execute(_WITHDRAW, {"charge_id": charge_id, "at": tx.now})
    return list(withdrawn.scalars())


async def past_end(tx: Transaction, due_before: datetime) -> list[str]:
    """The pages at Stripe that are still out and were to end by then."""
    found = await tx.execute(_PAST_END, {"due_before": due_before})
    return list(found.scalars())


async def count_sent(tx: Transaction, pay_link_id: UUID) -> None:
    await tx.execute(_SEND, {"pay_link_id": pay_link_id})


_LINKS: Table = PayLink.__table__  # type: ignore[attr-defined]  # every table=True model has one
_ATTEMPTS: Table = PaymentAttempt.__table__  # type: ignore[attr-defined]  # as above

BY_CREATION = (_LINKS.c.created_at, _LINKS.c.pay_link_id)


def links_of(charge_id: UUID) -> Select[Any]:
    """A charge's links, without their addresses."""
    shown = (
        _LINKS.c[name]
        for name in ("pay_link_id", "state", "why", "sent_no", "created_at", "expires_at")
    )
    return (
        select(*shown, _ATTEMPTS.c.amount_cents)
        .join(_ATTEMPTS, _ATTEMPTS.c.attempt_id == _LINKS.c.pay_link_id)
        .where(_LINKS.c.charge_id == charge_id)
    )
