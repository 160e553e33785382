"""Scheduling's `/internal` and billing's, for the tests of a service that redeems ids there.

The one stand-in for a part of ours: over real HTTP, with the token and the purpose that scheduling
wants, and with records that its models accept. `tests/flows` redeem at scheduling itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.auth import Role, Tokens
from shared.claims import (
    Attendance,
    ConsultRecord,
    InfusionRecord,
    LocationCard,
    PatientCard,
    PayLinkAddress,
    SeriesPlan,
    SeriesRecord,
    TreatmentPlan,
)
from tests.support import people
from tests.support.serving import serving


class Asked(NamedTuple):
    """One redemption, as scheduling's audit log would have it."""

    service: str
    path: str
    purpose: str


@dataclass(slots=True)
class ClaimDesk:
    """What scheduling has on record, by path; `away` answers 503."""

    url: str
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    away: bool = False
    held: list[asyncio.Event] = field(default_factory=list)

    def has_patient(self, patient_id: UUID, **changes: Any) -> None:
        card = PatientCard.model_validate(people.patient(patient_id, **changes))
        self._keep(f"/internal/patients/{patient_id}", card)

    def has_location(self, location_id: UUID, **changes: Any) -> None:
        card = LocationCard.model_validate(people.location(location_id, **changes))
        self._keep(f"/internal/locations/{location_id}", card)

    def has_series(self, record: SeriesRecord) -> None:
        self._keep(f"/internal/series/{record.series_id}", record)

    def has_pay_link(self, link: PayLinkAddress) -> None:
        self._keep(f"/internal/pay-links/{link.pay_link_id}", link)

    def has_plan(self, plan: SeriesPlan) -> None:
        self._keep(f"/internal/series/{plan.series_id}/plan", plan)

    def has_treatment(self, plan: TreatmentPlan) -> None:
        self._keep(f"/internal/treatments/{plan.appointment_id}/plan", plan)

    def has_infusion(self, record: InfusionRecord) -> None:
        self._keep(infusion_path(record.infusion_id), record)

    def has_attendance(self, record: Attendance) -> None:
        self._keep(f"{infusion_path(record.infusion_id)}/attendance", record)

    def attendance_of(self, infusion_id: UUID) -> Attendance:
        """What it says of an infusion to a service that answers a bank."""
        return Attendance.model_validate(self.records[f"{infusion_path(infusion_id)}/attendance"])

    def has_session_attendance(self, record: Attendance) -> None:
        self._keep(f"/internal/consults/{record.infusion_id}/attendance", record)

    def has_consult(self, record: ConsultRecord) -> None:
        self._keep(f"/internal/consults/{record.appointment_id}", record)

    def _keep(
        self,
        path: str,
        record: PatientCard
        | LocationCard
        | SeriesRecord
        | SeriesPlan
        | TreatmentPlan
        | InfusionRecord
        | Attendance
        | ConsultRecord
        | PayLinkAddress,
    ) -> None:
        self.records[path] = record.model_dump(mode="json")

    def holds_next(self) -> asyncio.Event:
        """The next answer is read now and leaves only when the event is set."""
        self.held.append(asyncio.Event())
        return self.held[-1]


def infusion_path(infusion_id: UUID) -> str:
    return f"/internal/infusions/{infusion_id}"


@asynccontextmanager
async def claim_desk(token_secret: str) -> AsyncIterator[ClaimDesk]:
    """A desk that answers services whose tokens are signed with the secret."""
    tokens = Tokens(token_secret)

    async def answer(request: Request) -> Response:
        actor = tokens.actor(request.headers.get("authorization", "").removeprefix("Bearer "))
        if actor is None:
            return Response(status_code=401)
        if Role.SERVICE not in actor.roles:
            return Response(status_code=403)
        purpose = request.query_params.get("purpose")
        if purpose is None:
            return Response(status_code=422)
        desk.asked.append(Asked(actor.subject, request.url.path, purpose))
        if desk.away:
            return Response(status_code=503)
        record = desk.records.get(request.url.path)
        if desk.held:
            await desk.held.pop(0).wait()
        return Response(status_code=404) if record is None else JSONResponse(record)

    async with serving(Starlette(routes=[Route("/internal/{rest:path}", answer)])) as url:
        desk = ClaimDesk(url)
        yield desk
        for event in desk.held:
            event.set()
