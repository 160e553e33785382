"""A package is paid by card, as a charge is; what comes of it are the facts of `payments`."""

from __future__ import annotations

from services.billing.gateways.payments import Payments
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.handlers.charges import attempts
from services.billing.handlers.packages import paying
from services.billing.store import packages as stored_packages
from services.billing.work import LookForPackagePayment, PayForPackage
from shared.messaging import Handlers

on = Handlers("billing")

on.work(PayForPackage, loads=stored_packages.load_order, calls=Payments, time_limit_s=CALL_LIMIT_S)(
    attempts.capture_payment
)
on.discarded(PayForPackage)(paying.give_up)
on.work(LookForPackagePayment, loads=stored_packages.load_order, calls=Payments)(
    attempts.look_for_payment
)
on.discarded(LookForPackagePayment)(paying.look_on)
