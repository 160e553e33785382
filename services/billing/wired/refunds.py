"""Money goes back to its card; Stripe says at once or days later what came of it."""

from __future__ import annotations

from services.billing.gateways.refunds import Refunds
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.handlers.payments import refunds, refunds_adopted
from services.billing.store import refunds as stored_refunds
from services.billing.work import (
    CreateRefund,
    LookAtRefund,
    LookForRefunds,
    RefundMadeAtStripe,
    RefundsListed,
    RefundStands,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.work(CreateRefund, loads=stored_refunds.load_order, calls=Refunds, time_limit_s=CALL_LIMIT_S)(
    refunds.create_refund
)
on.work(LookAtRefund, calls=Refunds)(refunds.look_at_refund)
on.discarded(CreateRefund)(refunds.refund_on)
on.outcome(RefundStands)(refunds.record_refund)
on.work(LookForRefunds, calls=Refunds, time_limit_s=CALL_LIMIT_S)(refunds_adopted.look_for_refunds)
on.outcome(RefundsListed)(refunds_adopted.look_at_each)
on.outcome(RefundMadeAtStripe)(refunds_adopted.adopt_refund)
