"""Refusals people can act on: RFC 9457 problem details with a list of violations.

A decider returns `Refused`; it never raises to say no. What was sent is never echoed back: it may
be a patient's.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.db import unreachable

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class Violation(BaseModel):
    """One thing that is wrong, and where the rule comes from."""

    field: str | None = None
    rule: str
    detail: str
    source: str | None = None


class Refused(BaseModel):
    """A rule said no. Nothing was stored."""

    status: int = 409
    title: str
    violations: tuple[Violation, ...] = ()

    @classmethod
    def because(
        cls,
        rule: str,
        detail: str,
        *,
        field: str | None = None,
        source: str | None = None,
        status: int = 409,
        title: str = "Refused",
    ) -> Refused:
        """A refusal with a single violation."""
        violation = Violation(field=field, rule=rule, detail=detail, source=source)
        return cls(status=status, title=title, violations=(violation,))


class Problem(BaseModel):
    """The body of every answer that is not a success (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    violations: tuple[Violation, ...] = ()
    correlation_id: str | None = None


def problem(
    status: int,
    title: str | None = None,
    *,
    detail: str | None = None,
    violations: tuple[Violation, ...] = (),
    correlation_id: object = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body = Problem(
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        violations=violations,
        correlation_id=None if correlation_id is None else str(correlation_id),
    )
    return JSONResponse(
        body.model_dump(mode="json", exclude_none=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def refusal(refused: Refused, correlation_id: object = None) -> JSONResponse:
    return problem(
        refused.status,
        refused.title,
        violations=refused.violations,
        correlation_id=correlation_id,
    )


def install(app: FastAPI) -> None:
    """Have every failure of an app answer as a problem."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    violations = tuple(
        Violation(
            field=".".join(str(part) for part in found["loc"] if part != "body") or None,
            rule=str(found["type"]),
            detail=str(found["msg"]).removeprefix("Value error, "),
        )
        for found in error.errors()
    )
    return problem(
        422,
        "The request is not understood",
        violations=violations,
        correlation_id=_correlation(request),
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem(
        error.status_code,
        detail=error.detail,
        correlation_id=_correlation(request),
        headers=headers,
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    correlation_id = _correlation(request)
    if unreachable(error):
        log.warning("request_without_database", error_type=type(error).__name__)
        return problem(
            503,
            detail="The database cannot be reached. Try again with the same Idempotency-Key.",
            correlation_id=correlation_id,
            headers={"Retry-After": "2"},
        )
    log.error("request_failed", exc_info=error)
    return problem(500, detail="This is a fault of ours.", correlation_id=correlation_id)


def _correlation(request: Request) -> Any:
    return getattr(request.state, "correlation_id", None)
