"""The FastAPI app of a service: correlation, limits, problems, closed routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, FastAPI, Request, Response

from shared import logs
from shared.auth import Tokens, assert_closed
from shared.http import problems
from shared.ids import new_id
from shared.messaging.transaction import UnitOfWork
from shared.telemetry import Metrics, child_of

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1_000_000

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build_app(
    name: str,
    *,
    unit: UnitOfWork,
    tokens: Tokens,
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
        responses={
            code: {"model": problems.Problem, "content": {problems.MEDIA_TYPE: {}}}
            for code in (400, 401, 403, 404, 409, 422)
        },
    )
    app.state.unit = unit
    app.state.tokens = tokens
    problems.install(app)
    for router in routers:
        app.include_router(router)
    assert_closed(app)

    @app.middleware("http")
    async def edge(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        request.state.correlation_id = _given_id(request.headers.get("X-Correlation-Id"))
        request.state.traceparent = child_of(request.headers.get("traceparent"))
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return problems.problem(413, detail=f"At most {MAX_BODY_BYTES} bytes.")
        started = perf_counter()
        with logs.bind(correlation_id=str(request.state.correlation_id)):
            response = await call_next(request)
            _note(metrics, request, response, perf_counter() - started)
        response.headers["X-Correlation-Id"] = str(request.state.correlation_id)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app


def _note(metrics: Metrics, request: Request, response: Response, took_s: float) -> None:
    route: Any = request.scope.get("route")
    template = getattr(route, "path", "(none)")
    metrics.requests.labels(request.method, template, response.status_code).inc()
    metrics.request_s.labels(template).observe(took_s)
    if not template.startswith(("/health", "/metrics")):
        log.info(
            "request",
            method=request.method,
            route=template,
            status=response.status_code,
            took_ms=round(took_s * 1000),
        )


def _given_id(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return new_id()
