"""A charge that is held is looked at again when something that it waits for may be there."""

from __future__ import annotations

from services.billing.handlers.charges import held
from services.billing.work import AskWhoGave, ClinicianKnown, LookAgain
from shared.claims import ClaimCheck
from shared.messaging import Handlers

on = Handlers("billing")

on.due(LookAgain)(held.look_again)
on.work(AskWhoGave, calls=ClaimCheck)(held.ask_who_gave)
on.outcome(ClinicianKnown)(held.record_clinician)
