"""Billing on one screen: what it hears, what falls due, what it asks of whom, what comes back."""

from __future__ import annotations

from services.billing.gateways.cards import Cards
from services.billing.gateways.news import News
from services.billing.gateways.payments import Payments
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.gateways.typesetting import Typesetter
from services.billing.handlers import attempts, cards, charges, notices, superbills, visits
from services.billing.rules.notices import next_catch_up
from services.billing.store import attempts as stored_attempts
from services.billing.store import cards as stored_cards
from services.billing.store import notices as stored_notices
from services.billing.store import superbills as stored_superbills
from services.billing.store import visits as stored_visits
from services.billing.work import (
    Captured,
    CapturePayment,
    CardConfirmed,
    CatchUp,
    ChargeLate,
    CreateCustomer,
    CreateSetupIntent,
    CustomerKnown,
    Declined,
    InfusionRedeemed,
    ListNotices,
    LookAtPayment,
    LookAtSetup,
    LookForPayment,
    NeverArrived,
    NothingToStore,
    NoticesListed,
    RedeemInfusion,
    RenderSuperbill,
    SetupCancelled,
    SetupReady,
    SuperbillRendered,
)
from shared.claims import ClaimCheck
from shared.events.scheduling import AppointmentBooked, InfusionCompleted
from shared.messaging import Handlers

on = Handlers("billing")

on.event(AppointmentBooked, loads=stored_visits.load_kept)(visits.note_visit)
on.event(InfusionCompleted, loads=stored_visits.load_on_file)(charges.charge_for_infusion)
on.due(ChargeLate)(charges.charge_late)

# What Stripe told of in vain is found in its list.
on.round(CatchUp, after=next_catch_up)(notices.catch_up)
on.work(ListNotices, loads=stored_notices.load_window, calls=News)(notices.list_notices)
on.outcome(NoticesListed)(notices.take_listed)

# A charge is paid by card: the call and the webhook bring the same facts.
on.work(
    CapturePayment, loads=stored_attempts.load_order, calls=Payments, time_limit_s=CALL_LIMIT_S
)(attempts.capture_payment)
on.work(LookAtPayment, calls=Payments)(attempts.look_at_payment)
on.discarded(CapturePayment)(attempts.abandon_attempt)
on.work(LookForPayment, loads=stored_attempts.load_lost, calls=Payments)(attempts.look_for_payment)
on.discarded(LookForPayment)(attempts.look_on)
on.outcome(Captured)(attempts.record_capture)
on.outcome(Declined)(attempts.record_decline)
on.outcome(NeverArrived)(attempts.record_never_arrived)
on.outcome(NothingToStore)(attempts.store_nothing)

# A card is saved: customer, set-up, the patient's browser, and the webhook that says so.
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

# A paid charge gets its superbill: redeemed, built and numbered, printed, issued.
on.work(RedeemInfusion, loads=stored_superbills.load_unbilled, calls=ClaimCheck)(
    superbills.redeem_infusion
)
on.outcome(InfusionRedeemed)(superbills.draft_superbill)
on.work(RenderSuperbill, loads=stored_superbills.load_unprinted, calls=Typesetter)(
    superbills.render_superbill
)
on.outcome(SuperbillRendered)(superbills.issue_superbill)
