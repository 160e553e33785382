"""Creyos summaries are imported, from JSON or from an exported sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from services.scheduling.forms.outcomes import ImportCreyos, OutcomeRecorded, Taken
from services.scheduling.handlers.outcomes.places import place_of
from services.scheduling.handlers.outcomes.shown import show_recorded
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.rules.outcomes import creyos as rules
from services.scheduling.rules.outcomes.creyos import TaskScore
from services.scheduling.rules.outcomes.forms import Instrument
from services.scheduling.store import outcomes as kept
from services.scheduling.store.outcomes import Place
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def import_csv(
    patient_id: UUID, taken: Taken, sheet: bytes, by: Actor, tx: Transaction
) -> OutcomeRecorded | Refused:
    try:
        tasks = rules.read_csv(sheet.decode("utf-8-sig"))
    except UnicodeDecodeError:
        tasks = rules.UNREADABLE
    return await _keep(patient_id, taken, tasks, by, tx, in_sheet=True)


async def import_summary(
    patient_id: UUID, wish: ImportCreyos, by: Actor, tx: Transaction
) -> OutcomeRecorded | Refused:
    tasks = [
        TaskScore(rules.task_of(each.task), each.standard_score, each.percentile)
        for each in wish.tasks
    ]
    return await _keep(patient_id, wish, tasks, by, tx)


async def _keep(
    patient_id: UUID,
    taken: Taken,
    tasks: Sequence[TaskScore | Broken],
    by: Actor,
    tx: Transaction,
    *,
    in_sheet: bool = False,
) -> OutcomeRecorded | Refused:
    """Keep the figures as the summary prints them."""
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    read = [each for each in tasks if isinstance(each, TaskScore)]
    wrong = [each for each in tasks if isinstance(each, Broken)]
    wrong = wrong or rules.broken_by_tasks(read, in_sheet=in_sheet)
    place = await place_of(patient_id, taken, Instrument.CREYOS, tx)
    if wrong or not isinstance(place, Place):
        misplaced = [] if isinstance(place, Place) else place
        return Refused.by_rules([*wrong, *misplaced], "The summary is not imported")
    outcome = kept.add_outcome(
        tx,
        place,
        Instrument.CREYOS,
        rules.VERSION,
        {"tasks": [asdict(task) for task in read]},
        rules.score(read),
        by.subject,
    )
    return show_recorded(tx, outcome, [])
