"""Billing on one screen: what it hears, and the parts of what it does of itself, in `wired/`."""

from __future__ import annotations

from services.billing.handlers import closed_files
from services.billing.handlers.charges import posting, visits
from services.billing.store import visits as stored_visits
from services.billing.wired import (
    cards,
    disputes,
    dunning,
    estimates,
    gates,
    notices,
    packages,
    pay_links,
    payments,
    reconciliation,
    refunds,
    statements,
    superbills,
)
from services.billing.work import ChargeLate
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    ConsultCompleted,
    InfusionCompleted,
    PatientCheckedIn,
    PatientDischarged,
    PatientMerged,
    PatientSentHome,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.event(AppointmentBooked, loads=stored_visits.load_known)(visits.note_visit)
on.event(AppointmentMoved)(visits.note_move)
on.event(AppointmentCancelled)(visits.note_loss)
on.event(PatientSentHome)(visits.note_loss)
on.event(PatientCheckedIn)(visits.note_arrival)
on.event(PatientDischarged)(visits.note_departure)
on.event(PatientMerged)(closed_files.note_closed)
on.event(InfusionCompleted, loads=stored_visits.load_on_file)(posting.charge_for_infusion)
on.event(ConsultCompleted, loads=stored_visits.load_session_on_file)(posting.charge_for_session)
on.due(ChargeLate)(posting.charge_late)

for part in (
    estimates,
    payments,
    packages,
    pay_links,
    dunning,
    refunds,
    disputes,
    cards,
    superbills,
    notices,
    reconciliation,
    gates,
    statements,
):
    on.include(part.on)
