"""A started outside world on a clock that the test steps, and an ear for what it tells."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.processes import free_port
from shared.clock import RunClock
from tests.support.outside_world import STRIPE_KEY, OutsideWorld, world_at
from tests.support.stripe_mock import OfficialStripe

STARTS_AT = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock]]:
    with world_at(STARTS_AT, tmp_path_factory.mktemp("outside")) as started:
        yield started


@pytest.fixture
def world(
    running_world: tuple[OutsideWorld, RunClock], official_stripe: OfficialStripe | None
) -> Iterator[OutsideWorld]:
    """The outside world with nothing in it, and nobody who listens.

    Afterwards Stripe's official mock must take every call that our Stripe granted, and Stripe's
    description of its objects must know every field of our answers.
    """
    world = running_world[0].begin()
    yield world
    if official_stripe is not None:
        assert official_stripe.objections(world.stripe_calls()) == []


@dataclass(slots=True)
class Steps:
    """Practice time, moved by the test; the world has seen the new time when it returns."""

    clock: RunClock
    world: OutsideWorld

    def now(self) -> datetime:
        return self.clock.now()

    async def by(self, pause: timedelta) -> None:
        self.clock.step_to(self.clock.now() + pause)
        await self.world.until_rest()


@pytest.fixture
def steps(running_world: tuple[OutsideWorld, RunClock], world: OutsideWorld) -> Steps:
    return Steps(running_world[1], world)


@pytest.fixture
async def stripe_client(world: OutsideWorld) -> AsyncIterator[stripe.StripeClient]:
    """The official client, asynchronous, one try per call."""
    http_client = stripe.HTTPXClient()
    yield stripe.StripeClient(
        STRIPE_KEY,
        base_addresses={"api": world.stripe_url, "files": world.stripe_url},
        http_client=http_client,
    )
    await http_client.close_async()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Heard:
    """One webhook as it arrived: exact address, headers, raw body."""

    url: str
    headers: dict[str, str]
    body: bytes


def _accept(_heard: Heard) -> int:
    return 200


@dataclass(slots=True)
class Ear:
    """A listener of the practice's. `answer` decides the status of each answer."""

    url: str
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], int] = _accept
    takes_s: float = 0.0
    listening_to: int = 0
    most_at_once: int = 0


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


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    port = free_port()
    ear = Ear(f"http://127.0.0.1:{port}/hooks?for=practice")

    async def listen(request: Request) -> Response:
        heard = Heard(str(request.url), dict(request.headers), await request.body())
        ear.heard.append(heard)
        ear.listening_to += 1
        ear.most_at_once = max(ear.most_at_once, ear.listening_to)
        await asyncio.sleep(ear.takes_s)
        ear.listening_to -= 1
        return Response(status_code=ear.answer(heard))

    app = Starlette(routes=[Route("/hooks", listen, methods=["POST"])])
    server = _Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="off", log_level="warning")
    )
    serving = asyncio.create_task(server.serve())
    await server.listens.wait()
    yield ear
    server.should_exit = True
    await serving


@pytest.fixture
def log_folder(tmp_path: Path) -> Path:
    return tmp_path
