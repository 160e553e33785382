"""Estimates: planned, built, numbered, printed, issued. None is ever changed."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import structlog
from pydantic import BaseModel, TypeAdapter

from services.billing.gateways.typesetting import Template, Typesetter
from services.billing.handlers.charges import gates
from services.billing.handlers.estimates import terms
from services.billing.rules.estimates import clock
from services.billing.rules.estimates import items as rules
from services.billing.rules.estimates.items import (
    Estimate,
    EstimateState,
    Expected,
    Issue,
    Person,
    Plan,
)
from services.billing.rules.superbills.coding import FIRST_HOUR_MAX_MIN
from services.billing.store import codes, held_charges
from services.billing.store import estimate_courses as courses
from services.billing.store import estimates as store
from services.billing.store.estimate_courses import BOOKED, Asked, Course, CourseKind
from services.billing.store.estimates import Last, Unprinted
from services.billing.tables import Estimate as EstimateRow
from services.billing.tables import EstimateDocument
from services.billing.work import (
    EstimateRendered,
    PlanRedeemed,
    RenderEstimate,
)
from shared.claims import ClaimCheck, PlannedVisit, SeriesPlan, TreatmentPlan
from shared.errors import Poison
from shared.events.billing import EstimateIssued, EstimateReason
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

_ESTIMATE = TypeAdapter(Estimate)


class EstimateShown(BaseModel):
    estimate_id: UUID
    course_id: UUID
    patient_id: UUID | None
    state: EstimateState
    issued_at: datetime | None
    content_sha256: str
    estimate: Estimate


async def redeem_plan(asked: Asked, claims: ClaimCheck) -> PlanRedeemed:
    """What is going to be done, by scheduling's books; what is only asked about is not in them."""
    course, reason = asked.course, asked.work.reason
    if course.kind in BOOKED:
        redeem = claims.plan if course.kind is CourseKind.SERIES else claims.treatment
        plan: SeriesPlan | TreatmentPlan = await redeem(course.course_id, purpose="estimate")
        return PlanRedeemed(
            course_id=course.course_id,
            reason=reason,
            patient=plan.patient,
            clinician=plan.prescriber,
            location=plan.location,
            visit_type=plan.visit_type,
            diagnoses=plan.diagnoses,
            visits=plan.visits,
        )
    assert course.location_id is not None, "a request names its place"
    patient = course.patient_id and await claims.patient(course.patient_id, purpose="estimate")
    return PlanRedeemed(
        course_id=course.course_id,
        reason=reason,
        patient=patient,
        clinician=None,
        location=await claims.location(course.location_id, purpose="estimate"),
        visit_type=course.visit_type,
        diagnoses=(),
        visits=None,
    )


async def draft_estimate(redeemed: PlanRedeemed, tx: Transaction) -> None:
    """Build, number and seal the estimate of a course where it has none that says the same.

    What keeps it from being built is noted with the course, which stays due. Of what is free
    nothing is expected to be charged, and nothing is due: 45 CFR 149.610(a)(2).
    """
    course = await courses.lock(tx, redeemed.course_id)
    if course is None or course.ended_at is not None:
        return
    if course.patient_id != (redeemed.patient and redeemed.patient.patient_id):
        raise Poison("claim_of_another")
    plan = await _plan(redeemed, course, tx)
    if not plan.visits:
        return
    today = tx.now.astimezone(plan.zone).date()
    last = await store.find_last(tx, course.course_id)
    if plan.is_free and last is None and redeemed.reason is None:
        await courses.note_blocked(tx, course.course_id, [])
        await terms.meet(tx, course)
        return
    reason = _reason(plan, course, last, redeemed.reason, today)
    if reason is None:
        await courses.note_blocked(tx, course.course_id, [])
        if last is not None and last.is_issued:
            await terms.meet(tx, course)
        return
    was_met = last is not None or course.met_at is not None
    if was_met and not course.is_waited_for and (next_on := plan.next_on(today)):
        await terms.set_due(tx, course.course_id, clock.due_on_change(today, next_on), plan.zone)
    wording = await store.wording_on(tx, today)
    book = await codes.code_book(tx, today, ())
    broken = rules.lint(plan, wording, book)
    await courses.note_blocked(tx, course.course_id, [one.rule for one in broken])
    if broken:
        log.warning("estimate_blocked", reason=[one.rule for one in broken])
        return
    assert wording is not None, "lint found one"
    number = last.number if last else None
    issue = Issue(
        number=number or rules.number_of(today.year, await store.take_number(tx, today.year)),
        version=last.version + 1 if last else 1,
        reason=reason,
        issued_on=today,
        expires_on=clock.expires_on(today),
    )
    _draft(tx, course, rules.build(plan, wording, book, issue), plan, issue)


def _reason(
    plan: Plan,
    course: Course,
    last: Last | None,
    wanted: EstimateReason | None,
    today: date,
) -> EstimateReason | None:
    """Why there is another version, if there is to be one."""
    if last is None:
        is_booked = course.kind in BOOKED
        return wanted or (EstimateReason.BOOKED if is_booked else EstimateReason.REQUESTED)
    if wanted is EstimateReason.CHARGE_HELD:
        return wanted
    if plan.next_on(today) is None:
        return None
    if last.scope.expires_on < today:
        return EstimateReason.TERM_PASSED
    return rules.why_anew(last.scope, plan)


async def _plan(redeemed: PlanRedeemed, course: Course, tx: Transaction) -> Plan:
    """What is not booked has no day; its fee is that of the day on which it is wished for."""
    zone = ZoneInfo(redeemed.location.zone)
    visits = redeemed.visits
    if visits is None:
        wished_at = clock.priced_at(course.first_on, tx.now, zone)
        visits = tuple(
            PlannedVisit(starts_at=wished_at, infusion_min=FIRST_HOUR_MAX_MIN)
            for _ in range(course.planned_infusions)
        )
    days = [one.starts_at.astimezone(zone).date() for one in visits]
    fees = await store.fees_on(tx, redeemed.visit_type, days)
    is_booked = redeemed.visits is not None
    today = tx.now.astimezone(zone).date()
    return Plan(
        person=_person(redeemed, course, tx),
        clinician=redeemed.clinician,
        location=redeemed.location,
        visit_type=redeemed.visit_type,
        diagnoses=redeemed.diagnoses,
        visits=tuple(
            Expected(
                on=day if is_booked else None,
                infusion_min=one.infusion_min,
                fee_cents=fee_cents,
            )
            for one, day, fee_cents in zip(visits, days, fees, strict=True)
        ),
        expected_code=await codes.expected_code(tx, redeemed.visit_type, today),
    )


def _person(redeemed: PlanRedeemed, course: Course, tx: Transaction) -> Person:
    if redeemed.patient is not None:
        patient = redeemed.patient
        return Person(f"{patient.first_name} {patient.last_name}", patient.birth_date)
    assert course.person is not None, "an inquiry is a stranger's"
    return courses.open_person(tx, course.course_id, course.person)


def _draft(tx: Transaction, course: Course, estimate: Estimate, plan: Plan, issue: Issue) -> None:
    content = orjson.dumps(estimate)
    estimate_id = new_id()
    tx.insert(
        EstimateRow,
        estimate_id=estimate_id,
        course_id=course.course_id,
        number=issue.number,
        version=issue.version,
        reason=issue.reason.value,
        patient_id=course.patient_id,
        visit_type=plan.visit_type,
        fees_cents=[visit.fee_cents for visit in plan.visits],
        total_cents=estimate.total_cents,
        expires_on=issue.expires_on,
        sealed=store.seal_content(tx, estimate_id, content),
        content_sha256=hashlib.sha256(content).digest(),
        drafted_at=tx.now,
    )
    tx.do(RenderEstimate(estimate_id=estimate_id), key=f"print-estimate:{estimate_id}")


async def render_estimate(unprinted: Unprinted, typesetter: Typesetter) -> EstimateRendered:
    pdf = await typesetter.render(
        Template.ESTIMATE, unprinted.content, issued_at=unprinted.drafted_at
    )
    return EstimateRendered(estimate_id=unprinted.estimate_id, pdf=pdf)


async def issue_estimate(rendered: EstimateRendered, tx: Transaction) -> None:
    """With its document the estimate is out, and what was due is met."""
    kept = await store.find(tx, rendered.estimate_id)
    if kept is None or kept.document is not None:
        return
    course = await courses.lock(tx, kept.course_id)
    assert course is not None, "an estimate belongs to a course"
    tx.insert(
        EstimateDocument,
        estimate_id=rendered.estimate_id,
        sealed=store.seal_document(tx, rendered.estimate_id, rendered.pdf),
        issued_at=tx.now,
    )
    await terms.meet(tx, course)
    gates.have_looked_at(tx, await held_charges.of_series(tx, kept.course_id))
    if kept.patient_id is None:
        return
    tx.publish(
        EstimateIssued(
            patient_id=kept.patient_id,
            estimate_id=rendered.estimate_id,
            course_id=kept.course_id,
            number=kept.number,
            document_version=kept.version,
            reason=kept.reason,
            total_cents=kept.total_cents,
            expires_on=kept.expires_on,
            issued_at=tx.now,
        )
    )


async def show_estimate(estimate_id: UUID, tx: Transaction) -> EstimateShown | Refused:
    kept = await store.find(tx, estimate_id)
    if kept is None:
        return Refused.not_found("estimate")
    content = store.open_content(tx, estimate_id, kept.sealed)
    return EstimateShown(
        estimate_id=estimate_id,
        course_id=kept.course_id,
        patient_id=kept.patient_id,
        state=EstimateState(await store.state_of(tx, estimate_id)),
        issued_at=kept.issued_at,
        content_sha256=kept.content_sha256.hex(),
        estimate=_ESTIMATE.validate_json(content),
    )


async def fetch_document(estimate_id: UUID, tx: Transaction) -> Document | Refused:
    """The PDF, as it was issued."""
    kept = await store.find(tx, estimate_id)
    if kept is None or kept.document is None:
        return Refused.not_found("estimate")
    return Document(
        content=store.open_document(tx, estimate_id, kept.document),
        media_type="application/pdf",
        name=f"estimate-{kept.number}-{kept.version}.pdf",
        patient_id=kept.patient_id,
    )
