"""What differs between the books and the other side of the money: listed, and settled by a person.

A break is let be with a reason, or, where the money stands in suspense, posted to where it belongs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, StringConstraints, computed_field
from sqlalchemy import Row

from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.rules.approvals import Entry
from services.billing.rules.books import ledger
from services.billing.rules.books import reconciliation as rules
from services.billing.rules.books.ledger import Account
from services.billing.rules.books.reconciliation import BreakKind, MovementKind
from services.billing.rules.books.suspense import Belongs, broken_by_settling
from services.billing.store import reconciliation as store
from services.billing.store.ledger import post
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class BreakListed(BaseModel):
    """`reference` is Stripe's id of what moved, or CareCredit's own."""

    break_id: UUID
    kind: BreakKind
    subject: MovementKind
    reference: str
    booked_cents: int
    found_cents: int
    since: datetime
    age_days: int
    first_seen_at: datetime
    last_seen_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    note: str | None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What differs, and what to do about it."""
        return rules.what_to_do(self.kind, self.subject, self.booked_cents, self.found_cents)


class SettleBreak(BaseModel):
    """Why a difference may stay; it names no patient.

    Of money in suspense `belongs_to` is the account to which it is posted.
    """

    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
    belongs_to: Belongs | None = None


class BreakSettled(BaseModel):
    break_id: UUID
    settled_at: datetime


async def list_breaks(asked: Paging, tx: Transaction) -> Page[BreakListed] | Refused:
    """What differs and waits for a person, the oldest first."""
    return await _breaks(asked, tx, settled=False)


async def list_settled(asked: Paging, tx: Transaction) -> Page[BreakListed] | Refused:
    """What differs still and was let be, the oldest first."""
    return await _breaks(asked, tx, settled=True)


async def _breaks(asked: Paging, tx: Transaction, *, settled: bool) -> Page[BreakListed] | Refused:
    def item(row: Row[Any]) -> BreakListed:
        kept = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
        kept["note"] = store.note_of(tx, row.break_id, row.note)
        kept["age_days"] = (tx.now - row.since).days
        return BreakListed.model_validate(kept)

    return await page(
        tx, store.open_breaks(settled=settled), by=store.BY_AGE, asked=asked, item=item
    )


async def settle_break(
    break_id: UUID, wish: SettleBreak, by: str, tx: Transaction, *, seen: bool = False
) -> BreakSettled | ApprovalAsked | Refused:
    """Let a break be, with the reason. It is gone by itself once both sides agree.

    What is in suspense is posted to where it belongs. Above a limit that waits for a second
    person; `seen` says that one has looked at it.
    """
    found = await store.lock_break(tx, break_id)
    if found is None:
        return Refused.not_found("break")
    if refused := _over(found):
        return refused
    if broken := broken_by_settling(BreakKind(found.kind), wish.belongs_to):
        return Refused.by_rules(broken)
    if wish.belongs_to is not None:
        if not seen and (
            asked := await hold(
                tx,
                Entry.SUSPENSE,
                wish,
                subject_id=break_id,
                patient_id=None,
                amount_cents=abs(found.found_cents),
                by=by,
            )
        ):
            return asked
        account = Account(wish.belongs_to)
        post(tx, ledger.suspense_settled(found.reference, found.found_cents, account, tx.now))
    await store.settle(tx, break_id, wish.note, by)
    return BreakSettled(break_id=break_id, settled_at=tx.now)


def _over(found: Row[Any]) -> Refused | None:
    """Why nothing is left to settle, if nothing is."""
    if found.gone_at is not None:
        return Refused.because(
            "break_gone",
            "Both sides agree again: there is nothing to settle.",
            source="the last comparison",
        )
    if found.settled_at is not None:
        return Refused.because(
            "break_settled",
            "This break was settled already. Its note is in GET"
            " /reconciliation-breaks?settled=true.",
            source="a note is written once",
        )
    return None
