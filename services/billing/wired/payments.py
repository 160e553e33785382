"""A charge is paid by card: the call and the webhook bring the same facts."""

from __future__ import annotations

from services.billing.gateways.payments import Payments
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.handlers.charges import attempts
from services.billing.store import attempts as stored_attempts
from services.billing.work import (
    Captured,
    CapturePayment,
    Declined,
    LookAtPayment,
    LookForPayment,
    NeverArrived,
    NothingToStore,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.work(
    CapturePayment, loads=stored_attempts.load_order, calls=Payments, time_limit_s=CALL_LIMIT_S
)(attempts.capture_payment)
on.work(LookAtPayment, loads=stored_attempts.load_open, calls=Payments)(attempts.look_at_payment)
on.discarded(CapturePayment)(attempts.abandon_attempt)
on.work(LookForPayment, loads=stored_attempts.load_lost, calls=Payments)(attempts.look_for_payment)
on.discarded(LookForPayment)(attempts.look_on)
on.outcome(Captured)(attempts.record_capture)
on.outcome(Declined)(attempts.record_decline)
on.outcome(NeverArrived)(attempts.record_never_arrived)
on.outcome(NothingToStore)(attempts.store_nothing)
