"""Where a series is planned, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.rooms import Used
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.earlier import Rest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a series is planned and for whom: chairs, figures, and what is booked already.

    `taken` holds every visit in one of the chairs and every visit of the patient's, wherever;
    `rooms` are those of the place and what is taken of them, for a type that needs one; `rest` is
    what infusions outside the series ask for beside them. With `any_hour`, where no hours are on
    record every time is one, as it is for a booking. `born` is the patient's day, where the type's
    least age counts. In a chair that is `out_of_service` nothing is planned, and what stands in it
    is watched all the same.
    """

    zone: ZoneInfo
    policy: Policy
    chairs: Sequence[UUID]
    taken: Sequence[Slot]
    patient_id: UUID
    now: datetime
    rest: Rest | None = None
    any_hour: bool = False
    rooms: Sequence[UUID] = ()
    rooms_used: Sequence[Used] = ()
    born: date | None = None
    out_of_service: Sequence[UUID] = ()

    def minds_ban(self, day: date) -> bool:
        """Whether what is planned must not begin while the patient may not drive."""
        figures = self.policy.visit_on(day)
        return figures is None or not figures.begins_in_ban

    @property
    def given_elsewhere(self) -> tuple[date, ...]:
        return () if self.rest is None else self.rest.given
