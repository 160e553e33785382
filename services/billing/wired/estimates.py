"""A series is estimated as it is booked, and again when what is expected of it changes."""

from __future__ import annotations

from services.billing.gateways.typesetting import Typesetter
from services.billing.handlers.estimates import issuing, terms
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
    InfusionAborted,
    SeriesBooked,
    SeriesCompleted,
    SeriesStopped,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.event(SeriesBooked)(terms.open_series)
on.event(InfusionAborted)(terms.note_change)
on.event(SeriesCompleted)(terms.end_series)
on.event(SeriesStopped)(terms.end_series)

on.due(ReviewEstimates)(terms.review_fees)
on.due(RemindEstimate)(terms.remind)
on.due(EscalateEstimate)(terms.escalate)
on.work(RedeemPlan, loads=stored_courses.load_course, calls=ClaimCheck)(issuing.redeem_plan)
on.outcome(PlanRedeemed)(issuing.draft_estimate)
on.work(RenderEstimate, loads=stored_estimates.load_unprinted, calls=Typesetter)(
    issuing.render_estimate
)
on.outcome(EstimateRendered)(issuing.issue_estimate)
