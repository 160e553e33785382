"""The FastAPI app of a service: correlation, limits, problems, closed routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import logs, telemetry
from shared.auth import Tokens, assert_closed, closed_unless_declared, effective_route
from shared.http import contract, problems
from shared.http.reach import Reach
from shared.ids import new_id
from shared.messaging.transaction import UnitOfWork
from shared.telemetry import Metrics
from shared.vault import Vault

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1_000_000
TOO_LARGE = (
    f"A request has at most {MAX_BODY_BYTES} bytes; send a larger file in parts, each with the"
    " same first line."
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = ("/health", "/metrics")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build_app(
    name: str,
    *,
    unit: UnitOfWork,
    tokens: Tokens,
    vault: Vault,
    metrics: Metrics,
    routers: Sequence[APIRouter],
    lifespan: Lifespan,
) -> FastAPI:
    """Assemble a service's app. Raises `Misconfigured` if a route declares no roles."""
    app = FastAPI(
        title=f"{name} · practice",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        dependencies=[Depends(closed_unless_declared)],
        # FastAPI's own spans would carry query strings, and its set-up reaches for the network.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.unit = unit
    app.state.tokens = tokens
    app.state.vault = vault
    app.state.reach = Reach()  # a service whose things have locations names them in its `state`
    problems.install(app)
    app.add_middleware(Edge, metrics=metrics)
    for router in routers:
        # As they are: to include a router is to analyse each of its routes a second time.
        app.router.routes.extend(router.routes)
    assert_closed(app)
    contract.describe(app)
    return app


class Edge:
    """What every request passes first and every answer last."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        correlation_id = _given_id(headers.get("X-Correlation-Id"))
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        passing = _Passing(correlation_id, receive, send)
        started = perf_counter()
        with (
            logs.bind(correlation_id=str(correlation_id)),
            telemetry.span(
                "http_request", parent=headers.get("traceparent"), method=method
            ) as traceparent,
        ):
            scope.setdefault("state", {}).update(
                correlation_id=correlation_id, traceparent=traceparent
            )
            await self._answer(scope, headers, passing)
            self._note(method, _template(scope), passing.status, perf_counter() - started)

    async def _answer(self, scope: Scope, headers: Headers, passing: _Passing) -> None:
        """Have the app answer; what it does not answer is a fault of ours, said as a problem."""
        try:
            if _too_long(headers.get("content-length", "0")):
                too_large = problems.too_large(TOO_LARGE, passing.correlation_id)
                await too_large(scope, passing.receive, passing.send)
                return
            await self._app(scope, passing.receive, passing.send)
        except Exception as error:
            if passing.status:
                raise  # half an answer is out; only breaking the connection tells the caller
            response = await problems.unexpected(Request(scope), error)
            await response(scope, passing.receive, passing.send)

    def _note(self, method: str, template: str, status: int, took_s: float) -> None:
        self._metrics.requests.labels(method, template, status).inc()
        self._metrics.request_s.labels(template).observe(took_s)
        telemetry.note(route=template, status=status)
        if not template.startswith(_QUIET):
            log.info(
                "request",
                method=method,
                route=template,
                status=status,
                took_ms=round(took_s * 1000),
            )


class _Passing:
    """One request's messages: bodies are counted, answers get the headers that all have."""

    def __init__(self, correlation_id: UUID, receive: Receive, send: Send) -> None:
        self.correlation_id = correlation_id
        self.status = 0
        self._receive = receive
        self._send = send
        self._bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY_BYTES:  # a chunked body announces no length
            raise HTTPException(413, TOO_LARGE)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Correlation-Id"] = str(self.correlation_id)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _template(scope: Scope) -> str:
    return getattr(effective_route(scope), "path_format", "(none)")


def _too_long(length: str) -> bool:
    return not length.isdecimal() or int(length[:20]) > MAX_BODY_BYTES


def _given_id(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return new_id()
