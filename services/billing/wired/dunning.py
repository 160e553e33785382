"""A charge that a card refused: what comes next falls due."""

from __future__ import annotations

from services.billing.handlers.collecting import dunning
from services.billing.work import TakeStep
from shared.messaging import Handlers

on = Handlers("billing")

on.due(TakeStep)(dunning.take_step)
