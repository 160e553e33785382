"""Stripe's error bodies."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse


class StripeProblem(Exception):
    """An error answer. `kept` says whether an idempotency key remembers it."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **more}}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeProblem:
    more = {key: value for key, value in (("param", param), ("code", code)) if value is not None}
    return StripeProblem(400, "invalid_request_error", message, **more)


def missing(param: str) -> StripeProblem:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def no_such(noun: str, object_id: str, *, param: str = "id", status: int = 404) -> StripeProblem:
    message = f"No such {noun}: '{object_id}'"
    return StripeProblem(
        status, "invalid_request_error", message, param=param, code="resource_missing"
    )


async def answer_problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, StripeProblem)
    return JSONResponse(problem.body, problem.status)
