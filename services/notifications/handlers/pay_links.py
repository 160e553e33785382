"""Pay links: the address is redeemed at billing, sent by mail, and never in an event.

By mail and not by text: Stripe's addresses are several texts long.
"""

from __future__ import annotations

from services.notifications.handlers import messages
from services.notifications.store import pay_links as store
from services.notifications.store.messages import Draft
from services.notifications.work import PayLinkRedeemed, RedeemPayLink
from shared.claims import PayLinkCheck
from shared.events.billing import PayLinkReady
from shared.events.notifications import Purpose
from shared.messaging import Transaction

PURPOSE = "patient_messages"


async def send_pay_link(event: PayLinkReady, tx: Transaction) -> None:
    """Ask billing where the patient can pay. Each sending is a message of its own."""
    work = RedeemPayLink(pay_link_id=event.pay_link_id, sent_no=event.sent_no)
    tx.do(work, key=f"pay-link:{event.pay_link_id}:{event.sent_no}")


async def redeem_pay_link(work: RedeemPayLink, links: PayLinkCheck) -> PayLinkRedeemed:
    """Ask for an address. Safe to repeat: it only reads."""
    found = await links.pay_link(work.pay_link_id, purpose=PURPOSE)
    return PayLinkRedeemed(
        pay_link_id=work.pay_link_id,
        patient_id=found.patient_id,
        sent_no=work.sent_no,
        url=found.url,
        expires_at=found.expires_at,
    )


async def mail_pay_link(found: PayLinkRedeemed, tx: Transaction) -> None:
    """Keep the address, sealed, and have its mail go. Of a page that has closed nothing is said."""
    if found.url is None or tx.now >= found.expires_at:
        return
    await store.keep_link(tx, found.pay_link_id, found.url)
    await messages.add(
        tx,
        Draft(
            patient_id=found.patient_id,
            purpose=Purpose.PAY_LINK,
            subject_id=found.pay_link_id,
            revision=found.sent_no,
            until_at=found.expires_at,
            due_at=tx.now,
        ),
    )
