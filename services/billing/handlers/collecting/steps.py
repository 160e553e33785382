"""What a refusal, a page's end and money lead to: the next step is kept, and falls due."""

from __future__ import annotations

from uuid import UUID

from services.billing.handlers.payments import pay_links
from services.billing.rules.charges.standing import Standing
from services.billing.rules.collecting import dunning as rules
from services.billing.rules.collecting.declines import DeclineCodes
from services.billing.rules.collecting.dunning import DunningState, Next, Step
from services.billing.rules.payments.pay_links import LinkReason, link_reason
from services.billing.store import collecting as store
from services.billing.tables import Dunning
from services.billing.work import PayLinkEnded, TakeStep, step_key
from shared.events.billing import DeclineReason
from shared.messaging import Transaction


def begin_without_card(tx: Transaction, charge_id: UUID, reason: DeclineReason) -> None:
    """There is no card that may be tried: the patient is asked to pay on a page."""
    _begin(tx, charge_id, Step.SEND_LINK, link_reason(reason))
    tx.do(TakeStep(charge_id=charge_id), key=step_key(charge_id))


def begin_under_hold(tx: Transaction, charge_id: UUID) -> None:
    """Nothing may be asked of the patient now: the card is tried once the hold ends."""
    _begin(tx, charge_id, Step.TRY_CARD)


async def try_after_hold(charge_id: UUID, tx: Transaction) -> None:
    """The same of a try that was under way when the hold began."""
    await store.begin(tx, charge_id)
    await leave(charge_id, Next(Step.TRY_CARD, tx.now), tx)


def _begin(tx: Transaction, charge_id: UUID, step: Step, why: LinkReason | None = None) -> None:
    tx.insert(
        Dunning,
        charge_id=charge_id,
        state=DunningState.GOING_ON.value,
        began_at=tx.now,
        tries=0,
        links=0,
        step=step.value,
        step_at=tx.now,
        why=why and why.value,
    )


async def after_decline(
    charge_id: UUID, reason: DeclineReason, codes: DeclineCodes, tx: Transaction
) -> None:
    """A card was refused: by the policy in force, what comes next, and when."""
    course = await store.begin(tx, charge_id)
    zone = await store.zone(tx, charge_id)
    policies = await store.policies(tx, tx.now.astimezone(zone).date())
    following = rules.after_decline(course, reason, codes, policies, tx.now, zone)
    await leave(charge_id, following, tx)


async def leave(charge_id: UUID, following: Next, tx: Transaction) -> None:
    await store.leave(tx, charge_id, following)
    tx.do(TakeStep(charge_id=charge_id), due=following.at, key=step_key(charge_id))


async def go_on(charge_id: UUID, tx: Transaction) -> None:
    """Take the step that waits, where one does: what stood in its way is gone."""
    waiting = await store.going_on(tx, charge_id)
    if waiting is not None:
        due = max(waiting.next.at, tx.now)
        tx.do(TakeStep(charge_id=charge_id), due=due, key=step_key(charge_id))


async def record_link_ended(ended: PayLinkEnded, tx: Transaction) -> None:
    """Nobody paid on a page: another one follows, or a person."""
    charge_id = await pay_links.end_unpaid(ended.pay_link_id, tx)
    waiting = None if charge_id is None else await store.going_on(tx, charge_id)
    if charge_id is None or waiting is None:
        return
    zone = await store.zone(tx, charge_id)
    policies = await store.policies(tx, tx.now.astimezone(zone).date())
    following = rules.after_link(waiting.course, policies, tx.now, zone)
    await leave(charge_id, following, tx)


async def owes_less(charge_id: UUID, standing: Standing, tx: Transaction) -> None:
    """Something was paid or given up. A page for more than is owed now is closed.

    When nothing is owed any more the dunning is over; for the rest another page goes out.
    """
    was_out = await pay_links.withdraw(charge_id, tx)
    if standing.owed_cents == 0:
        await store.end(tx, charge_id, DunningState.SETTLED)
        tx.cancel(step_key(charge_id))
    elif was_out and await store.going_on(tx, charge_id) is not None:
        await leave(charge_id, Next(Step.SEND_LINK, tx.now, LinkReason.NEW_CARD_NEEDED), tx)
