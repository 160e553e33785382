"""A cardholder's bank doubts a payment: how it goes is followed to its end."""

from __future__ import annotations

from services.billing.gateways.disputes import Disputes
from services.billing.handlers import disputes
from services.billing.rules.reconciliation import next_round
from services.billing.work import DisputeStands, LookAtDispute, WatchDisputes
from shared.messaging import Handlers

on = Handlers("billing")

on.work(LookAtDispute, calls=Disputes)(disputes.look_at_dispute)
on.outcome(DisputeStands)(disputes.record_dispute)
on.round(WatchDisputes, after=next_round)(disputes.watch_disputes)
