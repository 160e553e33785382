"""The outside world, put together: one HTTP app and one SMTP server over one world."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from deploy.local.outside import control
from deploy.local.outside.edge import FaultyNetwork, FaultySystem, SeverableProtocol
from deploy.local.outside.pages import checkout, overview
from deploy.local.outside.pages import signing as signing_page
from deploy.local.outside.pharmacy.routes import router as pharmacy
from deploy.local.outside.settings import LOOPBACK, OutsideSettings
from deploy.local.outside.signing.routes import router as signing
from deploy.local.outside.sms import routes as sms
from deploy.local.outside.stripe import errors, people
from deploy.local.outside.stripe.conversation import Overheard
from deploy.local.outside.stripe.idempotency import Idempotent
from deploy.local.outside.stripe.routes import router as stripe
from deploy.local.outside.world import World
from shared.clock import clock_at


async def _answer_violations(_request: Request, wrong: Exception) -> JSONResponse:
    """What is wrong with a body, field by field, without repeating what was sent."""
    assert isinstance(wrong, RequestValidationError)
    violations = [
        {
            "field": ".".join(str(part) for part in error["loc"][1:]),
            "reason": error["msg"].removeprefix("Value error, "),
        }
        for error in wrong.errors()
    ]
    return JSONResponse({"error": "the request is refused", "violations": violations}, 422)


def build_app(world: World) -> FastAPI:
    """The HTTP side. Faults of the network lie outside Stripe's idempotency, its own inside."""
    app = FastAPI(
        title="The outside world, simulated",
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=sorted(LOOPBACK)),
            Middleware(FaultyNetwork, faults=world.faults),
            Middleware(Idempotent, keys=world.stripe.keys),
            Middleware(FaultySystem, post=world.post),
            Middleware(Overheard, conversation=world.stripe.conversation),
        ],
    )
    app.state.world = world
    app.add_exception_handler(errors.StripeProblem, errors.answer_problem)
    app.add_exception_handler(sms.TwilioProblem, sms.answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_violations)
    pages = (overview.router, signing_page.router, checkout.router)
    for router in (*pages, stripe, pharmacy, signing, sms.router, control.router, people.router):
        app.include_router(router)
    return app


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


async def serve(settings: OutsideSettings, ready: Callable[[], None]) -> None:
    """Live until told to end, or until the agenda fails."""
    world = World(settings, clock_at(settings.clock_file))
    server = _Server(
        uvicorn.Config(
            build_app(world),
            host=settings.host,
            port=settings.http_port,
            http=SeverableProtocol,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        ),
        ready,
    )
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(world.mail.protocol, settings.host, settings.smtp_port)
    agenda = asyncio.create_task(world.agenda.keep())
    agenda.add_done_callback(lambda _task: setattr(server, "should_exit", True))
    try:
        await server.serve()
    finally:
        smtp.close()
        await world.post.close()
        if not agenda.done():
            agenda.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await agenda


def run(settings: OutsideSettings, ready: Callable[[], None]) -> None:
    """`serve` as a process: SIGTERM and Ctrl-C end it."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(settings, ready))
