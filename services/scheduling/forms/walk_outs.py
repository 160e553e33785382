"""What is asked for and answered of a patient who walks out, and of the call that follows."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.scheduling.forms.wish import Wish
from services.scheduling.forms.wishes import StartsAt, Text
from services.scheduling.rules.visits.walk_outs import AdviceForm, CallOutcome, LeftBy
from shared.claims import Line
from shared.events import Moment


class WalkOut(Wish):
    """A patient left before anybody let them go. Who signs is `clinician_id`.

    `left_at`: when, or when last seen. `seen_by`: who saw it, or found the chair empty. `reason`:
    why, as far as it was said. `advised`: what the patient was told of the risk. `form`: the form
    for leaving against advice. `condition`: as last seen. `told`: who was told of it.
    """

    clinician_id: UUID
    left_at: StartsAt
    seen_by: Line
    reason: Text
    advised: Text
    form: AdviceForm
    condition: Text
    left_by: LeftBy = LeftBy.UNKNOWN
    told: Text


class WalkOutAnswer(WalkOut):
    """`called_at`: the patient was reached, or others look for them.

    `settled_at`: nothing is owed any more, the record of the drug included.
    """

    appointment_id: UUID
    patient_id: UUID
    signed_at: Moment
    signed_by: str
    called_at: Moment | None
    called_by: str | None
    settled_at: Moment | None


class WelfareCall(Wish):
    """`found`: how the patient is, what they were told; or who looks for them now."""

    outcome: CallOutcome
    found: Text


class WelfareCallNote(WelfareCall):
    kind: Literal["welfare_call"] = "welfare_call"


class WelfareCallAnswer(BaseModel):
    """The call as it stands in the chart, and what is owed of the walk-out still."""

    note_id: UUID
    appointment_id: UUID
    patient_id: UUID
    noted_at: Moment
    noted_by: str
    outcome: CallOutcome
    do: str | None
