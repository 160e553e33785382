"""The day of a visit: consent, vitals, overrides, chart, dose, and what its gates rest on.

What is measured or noted is for those who treat. The front desk records what was signed and who
came.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.chart_words import ChartWordAnswer, ChartWordWish
from services.scheduling.forms.doses import (
    AmendDose,
    DoseAnswer,
    DoseNotGiven,
    PlanDose,
    RecordDose,
)
from services.scheduling.forms.drip_ends import (
    AbortInfusion,
    CompleteInfusion,
    CorrectEnd,
    ExtendBan,
)
from services.scheduling.forms.visits import (
    AdverseEventAnswer,
    ChartAnswer,
    ConsentAnswer,
    Discharge,
    FollowUp,
    GivePremedication,
    LimitAnswer,
    LimitWish,
    NoteAdverseEvent,
    NoteAnswer,
    ReadingAnswer,
    RecordConsent,
    RecordVitals,
    SeeRide,
    SignVitalsOverride,
    Transfer,
    VitalsOverrideAnswer,
)
from services.scheduling.forms.walk_outs import WalkOut, WelfareCall, WelfareCallAnswer
from services.scheduling.forms.wishes import Nothing, StartInfusion
from services.scheduling.handlers.clinic import chart_words, limits
from services.scheduling.handlers.patients import consents
from services.scheduling.handlers.visits import (
    adverse,
    discharges,
    doses,
    drip_ends,
    infusions,
    notes,
    readings,
    walk_outs,
)
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

OPS, FRONT_DESK, NURSE, PRESCRIBER = Role.OPS, Role.FRONT_DESK, Role.NURSE, Role.PRESCRIBER

router = APIRouter(tags=["visits"])


@router.post("/patients/{patient_id}/consents", dependencies=[allow(FRONT_DESK, NURSE)])
async def record_consent(patient_id: UUID, wish: RecordConsent, desk: AtDesk) -> ConsentAnswer:
    """Record a consent that was signed, and what it is to."""
    return await desk.decide(consents.record_consent, patient_id, wish, desk.actor)


@router.get("/patients/{patient_id}/consents", dependencies=[allow(FRONT_DESK, NURSE, PRESCRIBER)])
async def list_consents(patient_id: UUID, desk: AtDesk) -> list[ConsentAnswer]:
    """A patient's consents, the newest first, those withdrawn included."""
    return await desk.read(consents.list_consents, patient_id)


@router.post("/consents/{consent_id}/withdraw", dependencies=[allow(FRONT_DESK, NURSE)])
async def withdraw_consent(consent_id: UUID, wish: Nothing, desk: AtDesk) -> ConsentAnswer:
    """Withdraw a consent: no infusion starts on it any more."""
    return await desk.decide(consents.withdraw_consent, consent_id, wish, desk.actor)


@router.post("/visit-types/{visit_type}/limits", dependencies=[allow(PRESCRIBER)])
async def record_limit(visit_type: str, wish: LimitWish, desk: AtDesk) -> LimitAnswer:
    """Sign limits of a vital sign or a dose, from a day on, with their source.

    A prescriber's to sign: a limit is clinical, and until one is signed the seeded default holds.
    """
    return await desk.decide(limits.record_limit, visit_type, wish, desk.actor)


@router.get("/visit-types/{visit_type}/limits", dependencies=[allow(OPS, NURSE, PRESCRIBER)])
async def read_limits(visit_type: str, desk: AtDesk) -> list[LimitAnswer]:
    """Every limit of a visit type with its first day and its source."""
    return await desk.read(limits.read_limits, visit_type)


@router.post("/chart-words", dependencies=[allow(PRESCRIBER)])
async def record_chart_word(wish: ChartWordWish, desk: AtDesk) -> ChartWordAnswer:
    """Sign a word that charts name premedication or an adverse event by, from a day on."""
    return await desk.decide(chart_words.record_chart_word, wish, desk.actor)


@router.get("/chart-words", dependencies=[allow(OPS, NURSE, PRESCRIBER)])
async def read_chart_words(desk: AtDesk) -> list[ChartWordAnswer]:
    """Every word of the chart with its first day and its source."""
    return await desk.read(chart_words.read_chart_words)


@router.post("/appointments/{appointment_id}/vitals", dependencies=[allow(NURSE)])
async def take_vitals(appointment_id: UUID, wish: RecordVitals, desk: AtDesk) -> ReadingAnswer:
    """Enter vitals in the chart, before, during or after the drip."""
    return await desk.decide(readings.take_vitals, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/overrides", dependencies=[allow(PRESCRIBER)])
async def sign_vitals_override(
    appointment_id: UUID, wish: SignVitalsOverride, desk: AtDesk
) -> VitalsOverrideAnswer:
    """Sign that the newest reading may pass though it is past a soft limit."""
    return await desk.decide(readings.sign_override, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/premedications", dependencies=[allow(NURSE)])
async def give_premedication(
    appointment_id: UUID, wish: GivePremedication, desk: AtDesk
) -> NoteAnswer:
    """Note what was given against nausea or anxiety."""
    return await desk.decide(notes.give_premedication, appointment_id, wish, desk.actor)


@router.post(
    "/appointments/{appointment_id}/adverse-events", dependencies=[allow(NURSE, PRESCRIBER)]
)
async def note_adverse_event(
    appointment_id: UUID, wish: NoteAdverseEvent, desk: AtDesk
) -> NoteAnswer:
    """Note an adverse event, and what was done."""
    return await desk.decide(adverse.note_adverse_event, appointment_id, wish, desk.actor)


@router.post("/adverse-events/{note_id}/follow-ups", dependencies=[allow(NURSE, PRESCRIBER)])
async def follow_up(note_id: UUID, wish: FollowUp, desk: AtDesk) -> AdverseEventAnswer:
    """Note what became of an adverse event, and whether it is over."""
    return await desk.decide(adverse.follow_up, note_id, wish, desk.actor)


@router.get("/adverse-events", dependencies=[allow(NURSE, PRESCRIBER)])
async def list_adverse_events(
    desk: AtDesk,
    asked: AskedPage,
    open_: Annotated[bool, Query(alias="open")] = True,  # noqa: FBT002  # a query's parameter
    patient_id: UUID | None = None,
) -> Page[AdverseEventAnswer]:
    """Adverse events that are not over, the earliest first; or those that are."""
    return await desk.read(
        adverse.list_events, open_, patient_id, asked, desk.actor, purpose="treatment"
    )


@router.get("/appointments/{appointment_id}/chart", dependencies=[allow(NURSE, PRESCRIBER)])
async def read_chart(appointment_id: UUID, desk: AtDesk) -> ChartAnswer:
    """All that is on record of a visit's day."""
    return await desk.read(notes.read_chart, appointment_id, purpose="treatment")


@router.post("/appointments/{appointment_id}/dose-plan", dependencies=[allow(PRESCRIBER)])
async def plan_dose(appointment_id: UUID, wish: PlanDose, desk: AtDesk) -> DoseAnswer:
    """Plan the dose of a visit, below the ceiling of its type."""
    return await desk.decide(doses.plan_dose, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/dose", dependencies=[allow(NURSE)])
async def record_dose(appointment_id: UUID, wish: RecordDose, desk: AtDesk) -> DoseAnswer:
    """Record what was drawn up and what ran, with its lot."""
    return await desk.decide(doses.record_dose, appointment_id, wish, desk.actor)


@router.post(
    "/appointments/{appointment_id}/dose/amendments", dependencies=[allow(NURSE, PRESCRIBER)]
)
async def amend_dose(appointment_id: UUID, wish: AmendDose, desk: AtDesk) -> DoseAnswer:
    """Amend what is on record of a dose, signed and with the reason; what stood there is kept."""
    return await desk.decide(doses.amend_dose, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/dose/not-given", dependencies=[allow(PRESCRIBER)])
async def sign_not_given(appointment_id: UUID, wish: DoseNotGiven, desk: AtDesk) -> DoseAnswer:
    """Sign that nothing of the planned dose ran."""
    return await desk.decide(doses.sign_not_given, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/dose/witness", dependencies=[allow(NURSE, PRESCRIBER)])
async def witness_waste(appointment_id: UUID, wish: Nothing, desk: AtDesk) -> DoseAnswer:
    """Confirm, as a second person, what was left of the dose."""
    return await desk.decide(doses.witness_waste, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/clear", dependencies=[allow(NURSE)])
async def clear_to_start(appointment_id: UUID, wish: Nothing, desk: AtDesk) -> AppointmentAnswer:
    """Clear a visit to start, or name all that is missing."""
    return await desk.decide(infusions.clear_to_start, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/start", dependencies=[allow(NURSE)])
async def start_infusion(
    appointment_id: UUID, wish: StartInfusion, desk: AtDesk
) -> AppointmentAnswer:
    """Start the infusion of a visit that is cleared, or name all that is missing."""
    return await desk.decide(infusions.start_infusion, appointment_id, wish)


@router.post("/appointments/{appointment_id}/complete", dependencies=[allow(NURSE)])
async def complete_infusion(
    appointment_id: UUID, wish: CompleteInfusion, desk: AtDesk
) -> AppointmentAnswer:
    """Stop the drip of a visit; the last infusion completes its series."""
    return await desk.decide(infusions.complete_infusion, appointment_id, wish)


@router.post("/appointments/{appointment_id}/abort", dependencies=[allow(NURSE, PRESCRIBER)])
async def abort_infusion(
    appointment_id: UUID, wish: AbortInfusion, desk: AtDesk
) -> AppointmentAnswer:
    """Stop the drip of a visit before its end."""
    return await desk.decide(infusions.abort_infusion, appointment_id, wish)


@router.post(
    "/appointments/{appointment_id}/end-corrections", dependencies=[allow(NURSE, PRESCRIBER)]
)
async def correct_end(appointment_id: UUID, wish: CorrectEnd, desk: AtDesk) -> AppointmentAnswer:
    """Correct when the drip of a visit ended, or that it goes on, before what ran is on record."""
    return await desk.decide(drip_ends.correct_end, appointment_id, wish, desk.actor)


@router.post(
    "/appointments/{appointment_id}/ban-extensions", dependencies=[allow(NURSE, PRESCRIBER)]
)
async def extend_ban(appointment_id: UUID, wish: ExtendBan, desk: AtDesk) -> AppointmentAnswer:
    """Say, signed, that a patient who has gone may not drive until later; they are told at once."""
    return await desk.decide(drip_ends.extend_ban, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/ride-seen", dependencies=[allow(FRONT_DESK, NURSE)])
async def see_ride(appointment_id: UUID, wish: SeeRide, desk: AtDesk) -> AppointmentAnswer:
    """Verify the ride: who came, and that the caller saw it."""
    return await desk.decide(discharges.see_ride, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/discharge", dependencies=[allow(NURSE)])
async def discharge_patient(
    appointment_id: UUID, wish: Discharge, desk: AtDesk
) -> AppointmentAnswer:
    """Discharge the patient of a visit, and say until when not to drive."""
    return await desk.decide(discharges.discharge_patient, appointment_id, wish)


@router.post("/appointments/{appointment_id}/transfer", dependencies=[allow(NURSE, PRESCRIBER)])
async def transfer_patient(appointment_id: UUID, wish: Transfer, desk: AtDesk) -> AppointmentAnswer:
    """Hand the patient of a visit over to a hospital, signed and with the reason."""
    return await desk.decide(discharges.transfer_patient, appointment_id, wish, desk.actor)


@router.post("/appointments/{appointment_id}/walk-out", dependencies=[allow(NURSE, PRESCRIBER)])
async def walk_out(appointment_id: UUID, wish: WalkOut, desk: AtDesk) -> AppointmentAnswer:
    """Sign that the patient of a visit left before anybody let them go, and how."""
    return await desk.decide(walk_outs.walk_out, appointment_id, wish, desk.actor)


@router.post(
    "/appointments/{appointment_id}/welfare-calls", dependencies=[allow(NURSE, PRESCRIBER)]
)
async def note_call(appointment_id: UUID, wish: WelfareCall, desk: AtDesk) -> WelfareCallAnswer:
    """Note a call to a patient who walked out."""
    return await desk.decide(walk_outs.note_call, appointment_id, wish, desk.actor)
