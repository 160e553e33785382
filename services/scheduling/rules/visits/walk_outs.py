"""A patient who leaves before being let go: without being seen, or against medical advice."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import on_the_wall
from services.scheduling.rules.visits.doses import DoseState
from services.scheduling.rules.visits.life import HERE, VisitState
from shared.events.scheduling import WalkOutPhase
from shared.refusals import Broken

SOURCE = "a record of leaving against medical advice says when the patient was last seen"


class AdviceForm(StrEnum):
    """What became of the form for leaving against advice."""

    SIGNED = "signed"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    """The patient was gone before anybody could ask."""


class LeftBy(StrEnum):
    """How the patient went, as far as anybody saw."""

    DRIVER = "driver"
    RIDESHARE = "rideshare"
    TRANSIT = "transit"
    ON_FOOT = "on_foot"
    DROVE = "drove"
    UNKNOWN = "unknown"


class CallOutcome(StrEnum):
    REACHED = "reached"
    NOT_REACHED = "not_reached"
    HANDED_ON = "handed_on"
    """Others look for the patient: an emergency contact, or a welfare check by the police."""


def phase_of(state: VisitState) -> WalkOutPhase:
    """When in a visit the patient left."""
    if state in HERE:
        return WalkOutPhase.BEFORE_START
    return WalkOutPhase.RUNNING if state is VisitState.RUNNING else WalkOutPhase.AFTER_DRIP


def broken_by_left_at(
    left_at: datetime, seen_at: datetime, now: datetime, zone: ZoneInfo
) -> list[Broken]:
    """Whether the patient can have left then: not before they were last there, nor later on."""
    if left_at > now:
        detail = "That moment is still to come; say when the patient was last seen."
        return [Broken("left_in_future", detail, SOURCE, "left_at")]
    if left_at < seen_at:
        since = on_the_wall(seen_at, zone)
        detail = f"By the chart the patient was here at {since}; say a moment from then on."
        return [Broken("left_before_seen", detail, SOURCE, "left_at")]
    return []


def is_settled(*, called: bool, dose: DoseState) -> bool:
    return what_to_do(called=called, dose=dose) is None


def what_to_do(
    *, called: bool, dose: DoseState, left_by: LeftBy = LeftBy.UNKNOWN, is_drip: bool = True
) -> str | None:
    """What is owed after a walk-out, if anything is still."""
    owed = []
    if not called and left_by is LeftBy.DROVE and is_drip:
        owed.append("The patient drove off: call at once, and ask the police if nobody answers.")
    if not called:
        ban = ", tell them until when not to drive" if is_drip else ""
        owed.append(
            f"Call the patient: ask how they are{ban}, and note the call; who is not reached is"
            " somebody else's to look for."
        )
    if dose is DoseState.PLANNED:
        owed.append("Record what ran of the dose, or have a prescriber sign that nothing did.")
    if dose is DoseState.WASTE_UNWITNESSED:
        owed.append("A second person confirms what was left of the dose.")
    return " ".join(owed) or None
