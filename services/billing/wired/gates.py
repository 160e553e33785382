"""A charge that is held is looked at again when something that it waits for may be there."""

from __future__ import annotations

from services.billing.handlers import held_charges
from services.billing.work import AskWhoGave, ClinicianKnown, LookAgain
from shared.claims import ClaimCheck
from shared.messaging import Handlers

on = Handlers("billing")

on.due(LookAgain)(held_charges.look_again)
on.work(AskWhoGave, calls=ClaimCheck)(held_charges.ask_who_gave)
on.outcome(ClinicianKnown)(held_charges.record_clinician)
