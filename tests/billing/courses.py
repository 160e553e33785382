"""A patient's series as estimates meet it, on a calm Monday."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from pypdf import PdfReader

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.estimates import business_days
from shared.events.scheduling import AppointmentCancelled, CancelReason
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.plans import plan_of, series_booked, starts_from, visit_booked

STARTS_AT = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)

WISH = {
    "visit_type": "ketamine_mood",
    "planned_infusions": 6,
    "location_id": "0199c0de-0000-7000-8000-00000000d1d1",
}


def calm_monday(after: datetime) -> date:
    """The next Monday that begins three weeks without a holiday and without a clock change."""
    monday = after.date() + timedelta(days=7 - after.weekday())
    while True:
        days = [monday + timedelta(days=n) for n in range(22)]
        noons = {datetime.combine(day, time(12), CLINIC_ZONE).utcoffset() for day in days}
        if len(noons) == 1 and business_days.add(monday, 15) == days[21]:
            return monday
        monday += timedelta(days=7)


@dataclass(slots=True)
class Course:
    """A patient's series, in scheduling's books and in what it says."""

    billing: Billing
    monday: date
    series_id: UUID = field(default_factory=new_id)
    patient_id: UUID = field(default_factory=new_id)
    starts: list[datetime] = field(default_factory=list)
    booked: list[UUID] = field(default_factory=list)

    def at(self, days: int, hour: int = 10) -> datetime:
        """So many days after the Monday, at an hour of the clinic's wall."""
        return datetime.combine(self.monday + timedelta(days=days), time(hour), CLINIC_ZONE)

    def over(self, days: int) -> datetime:
        """When that day is over."""
        return self.at(days + 1, 0).astimezone(UTC)

    def plan(self, **changes: Any) -> None:
        plan = plan_of(self.series_id, self.patient_id, self.starts, **changes)
        self.billing.scheduling.has_plan(plan)

    async def book(self, in_days: int = 4, count: int = 6, **changes: Any) -> None:
        """Book it now, for the Friday. Its events come as scheduling says them."""
        self.starts = starts_from(self.at(in_days), count)
        self.plan(**changes)
        now = self.billing.clock.now()
        await self.billing.hear(series_booked(self.series_id, self.patient_id, self.starts, now))
        for number, at in enumerate(self.starts, start=1):
            await self.add(at, number)
        await self.billing.until_rest()

    async def add(self, at: datetime, number: int) -> None:
        event = visit_booked(self.series_id, self.patient_id, at, number)
        self.booked.append(event.appointment_id)
        await self.billing.hear(event)

    async def lose(self, index: int) -> None:
        del self.starts[index]
        self.plan()
        await self.billing.hear(
            AppointmentCancelled(
                patient_id=self.patient_id,
                appointment_id=self.booked[index],
                location_id=new_id(),
                starts_at=self.at(4),
                reason=CancelReason.PATIENT_ASKED,
                revision=1,
            )
        )

    async def listed(self) -> list[dict[str, Any]]:
        path = f"/patients/{self.patient_id}/estimates"
        return list((await self.billing.told("GET", path))["items"])

    async def after_the_hour(self) -> None:
        """Changes of one hour are one."""
        self.billing.step(timedelta(minutes=61))
        await self.billing.until_rest()


def words_in(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


async def due(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/estimates/due"))["items"])


def states(listed: Sequence[dict[str, Any]]) -> list[tuple[int, str, str, int]]:
    return [(one["version"], one["state"], one["reason"], one["total_cents"]) for one in listed]
