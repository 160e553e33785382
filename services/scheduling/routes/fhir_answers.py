"""How `/fhir` answers: resources, and an OperationOutcome for whatever is no success."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as AnyHTTPException

from services.scheduling.documents.fhir import MEDIA_TYPE
from services.scheduling.documents.fhir_bundle import outcome
from shared.http import problems

ISSUES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "business-rule",
    413: "too-long",
    422: "invalid",
    503: "transient",
}
"""FHIR's issue types for the answers that are not a success."""

BY_RULE = {
    "unsupported_parameter": "not-supported",
    "unsupported_modifier": "not-supported",
    "fhir_date": "value",
    "fhir_reference": "value",
    "fhir_code": "code-invalid",
}

_NOT_PROCESSED = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
"""In FHIR a search that is not understood, or makes no sense, is a 400 (R4, 3.1.0.1.9)."""


class FhirResponse(JSONResponse):
    media_type = MEDIA_TYPE


class FhirRoute(APIRoute):
    """Answers as FHIR does. What fails inside fails in FHIR too."""

    only_reads: ClassVar[bool] = True
    ignores_unknown: ClassVar[bool] = True
    refusal_content: ClassVar[dict[str, Any]] = {MEDIA_TYPE: {"schema": {"type": "object"}}}
    not_understood: ClassVar[str] = "400"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_as_fhir(request: Request) -> Response:
            handlers = request.app.exception_handlers
            try:
                found = await answer(await self.as_asked(request))
            except RequestValidationError as error:
                found = await handlers[RequestValidationError](request, error)
            except AnyHTTPException as error:
                found = await handlers[AnyHTTPException](request, error)
            except Exception as error:  # noqa: BLE001  # said as the edge would, in FHIR's words
                found = await problems.unexpected(request, error)
            return _as_fhir(found)

        return answer_as_fhir

    async def as_asked(self, request: Request) -> Request:
        """The request as its route looks at it."""
        return request


def _as_fhir(found: Response) -> Response:
    content = json.loads(bytes(found.body))
    headers = {
        name: value
        for name, value in found.headers.items()
        if name not in {"content-length", "content-type"}
    }
    status = found.status_code
    if status < HTTPException(400).status_code:
        return FhirResponse(content, status, headers)
    code = ISSUES.get(status, "exception")
    issues = [
        (BY_RULE.get(each["rule"], code), each["rule"], each.get("field"), each["detail"])
        for each in content.get("violations", ())
    ] or [(code, code, None, content.get("detail") or content["title"])]
    status = HTTPStatus.BAD_REQUEST if status in _NOT_PROCESSED else status
    return FhirResponse(outcome(issues), status, headers)
