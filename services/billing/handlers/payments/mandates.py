"""Mandates: what a patient agrees to when a card is saved, that they did, and that they no more do.

Which words were in force, who agreed to them, when and how is kept as long as the card's payments
can be doubted. Nothing of it is changed; a mandate that is withdrawn has its card taken off.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, StringConstraints
from sqlalchemy import Row

from services.billing.handlers.charges.fees import Day
from services.billing.rules.clinic import clinic_day
from services.billing.rules.payments import mandates as rules
from services.billing.rules.payments.mandates import Way
from services.billing.store import mandates as store
from services.billing.tables import MandateText
from services.billing.work import DetachCard
from shared.claims import PRINTABLE
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction

Body = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=40, max_length=4000, pattern=PRINTABLE),
]
Source = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=PRINTABLE),
]


class NewMandateText(BaseModel):
    """What is agreed to from a day on, until the next text begins."""

    effective_from: Day
    body: Body
    source: Source


class MandateTextShown(BaseModel):
    """A text as patients see it. `content_sha256` is over the UTF-8 of its body, in hex."""

    text_id: int
    effective_from: date
    body: str
    content_sha256: str
    source: str
    recorded_by: str
    recorded_at: datetime


class Agree(BaseModel):
    """A patient agrees to the text that a set-up shows.

    On a page, where they tick a box: `ip` is their browser's address. Or at the desk, before
    whoever notes it.
    """

    text_id: int
    way: Way
    ip: IPv4Address | IPv6Address | None = None


class MandateShown(BaseModel):
    """Who agreed to which words, when and how. The SetupIntent is Stripe's record beside ours."""

    mandate_id: UUID
    patient_id: UUID
    setup_id: UUID
    stripe_setup_intent_id: str | None
    text_id: int
    body: str
    content_sha256: str
    way: Way
    taken_by: str | None
    ip: str | None
    agreed_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None


async def record_text(wish: NewMandateText, by: str, tx: Transaction) -> MandateTextShown | Refused:
    """Add a text. None is ever changed: who agreed to one has agreed to its words."""
    if broken := rules.broken_by_text(wish.effective_from, clinic_day(tx.now)):
        return Refused.by_rules(broken)
    shown = MandateTextShown(
        text_id=await store.next_text_id(tx),
        content_sha256=hashlib.sha256(wish.body.encode()).hexdigest(),
        recorded_by=by,
        recorded_at=tx.now,
        **wish.model_dump(),
    )
    values = shown.model_dump() | {"content_sha256": bytes.fromhex(shown.content_sha256)}
    tx.insert(MandateText, **values)
    return shown


async def list_texts(asked: Paging, tx: Transaction) -> Page[MandateTextShown] | Refused:
    """All texts that were ever in force or are going to be, in the order of their entry."""
    return await page(tx, store.texts(), by=store.BY_TEXT, asked=asked, item=_text)


def _text(row: Row[Any]) -> MandateTextShown:
    kept = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return MandateTextShown.model_validate(kept | {"content_sha256": row.content_sha256.hex()})


async def agree(
    patient_id: UUID, setup_id: UUID, wish: Agree, by: str, tx: Transaction
) -> MandateShown | Refused:
    """Note that the patient agrees, as it happens."""
    setup = await store.lock_setup(tx, patient_id, setup_id)
    if setup is None:
        return Refused.not_found("card set-up")
    broken = rules.broken_by_agreement(
        setup.state,
        setup.text_id,
        wish.text_id,
        wish.way,
        has_ip=wish.ip is not None,
        is_known=setup.is_known,
    )
    if broken:
        return Refused.by_rules(broken)
    mandate_id = await store.keep(
        tx,
        patient_id,
        setup_id,
        wish.text_id,
        wish.way,
        taken_by=by if wish.way is Way.IN_PERSON else None,
        ip=None if wish.ip is None else str(wish.ip),
    )
    return await _shown(tx, mandate_id)


async def withdraw(
    patient_id: UUID, mandate_id: UUID, by: str, tx: Transaction
) -> MandateShown | Refused:
    """The patient says no more. From now on the card is not charged; Stripe is told to drop it."""
    found = await store.lock(tx, patient_id, mandate_id)
    if found is None:
        return Refused.not_found("mandate")
    if found.withdrawn_at is not None:
        return Refused.by_rules([rules.WITHDRAWN_BEFORE])
    for payment_method_id in await store.withdraw(tx, mandate_id, by):
        detach(tx, payment_method_id)
    return await _shown(tx, mandate_id)


def detach(tx: Transaction, payment_method_id: str) -> None:
    """Have Stripe take a card off its customer, for good."""
    work = DetachCard(payment_method_id=payment_method_id)
    tx.do(work, key=f"detach:{payment_method_id}")


async def _shown(tx: Transaction, mandate_id: UUID) -> MandateShown:
    return _mandate(await store.find(tx, mandate_id), tx)


async def list_mandates(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[MandateShown] | Refused:
    """What a patient has agreed to, also what they took back, the oldest first."""
    return await page(
        tx,
        store.mandates_of(patient_id),
        by=store.BY_AGREEMENT,
        asked=asked,
        item=lambda row: _mandate(row, tx),
    )


def _mandate(row: Row[Any], tx: Transaction) -> MandateShown:
    kept = dict(row._mapping)  # noqa: SLF001  # as above
    kept["content_sha256"] = row.content_sha256.hex()
    kept["ip"] = store.ip_of(tx, row.mandate_id, row.ip)
    return MandateShown.model_validate(kept)
