"""Cards on file: the patient becomes known to Stripe once, and agrees in their own browser."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.billing.gateways.cards import Cards, CustomerOrder, SetupOrder
from services.billing.handlers.payments import mandates
from services.billing.rules.clinic import clinic_day
from services.billing.rules.payments.cards import LOOK_AGAIN_AFTER, SetupState, may_become
from services.billing.rules.payments.mandates import NO_TEXT
from services.billing.store import cards as store
from services.billing.store import mandates as stored_mandates
from services.billing.tables import Card, CardSetup
from services.billing.work import (
    CardConfirmed,
    CardStands,
    CreateCustomer,
    CreateSetupIntent,
    CustomerKnown,
    DetachCard,
    LookAtCard,
    LookAtSetup,
    NothingToStore,
    SetupCancelled,
    SetupReady,
)
from shared.events.billing import CardSaved
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction


class SetupStarted(BaseModel):
    setup_id: UUID
    patient_id: UUID
    state: SetupState


class TextShown(BaseModel):
    """What the patient is shown, and agrees to by its number."""

    text_id: int
    body: str
    content_sha256: str


class SetupShown(BaseModel):
    """A set-up, and the text that it shows; `is_agreed` while a mandate for its card stands.

    While it is ready, what the patient's browser needs to confirm it with Stripe.
    """

    setup_id: UUID
    state: SetupState
    mandate_text: TextShown
    is_agreed: bool
    client_secret: str | None = None
    publishable_key: str | None = None


async def start_setup(patient_id: UUID, tx: Transaction) -> SetupStarted | Refused:
    """Begin to save a card, under the text in force. Stripe learns of the patient first, once."""
    shown = await stored_mandates.text_in_force(tx, clinic_day(tx.now))
    if shown is None:
        return Refused.by_rules([NO_TEXT])
    customer_id = await store.lock_customer(tx, patient_id)
    setup_id = new_id()
    tx.insert(
        CardSetup,
        setup_id=setup_id,
        patient_id=patient_id,
        state=SetupState.PENDING.value,
        created_at=tx.now,
        text_id=shown.text_id,
    )
    if customer_id is None:
        tx.do(CreateCustomer(patient_id=patient_id), key=f"customer:{patient_id}")
    else:
        _prepare(tx, setup_id)
    return SetupStarted(setup_id=setup_id, patient_id=patient_id, state=SetupState.PENDING)


def _prepare(tx: Transaction, setup_id: UUID) -> None:
    tx.do(CreateSetupIntent(setup_id=setup_id), key=f"setup:{setup_id}")


async def create_customer(order: CustomerOrder, cards: Cards) -> CustomerKnown:
    return await cards.create_customer(order)


async def record_customer(known: CustomerKnown, tx: Transaction) -> None:
    """Stripe knows the patient: what waited for that is prepared."""
    if await store.lock_customer(tx, known.patient_id) is not None:
        return
    await store.name_customer(tx, known.patient_id, known.customer_id)
    for setup_id in await store.waiting_setups(tx, known.patient_id):
        _prepare(tx, setup_id)


async def create_setup_intent(order: SetupOrder, cards: Cards) -> SetupReady:
    return await cards.create_setup(order)


async def record_setup_ready(ready: SetupReady, tx: Transaction) -> None:
    """Keep the secret for the patient's browser, and look again if nobody tells us the outcome."""
    setup = await store.lock_setup(tx, ready.setup_id)
    if setup is None or not may_become(setup.state, SetupState.READY):
        return
    secret = {"client_secret": ready.client_secret}
    await store.set_setup(
        tx,
        ready.setup_id,
        SetupState.READY,
        intent_id=ready.setup_intent_id,
        sealed=tx.vault.seal(secret, table="card_setups", column="sealed", row=ready.setup_id),
    )
    tx.do(
        LookAtSetup(setup_intent_id=ready.setup_intent_id),
        due=tx.now + LOOK_AGAIN_AFTER,
        key=f"look:{ready.setup_intent_id}",
    )


async def look_at_setup(
    work: LookAtSetup, cards: Cards
) -> CardConfirmed | SetupCancelled | NothingToStore:
    return await cards.setup(work.setup_intent_id)


async def record_card(confirmed: CardConfirmed, tx: Transaction) -> None:
    """Keep the card. It is the one on file unless a later set-up has brought one already.

    The patient may have taken the mandate back meanwhile: then Stripe does not keep it.
    """
    setup = await store.lock_setup(tx, confirmed.setup_id)
    if setup is None or not may_become(setup.state, SetupState.SAVED):
        return
    await store.set_setup(tx, confirmed.setup_id, SetupState.SAVED)
    card_id = new_id()
    tx.insert(
        Card,
        card_id=card_id,
        patient_id=setup.patient_id,
        setup_id=confirmed.setup_id,
        stripe_payment_method_id=confirmed.payment_method_id,
        brand=confirmed.brand,
        last4=confirmed.last4,
        expires_at=confirmed.expires_at,
        set_up_at=setup.created_at,
        saved_at=tx.now,
    )
    if await stored_mandates.is_withdrawn(tx, confirmed.setup_id):
        mandates.detach(tx, confirmed.payment_method_id)
    tx.publish(CardSaved(patient_id=setup.patient_id, card_id=card_id, saved_at=tx.now))


async def look_at_card(work: LookAtCard, cards: Cards) -> CardStands:
    return await cards.card(work.payment_method_id)


async def detach_card(work: DetachCard, cards: Cards) -> CardStands:
    return await cards.detach(work.payment_method_id)


async def record_card_stands(stands: CardStands, tx: Transaction) -> None:
    """A bank renewed a card, or somebody took it off its customer at Stripe: then it is gone."""
    await store.set_card(tx, stands)


async def record_setup_cancelled(cancelled: SetupCancelled, tx: Transaction) -> None:
    await _fail(cancelled.setup_id, tx)


async def give_up_customer(work: CreateCustomer, tx: Transaction) -> None:
    """What waited for the customer fails; the next set-up asks for one again."""
    if await store.lock_customer(tx, work.patient_id) is None:
        for setup_id in await store.waiting_setups(tx, work.patient_id):
            await _fail(setup_id, tx)


async def give_up_setup(work: CreateSetupIntent, tx: Transaction) -> None:
    """Nobody waits for a set-up that is never prepared."""
    await _fail(work.setup_id, tx)


async def _fail(setup_id: UUID, tx: Transaction) -> None:
    setup = await store.lock_setup(tx, setup_id)
    if setup is not None and may_become(setup.state, SetupState.FAILED):
        await store.set_setup(tx, setup_id, SetupState.FAILED)


async def show_setup(
    patient_id: UUID, setup_id: UUID, publishable_key: str, tx: Transaction
) -> SetupShown | Refused:
    """A set-up; its secret only while the patient can use it."""
    found = await store.read_setup(tx, patient_id, setup_id)
    if found is None:
        return Refused.not_found("card set-up")
    shown = SetupShown(
        setup_id=setup_id,
        state=found.state,
        mandate_text=TextShown(
            text_id=found.text_id,
            body=found.body,
            content_sha256=found.content_sha256.hex(),
        ),
        is_agreed=found.is_agreed,
    )
    if found.state is not SetupState.READY or found.sealed is None:
        return shown
    opened = tx.vault.open(found.sealed, table="card_setups", column="sealed", row=setup_id)
    for_browser = {
        "client_secret": opened["client_secret"],
        "publishable_key": publishable_key,
    }
    return shown.model_copy(update=for_browser)
