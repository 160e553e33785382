"""A series is estimated as it is booked, and again when what is expected of it changes."""

from __future__ import annotations

from services.billing.gateways.typesetting import Typesetter
from services.billing.handlers import estimate_terms, estimates
from services.billing.store import estimate_courses as stored_courses
from services.billing.store import estimates as stored_estimates
from services.billing.work import (
    EscalateEstimate,
    EstimateRendered,
    PlanRedeemed,
    RedeemPlan,
    RemindEstimate,
    RenderEstimate,
    ReviewEstimates,
)
from shared.claims import ClaimCheck
from shared.events.scheduling import (
    AppointmentCancelled,
    AppointmentMoved,
    InfusionAborted,
    PatientSentHome,
    SeriesBooked,
    SeriesCompleted,
    SeriesStopped,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.event(SeriesBooked)(estimate_terms.open_series)
on.event(AppointmentMoved)(estimate_terms.note_change)
on.event(AppointmentCancelled)(estimate_terms.note_change)
on.event(PatientSentHome)(estimate_terms.note_change)
on.event(InfusionAborted)(estimate_terms.note_change)
on.event(SeriesCompleted)(estimate_terms.end_series)
on.event(SeriesStopped)(estimate_terms.end_series)

on.due(ReviewEstimates)(estimate_terms.review_fees)
on.due(RemindEstimate)(estimate_terms.remind)
on.due(EscalateEstimate)(estimate_terms.escalate)
on.work(RedeemPlan, loads=stored_courses.load_course, calls=ClaimCheck)(estimates.redeem_plan)
on.outcome(PlanRedeemed)(estimates.draft_estimate)
on.work(RenderEstimate, loads=stored_estimates.load_unprinted, calls=Typesetter)(
    estimates.render_estimate
)
on.outcome(EstimateRendered)(estimates.issue_estimate)
