"""Forms are recorded and shown, mistaken records withdrawn.

Nothing of an outcome is said to others. An event that exists because of an answer tells the
answer, whatever it carries, and no service needs one: who must look reads `GET /reviews`.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.handlers.outcome_places import place_of
from services.scheduling.handlers.outcome_points import points_of
from services.scheduling.handlers.outcomes_shown import show_outcome, show_recorded
from services.scheduling.outcome_forms import (
    OutcomeAnswer,
    OutcomeRecorded,
    RecordOutcome,
    WithdrawOutcome,
)
from services.scheduling.outcome_tables import Outcome
from services.scheduling.rules import outcomes as rules
from services.scheduling.rules import outcomes_course as course
from services.scheduling.rules import outcomes_reviews as reviews
from services.scheduling.rules.outcomes import Scale
from services.scheduling.rules.outcomes_course import CheckpointState
from services.scheduling.rules.outcomes_reviews import Matter
from services.scheduling.rules.outcomes_scales import newest
from services.scheduling.store import outcomes as kept
from services.scheduling.store.outcomes import Place
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_outcome(
    patient_id: UUID, wish: RecordOutcome, by: Actor, tx: Transaction
) -> OutcomeRecorded | Refused:
    """Score a form and keep it; what it says of self-harm or of no response waits for a person."""
    if await store.lock_patient(tx, patient_id) is None:
        return Refused.not_found("patient", "patient_id")
    scale = newest(wish.instrument)
    place = await place_of(patient_id, wish, wish.instrument, tx)
    broken = rules.broken_by_answers(scale, wish.answers)
    if broken:
        broken += reviews.urged_by_incomplete(wish.instrument, wish.answers)
    if broken or not isinstance(place, Place):
        misplaced = [] if isinstance(place, Place) else place
        return Refused.by_rules([*broken, *misplaced], "The outcome is not recorded")
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
    matters = []
    if reviews.names_self_harm(wish.instrument, answers):
        matters.append(Matter.SELF_HARM_ITEM)
    if await _misses_response(outcome, scale, tx):
        matters.append(Matter.NO_RESPONSE)
    return show_recorded(tx, outcome, [kept.add_review(tx, outcome, matter) for matter in matters])


async def _misses_response(outcome: Outcome, scale: Scale, tx: Transaction) -> bool:
    """Whether this score is the one that is judged at the fourth infusion, and is no response.

    Asked of a person once per form and series, however often the score is recorded anew.
    """
    if outcome.series_id is None:
        return False
    found = await store.find_course(tx, outcome.series_id)
    assert found is not None, "an outcome's series is on file"
    mine = [
        each
        for each in await kept.outcomes_of_series(tx, found.series)
        if each.instrument == outcome.instrument
    ]
    points = points_of(tx, mine, found.visits)
    judged = course.checkpoint(scale, points, given=0)
    if judged.state is not CheckpointState.NO_RESPONSE or judged.outcome_id != outcome.outcome_id:
        return False
    raised = await kept.matters_raised(tx, outcome.series_id, scale.instrument)
    return Matter.NO_RESPONSE not in raised


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
    return show_outcome(tx, await kept.withdraw_outcome(tx, outcome, by.subject, wish.why))


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
