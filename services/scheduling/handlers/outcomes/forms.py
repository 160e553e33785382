"""Forms are recorded and shown, mistaken records withdrawn.

Nothing of an outcome is said to others. An event that exists because of an answer tells the
answer, whatever it carries, and no service needs one: who must look reads `GET /reviews`.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.forms.outcomes import (
    OutcomeAnswer,
    OutcomeRecorded,
    RecordOutcome,
    WithdrawOutcome,
)
from services.scheduling.handlers.outcomes.checkpoints import ask_about_response
from services.scheduling.handlers.outcomes.places import place_of
from services.scheduling.handlers.outcomes.shown import show_outcome, show_recorded
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.rules.outcomes import forms as rules
from services.scheduling.rules.outcomes import reviews
from services.scheduling.rules.outcomes.reviews import Matter
from services.scheduling.rules.outcomes.scales import newest
from services.scheduling.store import outcomes as kept
from services.scheduling.store.outcomes import Place
from services.scheduling.tables.outcomes import Outcome
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_outcome(
    patient_id: UUID, wish: RecordOutcome, by: Actor, tx: Transaction
) -> OutcomeRecorded | Refused:
    """Score a form and keep it; what it says of self-harm or of no response waits for a person."""
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    scale = newest(wish.instrument)
    place = await place_of(patient_id, wish, wish.instrument, tx)
    broken = rules.broken_by_answers(scale, wish.answers)
    if broken or not isinstance(place, Place):
        misplaced = [] if isinstance(place, Place) else place
        urged = reviews.urged_by_refused(wish.instrument, wish.answers)
        return Refused.by_rules([*broken, *misplaced, *urged], "The outcome is not recorded")
    answers = [answer for answer in wish.answers if answer is not None]
    outcome = kept.add_outcome(
        tx,
        place,
        wish.instrument,
        scale.version,
        {"items": answers},
        rules.score(scale, answers),
        by.subject,
    )
    raised = await ask_about_response(outcome, tx)
    if reviews.names_self_harm(wish.instrument, answers):
        raised.insert(0, kept.add_review(tx, outcome, Matter.SELF_HARM_ITEM))
    return show_recorded(tx, outcome, raised)


async def withdraw_outcome(
    outcome_id: UUID, wish: WithdrawOutcome, by: Actor, tx: Transaction
) -> OutcomeAnswer | Refused:
    """Take a mistaken record out of all figures; it stays on file, and so do its reviews."""
    outcome = await kept.lock_outcome(tx, outcome_id)
    if outcome is None:
        return Refused.not_found("outcome", "outcome_id")
    broken = reviews.broken_by_withdrawn(withdrawn=outcome.withdrawn_at is not None)
    if broken:
        return Refused.by_rules(broken, "The outcome is not withdrawn")
    withdrawn = await kept.withdraw_outcome(tx, outcome, by.subject, wish.why)
    await ask_about_response(withdrawn, tx)
    return show_outcome(tx, withdrawn)


async def list_outcomes(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[OutcomeAnswer] | Refused:
    """A patient's forms, the newest first, what was withdrawn included."""
    if await store.find_patient(tx, patient_id) is None:
        return Refused.not_found("patient", "patient_id")

    def item(row: Row[tuple[object, ...]]) -> OutcomeAnswer:
        return show_outcome(tx, Outcome.model_validate(row, from_attributes=True))

    rows = kept.outcomes_of_patient(patient_id)
    return await page(tx, rows, by=kept.BY_TAKEN, asked=asked, item=item, newest_first=True)
