"""Is the process alive, is it fit for work, and what is wrong if not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import generate_latest

from shared.auth import public
from shared.telemetry import Metrics

Check = Callable[[], Awaitable[str | None]]
"""What is wrong, or `None`."""


def health_routes(
    checks: Mapping[str, Check], metrics: Metrics, sample: Callable[[], Awaitable[None]]
) -> APIRouter:
    """`/health/live`, `/health/ready` and `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live", dependencies=[public("probes carry no token")])
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/health/ready", dependencies=[public("probes carry no token")])
    async def ready() -> JSONResponse:
        found = {name: await check() for name, check in checks.items()}
        wrong = {name: what for name, what in found.items() if what is not None}
        return JSONResponse(
            {"status": "not ready" if wrong else "ready", "checks": found},
            status_code=503 if wrong else 200,
        )

    @router.get("/metrics", dependencies=[public("scraped inside the network; holds no ids")])
    async def show_metrics() -> Response:
        await sample()
        return Response(
            generate_latest(metrics.registry), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    return router
