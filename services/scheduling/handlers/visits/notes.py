"""What is noted at a visit: premedication, and the whole chart."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.visits import (
    ChartAnswer,
    GivePremedication,
    NoteAnswer,
    PremedicationNote,
)
from services.scheduling.handlers.visits.charts_shown import (
    find_shown_dose,
    show_consent,
    show_note,
    show_override,
    show_reading,
)
from services.scheduling.handlers.visits.drip_ends import shown_end_corrections
from services.scheduling.handlers.visits.readings import limits_of
from services.scheduling.handlers.visits.walk_outs import find_shown_walk_out
from services.scheduling.rules.visits.chart_words import WordKind, broken_by_word
from services.scheduling.rules.visits.life import Step, broken_by_step
from services.scheduling.store import charts as kept
from services.scheduling.store.chart_words import words_in_use
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def give_premedication(
    appointment_id: UUID, wish: GivePremedication, by: Actor, tx: Transaction
) -> NoteAnswer | Refused:
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *broken_by_step(Step.PREMEDICATE, held.state),
        *broken_by_word(wish.drug, await words_in_use(tx, WordKind.PREMEDICATION), "drug"),
    ]
    if broken:
        return Refused.by_rules(broken, "The chart stays as it is")
    note = PremedicationNote(**wish.model_dump())
    made = kept.add_note(tx, appointment_id, by.subject, note.model_dump())
    return show_note(tx, held.visit.patient_id, made)


async def read_chart(appointment_id: UUID, tx: Transaction) -> ChartAnswer | Refused:
    """All that is on record of a visit's day, its readings judged by today's limits."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    visit, limits = held.visit, await limits_of(tx, held)
    consent = None if visit.consent_id is None else await kept.find_consent(tx, visit.consent_id)
    overrides = await kept.overrides_of(tx, appointment_id)
    signed = {each.reading_id for each in overrides}
    return ChartAnswer(
        appointment_id=appointment_id,
        patient_id=visit.patient_id,
        consent=None if consent is None else show_consent(tx, consent),
        readings=[
            show_reading(tx, visit, each, limits, overridden=each.reading_id in signed)
            for each in await kept.readings_of(tx, appointment_id)
        ],
        overrides=[show_override(tx, each) for each in overrides],
        notes=[
            show_note(tx, visit.patient_id, each)
            for each in await kept.notes_of(tx, appointment_id)
        ],
        dose=await find_shown_dose(tx, visit),
        end_corrections=await shown_end_corrections(tx, appointment_id),
        abort_reason=store.abort_reason_of(tx, visit),
        walk_out=await find_shown_walk_out(tx, appointment_id),
        late_since=visit.late_since,
    )
