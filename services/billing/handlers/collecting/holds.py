"""Holds: while one is open, nothing is asked of the patient."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from services.billing.handlers.collecting import steps
from services.billing.handlers.payments import pay_links
from services.billing.rules.collecting.dunning import Next, Step
from services.billing.rules.disputes.course import HOLD_OF_DISPUTE
from services.billing.rules.estimates.disputes import HOLD_OF_ESTIMATE_DISPUTE
from services.billing.rules.payments.pay_links import LinkReason
from services.billing.store import charges, disputes, estimate_disputes
from services.billing.store import holds as store
from services.billing.tables import CollectionsHold
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class HoldReason(StrEnum):
    """Why nothing is asked.

    `estimate_dispute` is a patient-provider dispute about a good faith estimate (45 CFR 149.620),
    `clinical` a clinician's word that the patient is not to be asked now.
    """

    DISPUTE = "dispute"
    ESTIMATE_DISPUTE = "estimate_dispute"
    HARDSHIP = "hardship"
    CLINICAL = "clinical"


class OpenHold(BaseModel):
    """Of one charge, or of all that a patient owes."""

    patient_id: UUID
    charge_id: UUID | None = None
    reason: HoldReason


class HoldListed(OpenHold):
    hold_id: UUID
    opened_by: str
    opened_at: datetime


class HoldEnded(BaseModel):
    hold_id: UUID
    patient_id: UUID
    charge_id: UUID | None


async def open_hold(wish: OpenHold, by: str, tx: Transaction) -> HoldListed | Refused:
    """Stop asking. A page that is out is closed; a try that Stripe has not had yet is not sent."""
    if wish.charge_id is not None and not await store.is_of(tx, wish.charge_id, wish.patient_id):
        return Refused.not_found("charge")
    hold = HoldListed(hold_id=new_id(), opened_by=by, opened_at=tx.now, **wish.model_dump())
    tx.insert(CollectionsHold, **hold.model_dump())
    for charge_id in await store.charges_under(tx, wish.patient_id, wish.charge_id):
        await charges.lock(tx, charge_id)
        if await pay_links.withdraw(charge_id, tx):
            again = Next(Step.SEND_LINK, tx.now, LinkReason.NEW_CARD_NEEDED)
            await steps.leave(charge_id, again, tx)
    return hold


async def end_hold(hold_id: UUID, by: str, tx: Transaction) -> HoldEnded | Refused:
    """Go on where it was stopped, unless another hold is open."""
    if await disputes.is_open_under(tx, hold_id):
        return Refused.by_rules([HOLD_OF_DISPUTE])
    if await estimate_disputes.is_open_under(tx, hold_id):
        return Refused.by_rules([HOLD_OF_ESTIMATE_DISPUTE])
    ended = await store.end(tx, hold_id, by)
    if ended is None:
        known = await store.read(tx, hold_id)
        if known is None:
            return Refused.not_found("hold")
        return Refused.because(
            "hold_ended", "This hold has ended already.", source="a hold ends once"
        )
    for charge_id in await store.charges_under(tx, ended.patient_id, ended.charge_id):
        await steps.go_on(charge_id, tx)
    return HoldEnded(hold_id=hold_id, patient_id=ended.patient_id, charge_id=ended.charge_id)


async def list_holds(asked: Paging, tx: Transaction) -> Page[HoldListed] | Refused:
    """The holds that are open, the oldest first."""
    return await page(
        tx,
        store.open_holds(),
        by=store.BY_OPENING,
        asked=asked,
        item=lambda row: HoldListed.model_validate(row, from_attributes=True),
    )
