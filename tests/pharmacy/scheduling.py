"""Scheduling's internal API, as far as pharmacy redeems ids there, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.processes import free_port
from shared.auth import Role, Tokens
from shared.claims import SeriesRecord


class _Server(uvicorn.Server):
    """A server inside the test's loop: it says when it listens and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class Scheduling:
    """What scheduling knows, and who asked for it."""

    url: str
    series: dict[UUID, SeriesRecord] = field(default_factory=dict)
    asked: list[tuple[str, UUID, str]] = field(default_factory=list)


@contextlib.asynccontextmanager
async def scheduling_running(token_secret: str) -> AsyncIterator[Scheduling]:
    port = free_port()
    scheduling = Scheduling(f"http://127.0.0.1:{port}")
    tokens = Tokens(token_secret)

    async def answer(request: Request) -> Response:
        actor = tokens.actor(request.headers.get("authorization", "").removeprefix("Bearer "))
        if actor is None or Role.SERVICE not in actor.roles:
            return Response(status_code=401)
        series_id = UUID(request.path_params["series_id"])
        scheduling.asked.append((actor.subject, series_id, request.query_params["purpose"]))
        record = scheduling.series.get(series_id)
        if record is None:
            return Response(status_code=404)
        return Response(record.model_dump_json(), media_type="application/json")

    app = Starlette(routes=[Route("/internal/series/{series_id}", answer)])
    server = _Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    await server.listens.wait()
    yield scheduling
    server.should_exit = True
    await serving
