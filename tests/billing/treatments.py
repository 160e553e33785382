"""A visit outside a series, as scheduling knows it and tells of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.claims import PlannedVisit, TreatmentPlan
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    CancelReason,
    VisitType,
)
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.courses import Course
from tests.billing.plans import plan_of

BOOSTER = "ketamine_maintenance"


class Treatment:
    """A visit by itself, in scheduling's books and in what it says; a booster by default."""

    def __init__(
        self,
        billing: Billing,
        monday: Course,
        patient_id: UUID | None = None,
        *,
        type_code: str = BOOSTER,
        in_chair: bool = True,
    ) -> None:
        self.billing = billing
        self.week = monday
        self.patient_id = patient_id or new_id()
        self.appointment_id = new_id()
        self.type_code = type_code
        self.in_chair = in_chair
        self.starts_at = monday.at(4)
        self.is_lost = False
        self.revision = 0

    def plan(self) -> None:
        of_series = plan_of(new_id(), self.patient_id, [])
        visits = () if self.is_lost else (PlannedVisit(starts_at=self.starts_at, infusion_min=50),)
        fields = of_series.model_dump(exclude={"series_id", "visits", "visit_type"})
        self.billing.scheduling.has_treatment(
            TreatmentPlan(
                appointment_id=self.appointment_id,
                visit_type=self.type_code,
                visits=visits,
                **fields,
            )
        )

    def booked(self, **changes: Any) -> AppointmentBooked:
        fields: dict[str, Any] = {
            "patient_id": self.patient_id,
            "appointment_id": self.appointment_id,
            "series_id": None,
            "sequence_no": None,
            "location_id": new_id(),
            "visit_type": VisitType.OTHER,
            "type_code": self.type_code,
            "starts_at": self.starts_at,
            "ends_at": self.starts_at + timedelta(minutes=50),
            "revision": self.revision,
            "in_chair": self.in_chair,
            "booked_at": self.billing.clock.now(),
        }
        return AppointmentBooked(**fields | changes)

    async def book(self, in_days: int = 4, **changes: Any) -> None:
        self.starts_at = self.week.at(in_days)
        self.plan()
        await self.billing.hear(self.booked(**changes))
        await self.billing.until_rest()

    async def move(self, to_day: int) -> None:
        before, self.starts_at = self.starts_at, self.week.at(to_day)
        self.revision += 1
        self.plan()
        await self.billing.hear(
            AppointmentMoved(
                patient_id=self.patient_id,
                appointment_id=self.appointment_id,
                visit_type=VisitType.OTHER,
                type_code=self.type_code,
                location_id=new_id(),
                previous_starts_at=before,
                starts_at=self.starts_at,
                ends_at=self.starts_at + timedelta(minutes=50),
                revision=self.revision,
            )
        )
        await self.billing.until_rest()

    async def lose(self, reason: CancelReason) -> None:
        self.is_lost = True
        self.revision += 1
        self.plan()
        await self.billing.hear(
            AppointmentCancelled(
                patient_id=self.patient_id,
                appointment_id=self.appointment_id,
                location_id=new_id(),
                starts_at=self.starts_at,
                reason=reason,
                revision=self.revision,
            )
        )

    async def comes_after_all(self) -> None:
        """The no-show is undone: it is booked again, with a new revision."""
        self.is_lost = False
        self.revision += 1
        self.plan()
        await self.billing.hear(self.booked())

    async def complete(self) -> None:
        event = self.billing.complete(
            self.patient_id, appointment_id=self.appointment_id, in_series=False
        )
        of_type = {"visit_type": VisitType.OTHER, "type_code": self.type_code}
        await self.billing.hear(event.model_copy(update=of_type))
        await self.billing.until_rest()

    async def listed(self) -> list[dict[str, Any]]:
        path = f"/patients/{self.patient_id}/estimates"
        return list((await self.billing.told("GET", path))["items"])
