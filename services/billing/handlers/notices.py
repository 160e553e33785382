"""What Stripe tells, once each: what it is about is asked for, what it says is not believed.

A notice comes by webhook; one that never came is found in Stripe's list of events.
"""

from __future__ import annotations

import structlog

from services.billing.gateways.news import News
from services.billing.rules.notices import CARDS, DISPUTES, PAGES, PAYMENTS, REFUNDS, SETUPS, Window
from services.billing.store import notices as store
from services.billing.work import (
    CatchUp,
    ListNotices,
    LookAtCard,
    LookAtDispute,
    LookAtPayLink,
    LookAtPayment,
    LookAtRefund,
    LookAtSetup,
    NoticesListed,
)
from shared.http.webhooks import Notice, claim
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

VENDOR = "stripe"


async def take_notice(notice: Notice, tx: Transaction) -> None:
    """Leave the question to Stripe as work. One question answers all notices that wait for it."""
    if notice.kind in PAYMENTS:
        work = LookAtPayment(payment_intent_id=notice.object_id)
        tx.do(work, key=f"look:{notice.object_id}")
    elif notice.kind in SETUPS:
        tx.do(LookAtSetup(setup_intent_id=notice.object_id), key=f"look:{notice.object_id}")
    elif notice.kind in REFUNDS:
        tx.do(LookAtRefund(stripe_refund_id=notice.object_id), key=f"look:{notice.object_id}")
    elif notice.kind in PAGES:
        tx.do(LookAtPayLink(session_id=notice.object_id), key=f"look:{notice.object_id}")
    elif notice.kind in CARDS:
        tx.do(LookAtCard(payment_method_id=notice.object_id), key=f"look:{notice.object_id}")
    elif notice.kind in DISPUTES:
        tx.do(LookAtDispute(stripe_dispute_id=notice.object_id), key=f"look:{notice.object_id}")


async def catch_up(_: CatchUp, tx: Transaction) -> None:
    """Webhooks may never come: Stripe gives up after three days, and an address can be wrong."""
    _list_next(tx)


async def list_notices(window: Window, news: News) -> NoticesListed:
    return await news.told(window)


async def take_listed(listed: NoticesListed, tx: Transaction) -> None:
    """Take what was not told, and go on until now is reached."""
    missed = await claim(VENDOR, listed.notices, tx)
    for notice in missed:
        await take_notice(notice, tx)
    if missed:
        log.warning("notices_missed")
    await store.saw_until(tx, listed.until)
    if listed.until < tx.now:
        _list_next(tx)


def _list_next(tx: Transaction) -> None:
    tx.do(ListNotices(), key="stripe-notices")
