"""A card is saved: customer, set-up, the patient's browser, the webhook; and it expires."""

from __future__ import annotations

from services.billing.gateways.cards import Cards
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.handlers.payments import cards, expiring
from services.billing.rules.payments.cards import next_notice
from services.billing.store import cards as stored_cards
from services.billing.work import (
    CardConfirmed,
    CardStands,
    CreateCustomer,
    CreateSetupIntent,
    CustomerKnown,
    DetachCard,
    LookAtCard,
    LookAtSetup,
    NoticeExpiring,
    SetupCancelled,
    SetupReady,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.work(
    CreateCustomer,
    loads=stored_cards.load_customer_order,
    calls=Cards,
    time_limit_s=CALL_LIMIT_S,
)(cards.create_customer)
on.discarded(CreateCustomer)(cards.give_up_customer)
on.outcome(CustomerKnown)(cards.record_customer)
on.work(
    CreateSetupIntent,
    loads=stored_cards.load_setup_order,
    calls=Cards,
    time_limit_s=CALL_LIMIT_S,
)(cards.create_setup_intent)
on.discarded(CreateSetupIntent)(cards.give_up_setup)
on.outcome(SetupReady)(cards.record_setup_ready)
on.work(LookAtSetup, calls=Cards)(cards.look_at_setup)
on.outcome(CardConfirmed)(cards.record_card)
on.outcome(SetupCancelled)(cards.record_setup_cancelled)
on.work(LookAtCard, calls=Cards)(cards.look_at_card)
on.work(DetachCard, calls=Cards)(cards.detach_card)
on.outcome(CardStands)(cards.record_card_stands)
on.round(NoticeExpiring, after=next_notice)(expiring.notice_expiring)
