"""An estimate is asked for, built, printed, and called late where it is."""

from __future__ import annotations

from uuid import UUID

from shared.claims import ClinicianCard, LocationCard, PatientCard, PlannedVisit
from shared.events.billing import EstimateReason
from shared.events.scheduling import TypeCode
from shared.messaging import Fact, Work


class RedeemPlan(Work):
    """Ask scheduling what is going to be done, for the estimate of a course.

    With a `reason` there is another version even where what is expected did not change.
    """

    course_id: UUID
    reason: EstimateReason | None = None


def plan_key(course_id: UUID) -> str:
    return f"estimate:{course_id}"


def review_key(course_id: UUID) -> str:
    """Under which changes of a course gather."""
    return f"estimate-review:{course_id}"


class PlanRedeemed(Fact):
    """What scheduling knows of a course. Held in memory, never in clear on disk.

    `patient` is missing where a stranger asked, `visits` where nothing is booked.
    """

    course_id: UUID
    reason: EstimateReason | None
    patient: PatientCard | None
    clinician: ClinicianCard | None
    location: LocationCard
    visit_type: TypeCode
    diagnoses: tuple[str, ...]
    visits: tuple[PlannedVisit, ...] | None


class RenderEstimate(Work):
    """Print an estimate."""

    estimate_id: UUID


class EstimateRendered(Fact):
    estimate_id: UUID
    pdf: bytes


class RemindEstimate(Work):
    """The last day on which an estimate is in time has begun."""

    course_id: UUID


class EscalateEstimate(Work):
    """The last day on which an estimate was in time is over."""

    course_id: UUID


class ReviewEstimates(Work):
    """Look whether a new fee changes what was estimated; `after` is the last course looked at."""

    visit_type: str
    after: UUID | None = None


def remind_key(course_id: UUID) -> str:
    return f"estimate-remind:{course_id}"


def overdue_key(course_id: UUID) -> str:
    return f"estimate-overdue:{course_id}"
