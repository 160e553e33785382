"""A visit whose day is over without a word: when it is raised, and what settles it."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.scheduling.rules.visits.life import COMING, VisitState


def next_hour(moment: datetime) -> datetime:
    """The round's next time: places have their mornings at different hours."""
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def what_to_do(state: VisitState) -> str:
    """What settles a visit that was left in this state."""
    if state in COMING:
        return "Say that it was missed or cancelled, or move it to a time to come."
    if state is VisitState.RUNNING:
        return "Say that the drip was completed or aborted."
    return "Say that the patient was sent home."
