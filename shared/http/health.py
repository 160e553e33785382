"""Is the process alive, is it fit for work, and what is wrong if not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.auth import public
from shared.telemetry import Metrics

log = structlog.get_logger(__name__)

CHECK_LIMIT_S = 5.0

Check = Callable[[], Awaitable[str | None]]
"""What is wrong, in words without data, or `None`."""


def health_routes(
    checks: Mapping[str, Check], metrics: Metrics, sample: Callable[[], Awaitable[None]]
) -> APIRouter:
    """`/health/live`, `/health/ready` and `/metrics`."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live", dependencies=[public("probes carry no token")])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.get(
        "/health/ready",
        dependencies=[public("probes carry no token")],
        responses={503: {"description": "Something is wrong", "content": {"application/json": {}}}},
    )
    async def ready() -> JSONResponse:
        """Each check by name, with what is wrong with it or null; 503 if anything is."""
        wrong = await asyncio.gather(*(_asked(name, check) for name, check in checks.items()))
        fit = all(what is None for what in wrong)
        return JSONResponse(
            {
                "status": "ready" if fit else "not ready",
                "checks": dict(zip(checks, wrong, strict=True)),
            },
            status_code=200 if fit else 503,
        )

    @router.get(
        "/metrics",
        dependencies=[public("scraped inside the network; holds no ids")],
        response_class=PlainTextResponse,
    )
    async def show_metrics() -> Response:
        """What the process measures, in Prometheus' text format."""
        await sample()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def _asked(name: str, check: Check) -> str | None:
    """A check's own words; one that hangs or breaks is itself what is wrong."""
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_LIMIT_S:.0f} s"
    except Exception as error:
        log.error("check_failed", check=name, exc_info=error)
        return f"the check itself failed: {type(error).__name__}"
