"""Searches that come by POST, so that what is searched for stands in no address.

FHIR R4, 3.1.0.1.4: `POST /fhir/Patient/_search` with a form is `GET /fhir/Patient` with the same
parameters, those of the address too. It is answered, refused and noted as that one is.
"""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from fastapi import HTTPException, Request

from services.scheduling.routes.fhir_answers import FhirRoute

SEARCH = "/_search"
FORM = "application/x-www-form-urlencoded"
MAX_PARAMETERS = 100
"""A technical bound; no search knows a tenth of them."""


class FhirSearchRoute(FhirRoute):
    """Reads the form of a search as the address of a GET."""

    form: ClassVar[dict[str, Any]] = {
        "requestBody": {
            "description": "The parameters of the search; those in the address count as well.",
            "content": {
                FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
            },
        }
    }

    async def as_asked(self, request: Request) -> Request:
        """What is no form is refused once it is known who asks (`only_a_form`)."""
        try:
            form = await _form_of(request)
        except HTTPException as error:
            request.state.no_form, form = error, []
        asked = "&".join(part for part in (request.url.query, urlencode(form)) if part)
        path = request.url.path.removesuffix(SEARCH)
        as_if_got = dict(request.scope) | {
            "path": path,
            "raw_path": path.encode(),
            "query_string": asked.encode(),
        }
        return Request(as_if_got, _nothing_more)


async def _form_of(request: Request) -> list[tuple[str, str]]:
    """Raises `HTTPException`: 415 for another kind of body, 400 for one that is no form."""
    body = await request.body()
    kind = request.headers.get("Content-Type", FORM).partition(";")[0].strip().casefold()
    if body and kind != FORM:
        raise HTTPException(415, f"A search is a form: Content-Type {FORM}.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise HTTPException(400, "This is no form in UTF-8 that a search could have.") from None


def only_a_form(request: Request) -> None:
    """Refuses what could not be read as a form."""
    error: HTTPException | None = getattr(request.state, "no_form", None)
    if error is not None:
        raise error


async def _nothing_more() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
