"""Whether a request's address asks only for what its route knows.

Another name would change nothing: whoever asked for one day would be shown all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from shared.refusals import API_DOCUMENT, Malformed


def assert_known(request: Request, route: Any) -> None:
    """Raises `RequestValidationError` for a name that is not known, with those that are.

    A route whose class `ignores_unknown` names keeps to a standard that says so.
    """
    given = dict.fromkeys(request.query_params.keys())
    of_class = getattr(route, "original_route", route)
    if not given or getattr(of_class, "ignores_unknown", False):
        return
    known = sorted(set(_known(route.dependant)))
    told = f"known here are {', '.join(known)}" if known else "none is known here"
    detail = f"There is no such parameter; {told}."
    wrong = [
        {"type": "value_error", "loc": ("query", name), "ctx": {"error": error}}
        for name in given
        if name not in known
        for error in [Malformed("unknown_parameter", detail, API_DOCUMENT)]
    ]
    if wrong:
        raise RequestValidationError(wrong)


def _known(dependant: Any) -> Iterator[str]:
    """The names of a route's query parameters, those of what it depends on included.

    A form of several parameters at once has the names of its fields.
    """
    for field in dependant.query_params:
        form = field.field_info.annotation
        if isinstance(form, type) and issubclass(form, BaseModel):
            yield from (each.alias or name for name, each in form.model_fields.items())
        else:
            yield field.alias
    for needed in dependant.dependencies:
        yield from _known(needed)
