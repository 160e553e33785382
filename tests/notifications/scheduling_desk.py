"""Scheduling's internal API as notifications see it, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.processes import free_port

ADDRESS = {
    "line1": "1 Canary Row",
    "city": "Testville",
    "state": "VA",
    "postal_code": "22314",
}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@dataclass(slots=True)
class SchedulingDesk:
    """Patients and locations by id; `away` answers 503, `asked` lists the paths and purposes."""

    port: int = field(default_factory=free_port)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    held: list[asyncio.Event] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def has_patient(self, patient_id: UUID, **changes: Any) -> None:
        card = {
            "patient_id": str(patient_id),
            "first_name": "Testa",
            "last_name": "Canary",
            "birth_date": "1979-05-17",
            "phone": "+12025550101",
            "email": "testa.canary@example.org",
            "address": ADDRESS,
        }
        self.cards[f"/internal/patients/{patient_id}"] = card | changes

    def has_location(self, location_id: UUID, **changes: Any) -> None:
        card = {
            "location_id": str(location_id),
            "name": "Main Street",
            "zone": "America/New_York",
            "legal_name": "Made Up Clinic LLC",
            "ein": "12-3456789",
            "npi": "1234567893",
            "phone": "+12025550100",
            "address": ADDRESS,
        }
        self.cards[f"/internal/locations/{location_id}"] = card | changes

    def holds_next(self) -> asyncio.Event:
        """The next answer is read now and leaves only when the event is set."""
        self.held.append(asyncio.Event())
        return self.held[-1]

    async def answer(self, request: Request) -> Response:
        self.asked.append((request.url.path, request.query_params["purpose"]))
        if self.away:
            return JSONResponse({"title": "away"}, 503)
        card = self.cards.get(request.url.path)
        if self.held:
            await self.held.pop(0).wait()
        return Response(status_code=404) if card is None else JSONResponse(card)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        app = Starlette(routes=[Route("/internal/{rest:path}", self.answer)])
        server = _Server(
            uvicorn.Config(
                app, host="127.0.0.1", port=self.port, lifespan="off", log_level="warning"
            )
        )
        task = asyncio.create_task(server.serve())
        await server.listens.wait()
        try:
            yield self
        finally:
            for event in self.held:
                event.set()
            server.should_exit = True
            await task
