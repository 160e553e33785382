"""Refusals people can act on: RFC 9457 problem details with a list of violations.

A decider returns `Refused`; it never raises to say no. What was sent is never echoed back: it may
be a patient's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.auth import effective_route, policies
from shared.db import unreachable
from shared.errors import Retry
from shared.http.wording import broken_form
from shared.refusals import API_DOCUMENT, Broken, unknown

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

MAX_VIOLATIONS = 50

_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class Violation(BaseModel):
    """One thing that is wrong, where the rule comes from, and what was found on record there."""

    field: str | None = None
    rule: str
    detail: str
    source: str
    found: str | None = None


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
        source: str,
        status: int = 409,
        title: str = "Refused",
    ) -> Refused:
        """A refusal with a single violation."""
        violation = Violation(field=field, rule=rule, detail=detail, source=source)
        return cls(status=status, title=title, violations=(violation,))

    @classmethod
    def by_rules(cls, broken: Sequence[Broken], title: str = "Refused") -> Refused:
        """A refusal that names every broken rule."""
        return cls(title=title, violations=tuple(Violation(**asdict(one)) for one in broken))

    @classmethod
    def not_found(cls, noun: str, field: str | None = None) -> Refused:
        """A refusal because the path names something that is not on record."""
        found = cls.by_rules([unknown(noun, field)], "Not found")
        return found.model_copy(update={"status": 404})


class Declined(HTTPException):
    """Raised before a request comes to be decided: by how it is sent, or by whose it is."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.status)
        self.refused = refused


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


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if _is_sent_as_something_else(request, error):
        return problem(415, violations=(_NOT_SENT_AS_JSON,), correlation_id=_correlation(request))
    violations = tuple(_violation(found) for found in error.errors()[:MAX_VIOLATIONS])
    return problem(
        422,
        "The request is not understood",
        violations=violations,
        correlation_id=_correlation(request),
    )


_NOT_SENT_AS_JSON = Violation(
    field="Content-Type",
    rule="content_type",
    detail="The body is read as JSON; send it with the header Content-Type: application/json.",
    source=API_DOCUMENT,
)


_NO_JSON = Refused.because(
    "json_invalid",
    "The body is no JSON in UTF-8 that can be read; mend its characters, nest it less, or write its"
    " numbers with fewer digits.",
    source="RFC 8259, 6, 8.1 and 9: JSON is UTF-8; its reader limits how deep and how long",
    status=400,
    title="The request is not understood",
)


def _violation(found: Any) -> Violation:
    broken = broken_form(found)
    if broken.rule == "json_invalid":  # where it is said is a count of characters, and no field
        return Violation(**asdict(broken))
    named = () if broken.field is None else (broken.field,)
    return Violation(**asdict(broken) | {"field": _field((*found["loc"], *named))})


def _is_sent_as_something_else(request: Request, error: RequestValidationError) -> bool:
    """Whether there is a body that was not parsed, because its header does not call it JSON."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return not kind.endswith(("/json", "+json")) and any(
        found["loc"] == ("body",) and found["type"] != "missing" for found in error.errors()
    )


def _field(loc: tuple[int | str, ...]) -> str | None:
    """The path to what is wrong. A name that somebody made up shows as `?`: it may be anything."""
    parts = loc[1:] if loc and loc[0] in _PLACES else loc
    return (
        ".".join(
            str(part) if isinstance(part, int) or _NAME.fullmatch(part) else "?" for part in parts
        )
        or None
    )


def too_large(detail: str, correlation_id: object) -> JSONResponse:
    """What a request answers that is longer than any may be."""
    limit = Violation(rule="body_size", detail=detail, source="the house's limit on one request")
    return problem(413, violations=(limit,), correlation_id=correlation_id)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error, Declined):
        return refusal(error.refused, _correlation(request))
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large(error.detail, _correlation(request))
    if isinstance(error.__cause__, ValueError | RecursionError):
        return refusal(_NO_JSON, _correlation(request))
    headers = dict(error.headers) if error.headers else None
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": _methods(request)}
    return problem(
        error.status_code,
        detail=error.detail,
        correlation_id=_correlation(request),
        headers=headers,
    )


def _methods(request: Request) -> str:
    """The methods of a path. Each is a route of its own, and a router asks only the first."""
    path = effective_route(request.scope).path
    names = (name.split(" ", 1) for name in policies(request.app))
    return ", ".join(sorted(method for method, of in names if of == path))


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """An answer to what no handler answered: what may pass is a 503, all else a fault of ours."""
    correlation_id = _correlation(request)
    if isinstance(error, ClientDisconnect):
        return problem(400, detail="The request broke off.", correlation_id=correlation_id)
    if unreachable(error) or isinstance(error, Retry):
        log.warning("request_put_off", exc_info=error)
        what = "The database" if unreachable(error) else "Something that this needs"
        return problem(
            503,
            detail=f"{what} cannot be reached. Try again with the same Idempotency-Key.",
            correlation_id=correlation_id,
            headers={"Retry-After": "2"},
        )
    log.error("request_failed", exc_info=error)
    return problem(500, detail="This is a fault of ours.", correlation_id=correlation_id)


def _correlation(request: Request) -> Any:
    return getattr(request.state, "correlation_id", None)
