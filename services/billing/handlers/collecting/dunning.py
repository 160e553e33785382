"""Dunning takes its next step: it tries the card, offers a page, or leaves it to a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, computed_field

from services.billing.handlers.charges import attempts
from services.billing.handlers.collecting import steps
from services.billing.handlers.collecting.asking import broken_by_asking, broken_by_trying
from services.billing.handlers.payments import pay_links
from services.billing.rules.charges.attempts import broken_by_try
from services.billing.rules.collecting import dunning as rules
from services.billing.rules.collecting.asking import broken_by_least
from services.billing.rules.collecting.dunning import DunningState, Step
from services.billing.rules.payments.pay_links import LinkReason
from services.billing.store import charges
from services.billing.store import collecting as store
from services.billing.store.charges import LockedCharge
from services.billing.work import TakeStep
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.money import dollars


class GivenUp(BaseModel):
    """A charge for which everything that can be done without a person was done."""

    charge_id: UUID
    patient_id: UUID
    owed_cents: int
    tries: int
    links: int
    began_at: datetime
    ended_at: datetime

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What was done, and what is left to do."""
        return (
            f"{dollars(self.owed_cents)} is owed. The card was tried again {self.tries} times and"
            f" {self.links} pages were offered. Call the patient; then try a new card, record a"
            f" payment, or give it up: POST /charges/{self.charge_id}/adjustments."
        )


async def take_step(work: TakeStep, tx: Transaction) -> None:
    """What was planned is looked at once more: a hold, a payment or a try may have come between.

    Under a hold nothing is done; the end of the hold has it taken.
    """
    charge = await charges.lock_charge(tx, work.charge_id)
    waiting = await store.going_on(tx, work.charge_id)
    if charge is None or waiting is None or charge.owed.trying is not None:
        return
    if charge.owed.standing.owed_cents == 0 or waiting.next.at > tx.now:
        return
    if await broken_by_asking(tx, charge.patient_id, work.charge_id):
        return
    if broken_by_least(charge.owed.standing.owed_cents):
        await store.end(tx, work.charge_id, DunningState.GIVEN_UP)
        return
    opens_at = rules.by_day(tx.now, await store.zone(tx, work.charge_id))
    match waiting.next.step:
        case Step.TRY_CARD | Step.SEND_LINK if opens_at > tx.now:
            # It fell due by day, and the workers were away until the night, or a hold ended in it.
            await steps.leave(work.charge_id, replace(waiting.next, at=opens_at), tx)
        case Step.TRY_CARD:
            await _try_card(work.charge_id, charge, tx)
        case Step.SEND_LINK:
            why = waiting.next.why or LinkReason.NEW_CARD_NEEDED
            await _send_link(work.charge_id, charge, why, tx)
        case Step.GIVE_UP:
            await store.end(tx, work.charge_id, DunningState.GIVEN_UP)


async def _try_card(charge_id: UUID, charge: LockedCharge, tx: Transaction) -> None:
    card_id, owed_cents = charge.owed.card_id, charge.owed.standing.owed_cents
    if (
        card_id is None
        or broken_by_try(charge.owed, owed_cents)
        or await broken_by_trying(tx, card_id)
    ):
        await _send_link(charge_id, charge, LinkReason.NEW_CARD_NEEDED, tx)
        return
    await charges.set_standing(tx, charge_id, charge.owed.standing)
    attempts.start(tx, charge_id=charge_id, card_id=card_id, amount_cents=owed_cents)
    await store.count(tx, charge_id, tries=1)


async def _send_link(
    charge_id: UUID, charge: LockedCharge, why: LinkReason, tx: Transaction
) -> None:
    await pay_links.withdraw(charge_id, tx)
    pay_links.offer(tx, charge_id=charge_id, amount_cents=charge.owed.standing.owed_cents, why=why)
    await store.count(tx, charge_id, links=1)


async def list_given_up(asked: Paging, tx: Transaction) -> Page[GivenUp] | Refused:
    """What waits for a person, what has waited longest first."""
    return await page(
        tx,
        store.given_up(),
        by=store.BY_END,
        asked=asked,
        item=lambda row: GivenUp.model_validate(row, from_attributes=True),
    )
