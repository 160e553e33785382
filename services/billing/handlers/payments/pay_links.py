"""Pay links: made where no saved card can pay, withdrawn as soon as nobody is to pay by them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.billing.gateways.pay_links import LinkOrder, MadeLink, PayLinks
from services.billing.handlers.collecting.asking import broken_by_asking
from services.billing.rules.charges.attempts import AttemptState
from services.billing.rules.collecting.declines import AbandonReason
from services.billing.rules.payments.pay_links import (
    LinkReason,
    LinkState,
    broken_by_link,
    due_before,
    expires_at,
    may_become,
)
from services.billing.store import attempts, charges
from services.billing.store import pay_links as store
from services.billing.store.pay_links import Link
from services.billing.work import (
    Captured,
    CreatePayLink,
    ExpirePayLink,
    LookAtPagesPastEnd,
    LookAtPayLink,
    NothingToStore,
    PayLinkEnded,
    PayLinkMade,
)
from shared.claims import PayLinkAddress
from shared.events.billing import PayLinkReady
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class PayLinkListed(BaseModel):
    """A page for one charge; its address is shown one link at a time."""

    pay_link_id: UUID
    state: LinkState
    why: LinkReason
    amount_cents: int
    sent_no: int
    created_at: datetime
    expires_at: datetime


class PayLinkShown(PayLinkListed):
    charge_id: UUID
    patient_id: UUID
    url: str | None


def offer(tx: Transaction, *, charge_id: UUID, amount_cents: int, why: LinkReason) -> UUID:
    """Have the patient asked to pay on a page. Its row is committed before Stripe hears of it."""
    pay_link_id = new_id()
    store.add_link(
        tx,
        pay_link_id=pay_link_id,
        charge_id=charge_id,
        amount_cents=amount_cents,
        why=why.value,
        expires_at=expires_at(tx.now),
    )
    tx.do(CreatePayLink(pay_link_id=pay_link_id), key=f"pay-link:{pay_link_id}")
    return pay_link_id


async def withdraw(charge_id: UUID, tx: Transaction) -> bool:
    """What is owed has changed, or a card is tried: nobody is to pay by the link any more.

    Whether one was out.
    """
    withdrawn = await store.withdraw(tx, charge_id)
    for pay_link_id in withdrawn:
        await attempts.end_attempt(
            tx, pay_link_id, AttemptState.ABANDONED, reason=AbandonReason.LINK_ENDED
        )
        _close(pay_link_id, tx)
    return bool(withdrawn)


def _close(pay_link_id: UUID, tx: Transaction) -> None:
    tx.do(ExpirePayLink(pay_link_id=pay_link_id), key=f"close-link:{pay_link_id}")


async def ask_for_link(charge_id: UUID, tx: Transaction) -> PayLinkShown | Refused:
    """Somebody at the desk has a link sent. One that is out is replaced."""
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    if broken := broken_by_link(charge.owed) or await broken_by_asking(
        tx, charge.patient_id, charge_id
    ):
        return Refused.by_rules(broken)
    await withdraw(charge_id, tx)
    pay_link_id = offer(
        tx,
        charge_id=charge_id,
        amount_cents=charge.owed.standing.owed_cents,
        why=LinkReason.ASKED_BY_STAFF,
    )
    link = await store.read_link(tx, pay_link_id)
    assert link is not None
    return _shown(link, tx)


async def create_link(order: LinkOrder, links: PayLinks) -> PayLinkMade | PayLinkEnded:
    return await links.create(order)


async def record_link_made(made: PayLinkMade, tx: Transaction) -> None:
    """The page is there: the patient is told. If nobody wants it any more, it is closed."""
    link = await store.lock_link(tx, made.pay_link_id)
    if link is None or link.sealed is not None:
        return
    sealed = tx.vault.seal(
        {"url": made.url}, table="pay_links", column="sealed", row=made.pay_link_id
    )
    opens = may_become(link.state, LinkState.OPEN)
    await store.set_link(
        tx,
        made.pay_link_id,
        LinkState.OPEN if opens else link.state,
        session_id=made.session_id,
        sealed=sealed,
    )
    if opens:
        await _tell(link, tx)
    else:
        _close(made.pay_link_id, tx)


async def _tell(link: Link, tx: Transaction) -> None:
    await store.count_sent(tx, link.pay_link_id)
    tx.publish(
        PayLinkReady(
            patient_id=link.patient_id,
            pay_link_id=link.pay_link_id,
            charge_id=link.charge_id,
            amount_cents=link.amount_cents,
            sent_no=link.sent_no + 1,
            expires_at=link.expires_at,
            ready_at=tx.now,
        )
    )


async def give_up_link(work: CreatePayLink, tx: Transaction) -> None:
    """A person gave up having it made."""
    await _end(work.pay_link_id, LinkState.FAILED, tx)


async def look_at_link(
    work: LookAtPayLink, links: PayLinks
) -> Captured | PayLinkEnded | NothingToStore:
    """Ask Stripe how a page stands. A webhook only says that it is worth asking."""
    return await links.link(work.session_id)


async def look_past_end(_: LookAtPagesPastEnd, tx: Transaction) -> None:
    """Stripe says how a page ended; where it said so in vain, it is asked until it has ended."""
    for session_id in await store.past_end(tx, due_before(tx.now)):
        tx.do(LookAtPayLink(session_id=session_id), key=f"look:{session_id}")


async def close_link(made: MadeLink, links: PayLinks) -> Captured | PayLinkEnded | NothingToStore:
    """Have nobody pay on a page any more; who did so before is found out here."""
    return await links.expire(made)


async def end_unpaid(pay_link_id: UUID, tx: Transaction) -> UUID | None:
    """A page ran out. Its charge; `None` where that is no news."""
    return await _end(pay_link_id, LinkState.EXPIRED, tx)


async def _end(pay_link_id: UUID, state: LinkState, tx: Transaction) -> UUID | None:
    link = await store.lock_link(tx, pay_link_id)
    if link is None or not may_become(link.state, state):
        return None
    await store.set_link(tx, pay_link_id, state)
    await attempts.end_attempt(
        tx, pay_link_id, AttemptState.ABANDONED, reason=AbandonReason.LINK_ENDED
    )
    return link.charge_id


async def list_links(
    charge_id: UUID, asked: Paging, tx: Transaction
) -> Page[PayLinkListed] | Refused:
    """A charge's links, the newest last."""
    return await page(
        tx,
        store.links_of(charge_id),
        by=store.BY_CREATION,
        asked=asked,
        item=lambda row: PayLinkListed.model_validate(row, from_attributes=True),
    )


async def show_link(pay_link_id: UUID, tx: Transaction) -> PayLinkShown | Refused:
    """A link with its address, while somebody can pay by it."""
    link = await store.read_link(tx, pay_link_id)
    return Refused.not_found("pay link") if link is None else _shown(link, tx)


def _shown(link: Link, tx: Transaction) -> PayLinkShown:
    url = None
    if link.state is LinkState.OPEN and link.sealed is not None and tx.now < link.expires_at:
        opened = tx.vault.open(
            link.sealed, table="pay_links", column="sealed", row=link.pay_link_id
        )
        url = opened["url"]
    return PayLinkShown(
        pay_link_id=link.pay_link_id,
        charge_id=link.charge_id,
        patient_id=link.patient_id,
        state=link.state,
        why=LinkReason(link.why),
        amount_cents=link.amount_cents,
        sent_no=link.sent_no,
        created_at=link.created_at,
        expires_at=link.expires_at,
        url=url,
    )


async def resend_link(pay_link_id: UUID, tx: Transaction) -> PayLinkShown | Refused:
    """Send a link that is out once more."""
    link = await store.lock_link(tx, pay_link_id)
    if link is None:
        return Refused.not_found("pay link")
    if link.state is not LinkState.OPEN or tx.now >= link.expires_at:
        return Refused.because(
            "link_not_open",
            f"This link is {link.state.value}: nobody can pay by it. Have a new one sent:"
            f" POST /charges/{link.charge_id}/pay-links.",
            source="a page at Stripe lives for a day and is paid once",
        )
    if broken := await broken_by_asking(tx, link.patient_id, link.charge_id):
        return Refused.by_rules(broken)
    await _tell(link, tx)
    shown = await store.read_link(tx, pay_link_id)
    assert shown is not None
    return _shown(shown, tx)


async def redeem_link(pay_link_id: UUID, tx: Transaction) -> PayLinkAddress | Refused:
    """The address of a page, for the service that sends it to the patient."""
    link = await store.read_link(tx, pay_link_id)
    if link is None:
        return Refused.not_found("pay link")
    return PayLinkAddress(
        pay_link_id=pay_link_id,
        patient_id=link.patient_id,
        url=_shown(link, tx).url,
        expires_at=link.expires_at,
    )
