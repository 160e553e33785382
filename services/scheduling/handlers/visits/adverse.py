"""Adverse events: noted, followed up until they are over, and listed. A serious one is reviewed.

Nothing of it is said to others: an event that exists because of one would tell it, and no service
needs it; who must look reads `GET /reviews`.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.forms.visits import (
    AdverseEventAnswer,
    AdverseEventNote,
    FollowUp,
    FollowUpNote,
    NoteAdverseEvent,
    NoteAnswer,
    Severity,
)
from services.scheduling.handlers.visits.charts_shown import show_note
from services.scheduling.rules.outcomes.reviews import Matter
from services.scheduling.rules.visits.chart_words import WordKind, broken_by_word
from services.scheduling.rules.visits.life import Step, broken_by_step
from services.scheduling.store import adverse as kept
from services.scheduling.store import charts
from services.scheduling.store.chart_words import words_in_use
from services.scheduling.store.outcomes import add_review
from services.scheduling.tables.adverse import AdverseEvent
from shared import audit
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


async def note_adverse_event(
    appointment_id: UUID, wish: NoteAdverseEvent, by: Actor, tx: Transaction
) -> NoteAnswer | Refused:
    """Note what happened and what was done; a serious one waits for a prescriber besides."""
    held = await store.lock_visit(tx, appointment_id)
    if held is None:
        return Refused.not_found("appointment", "appointment_id")
    broken = [
        *broken_by_step(Step.NOTE_ADVERSE_EVENT, held.state),
        *broken_by_word(wish.event, await words_in_use(tx, WordKind.ADVERSE_EVENT), "event"),
    ]
    if broken:
        return Refused.by_rules(broken, "The chart stays as it is")
    note = AdverseEventNote(**wish.model_dump())
    made = charts.add_note(tx, appointment_id, by.subject, note.model_dump(mode="json"))
    kept.add_event(tx, held.visit, made, resolved=wish.resolved)
    if wish.severity is Severity.SERIOUS:
        add_review(tx, held.visit, Matter.SERIOUS_EVENT)
    return show_note(tx, held.visit.patient_id, made)


async def follow_up(
    note_id: UUID, wish: FollowUp, by: Actor, tx: Transaction
) -> AdverseEventAnswer | Refused:
    """Note what became of an event, which is over by that, or not; one that comes back is open."""
    event = await kept.lock_event(tx, note_id)
    if event is None:
        return Refused.not_found("adverse event", "note_id")
    note = FollowUpNote(of=note_id, **wish.model_dump())
    charts.add_note(tx, event.appointment_id, by.subject, note.model_dump(mode="json"))
    if wish.resolved != (event.resolved_at is not None):
        event = await kept.set_resolved(tx, event, by.subject if wish.resolved else None)
    return await _show(tx, event)


async def list_events(
    open_: bool,  # noqa: FBT001  # a query's parameter
    patient_id: UUID | None,
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[AdverseEventAnswer] | Refused:
    """Adverse events, the earliest first. Each patient shown is in the audit log."""
    found: list[AdverseEvent] = []

    def item(row: Row[tuple[object, ...]]) -> AdverseEvent:
        event = AdverseEvent.model_validate(row, from_attributes=True)
        audit.append(
            tx,
            reader,
            action="read",
            entity="adverse_event",
            entity_id=str(event.note_id),
            patient_id=event.patient_id,
        )
        found.append(event)
        return event

    rows = kept.events_noted(open_=open_, patient_id=patient_id)
    listed = await page(tx, rows, by=kept.BY_NOTED, asked=asked, item=item)
    if isinstance(listed, Refused):
        return listed
    shown = [await _show(tx, event) for event in found]
    return Page[AdverseEventAnswer](items=shown, next_cursor=listed.next_cursor)


async def _show(tx: Transaction, event: AdverseEvent) -> AdverseEventAnswer:
    notes = [
        show_note(tx, event.patient_id, note)
        for note in await charts.notes_of(tx, event.appointment_id)
    ]
    said = next(each for each in notes if each.note_id == event.note_id)
    assert isinstance(said.note, AdverseEventNote), "an event is a note of its kind"
    return AdverseEventAnswer(
        **event.model_dump(),
        noted_by=said.noted_by,
        **said.note.model_dump(exclude={"kind", "resolved"}),
        follow_ups=[
            each
            for each in notes
            if isinstance(each.note, FollowUpNote) and each.note.of == event.note_id
        ],
    )
