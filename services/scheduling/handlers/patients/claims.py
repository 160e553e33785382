"""The claim check: what the house's other services get for a random id. See `shared.claims`."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.rules.clinic.policy import Policy, VisitFigures
from services.scheduling.rules.visits.amounts import DoseUnit, Scale, amount_in
from services.scheduling.rules.visits.life import GIVEN, OPEN, VisitState
from services.scheduling.store import charts, doses, sessions, shown_visits
from services.scheduling.store.policy import policy_of
from services.scheduling.tables import Appointment
from shared.claims import (
    Attendance,
    ClinicianCard,
    ConsultRecord,
    DrugGiven,
    InfusionRecord,
    LocationCard,
    PatientCard,
    PlannedVisit,
    SeriesPlan,
    SeriesRecord,
    TreatmentPlan,
)
from shared.http.problems import Refused
from shared.messaging import Transaction


async def redeem_patient(patient_id: UUID, tx: Transaction) -> PatientCard | Refused:
    """A patient's card; of a file that was merged into another, that one's."""
    patient = await store.find_patient(tx, patient_id)
    if patient is not None and patient.merged_into is not None:
        patient = await store.find_patient(tx, patient.merged_into)
    if patient is None:
        return Refused.not_found("patient", "patient_id")
    return store.patient_card(tx, patient)


async def redeem_location(location_id: UUID, tx: Transaction) -> LocationCard | Refused:
    location = await store.find_location(tx, location_id)
    if location is None:
        return Refused.not_found("location", "location_id")
    return store.location_card(location)


async def redeem_infusion(infusion_id: UUID, tx: Transaction) -> InfusionRecord | Refused:
    """An infusion once its drip has stopped; before that there is nothing to bill."""
    visit = await store.find_infusion(tx, infusion_id)
    if visit is None:
        return Refused.not_found("infusion", "infusion_id")
    assert visit.clinician_id is not None, "an infusion was started by a clinician"
    assert visit.started_at is not None, "as above"
    assert visit.stopped_at is not None, "as above"
    location = await _location(tx, visit.location_id)
    policy = await policy_of(tx, visit.location_id, visit.visit_type)
    figures = policy.figures_on(visit.started_at.astimezone(ZoneInfo(location.zone)).date())
    return InfusionRecord(
        infusion_id=infusion_id,
        patient=await _patient(tx, visit.patient_id),
        rendering=await _clinician(tx, visit.clinician_id),
        location=location,
        visit_type=visit.visit_type,
        diagnoses=tuple(await _diagnoses(tx, visit)),
        started_at=visit.started_at,
        stopped_at=visit.stopped_at,
        drug_name=figures.drug,
        drug=await _drug(tx, visit.appointment_id, figures),
    )


async def _diagnoses(tx: Transaction, visit: Appointment) -> list[str]:
    """What an infusion was given for: what its series is, or a treatment by itself."""
    if visit.series_id is None:
        return store.diagnoses_of_visit(tx, visit)
    course = await store.find_course(tx, visit.series_id)
    assert course is not None, "a visit belongs to its series"
    return store.diagnoses_of(tx, course.series)


async def redeem_attendance(infusion_id: UUID, tx: Transaction) -> Attendance | Refused:
    """When an infusion ran, and the consent that it was started on, once its drip has stopped."""
    visit = await store.find_infusion(tx, infusion_id)
    if visit is None:
        return Refused.not_found("infusion", "infusion_id")
    assert visit.started_at is not None, "an infusion has started"
    assert visit.stopped_at is not None, "and stopped"
    assert visit.consent_id is not None, "no infusion starts without a consent"
    consent = await charts.find_consent(tx, visit.consent_id)
    assert consent is not None, "a consent is never deleted"
    card = await _patient(tx, visit.patient_id)
    return Attendance(
        infusion_id=infusion_id,
        patient_id=card.patient_id,
        first_name=card.first_name,
        last_name=card.last_name,
        location=await _location(tx, visit.location_id),
        started_at=visit.started_at,
        stopped_at=visit.stopped_at,
        consent_id=consent.consent_id,
        consent_signed_at=consent.signed_at,
    )


async def redeem_session_attendance(appointment_id: UUID, tx: Transaction) -> Attendance | Refused:
    """When a session took place, and with whom, without a word of why."""
    found = await sessions.find_consult(tx, appointment_id)
    if found is None:
        return Refused.not_found("consult", "appointment_id")
    session, patient = found
    assert session.started_at is not None, "it took place"
    assert session.stopped_at is not None, "as above"
    card = store.patient_card(tx, patient)
    return Attendance(
        infusion_id=appointment_id,
        patient_id=card.patient_id,
        first_name=card.first_name,
        last_name=card.last_name,
        location=await _location(tx, session.location_id),
        started_at=session.started_at,
        stopped_at=session.stopped_at,
    )


async def redeem_consult(appointment_id: UUID, tx: Transaction) -> ConsultRecord | Refused:
    """A session once it took place; before that there is nothing to bill."""
    found = await sessions.find_consult(tx, appointment_id)
    if found is None:
        return Refused.not_found("consult", "appointment_id")
    session, patient = found
    assert session.clinician_id is not None, "a session that took place was led by a clinician"
    assert session.started_at is not None, "as above"
    assert session.stopped_at is not None, "as above"
    return ConsultRecord(
        appointment_id=appointment_id,
        patient=store.patient_card(tx, patient),
        rendering=await _clinician(tx, session.clinician_id),
        location=await _location(tx, session.location_id),
        visit_type=session.visit_type,
        diagnoses=tuple(store.diagnoses_of_visit(tx, session)),
        started_at=session.started_at,
        ended_at=session.stopped_at,
    )


async def redeem_series(series_id: UUID, tx: Transaction) -> SeriesRecord | Refused:
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    return SeriesRecord(
        series_id=series_id,
        patient=store.patient_card(tx, course.patient),
        prescriber=await _clinician(tx, course.series.prescriber_id),
        location=await _location(tx, course.series.location_id),
    )


async def redeem_plan(series_id: UUID, tx: Transaction) -> SeriesPlan | Refused:
    """A series with the visits that were given or are to come, earliest first."""
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    series = course.series
    location = await _location(tx, series.location_id)
    policy = await policy_of(tx, series.location_id, series.visit_type)
    visits = [visit for visit in course.visits if VisitState(visit.state) in OPEN | GIVEN]
    return SeriesPlan(
        series_id=series_id,
        patient=store.patient_card(tx, course.patient),
        prescriber=await _clinician(tx, series.prescriber_id),
        location=location,
        visit_type=series.visit_type,
        diagnoses=tuple(store.diagnoses_of(tx, series)),
        visits=tuple(_planned(visit, policy, ZoneInfo(location.zone)) for visit in visits),
    )


async def redeem_treatment(appointment_id: UUID, tx: Transaction) -> TreatmentPlan | Refused:
    """A visit outside a series, with its time while it is to come, or was given.

    A treatment is by who ordered it, a session by who leads it, or led it in the end.
    """
    visit = await shown_visits.find_visit(tx, appointment_id)
    if visit is None or visit.series_id is not None:
        return Refused.not_found("treatment", "appointment_id")
    clinician_id = visit.ordered_by or visit.clinician_id or visit.led_by
    assert clinician_id is not None, "a constraint of the table"
    location = await _location(tx, visit.location_id)
    policy = await policy_of(tx, visit.location_id, visit.visit_type)
    counts = OPEN | GIVEN | {VisitState.ATTENDED}
    is_known_why = visit.diagnoses is not None  # of a session only once it took place
    visits = [visit] if VisitState(visit.state) in counts else []
    return TreatmentPlan(
        appointment_id=appointment_id,
        patient=await _patient(tx, visit.patient_id),
        prescriber=await _clinician(tx, clinician_id),
        location=location,
        visit_type=visit.visit_type,
        diagnoses=tuple(store.diagnoses_of_visit(tx, visit)) if is_known_why else (),
        visits=tuple(_planned(each, policy, ZoneInfo(location.zone)) for each in visits),
    )


def _planned(visit: Appointment, policy: Policy, zone: ZoneInfo) -> PlannedVisit:
    """The chair is taken for the drip and for the recovery after it."""
    figures = policy.visit_on(visit.starts_at.astimezone(zone).date())
    recovery_min = figures.recovery_min if figures else 0
    chair_min = (visit.ends_at - visit.starts_at) // timedelta(minutes=1)
    return PlannedVisit(starts_at=visit.starts_at, infusion_min=chair_min - recovery_min)


async def _drug(tx: Transaction, appointment_id: UUID, figures: VisitFigures) -> DrugGiven | None:
    """What ran; nothing until it is recorded, and of no drug or of no known route."""
    given = amount_in(doses.given_of(tx, await doses.find_dose(tx, appointment_id)), "given")
    if given is None or figures.drug is None or figures.route is None:
        return None
    return DrugGiven(
        name=figures.drug,
        route=figures.route,
        dose_ug=given.parts if given.scale is Scale.MASS else None,
        dose=given.in_unit(None if figures.dose_unit is None else DoseUnit(figures.dose_unit)),
    )


async def _patient(tx: Transaction, patient_id: UUID) -> PatientCard:
    patient = await store.find_patient(tx, patient_id)
    assert patient is not None, "a visit has its patient"
    return store.patient_card(tx, patient)


async def _clinician(tx: Transaction, clinician_id: UUID) -> ClinicianCard:
    clinician = await store.find_clinician(tx, clinician_id)
    assert clinician is not None, "who renders or prescribes is on record"
    return store.clinician_card(clinician)


async def _location(tx: Transaction, location_id: UUID) -> LocationCard:
    location = await store.find_location(tx, location_id)
    assert location is not None, "a visit has its place"
    return store.location_card(location)
