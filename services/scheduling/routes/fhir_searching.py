"""Which of a search's parameters are looked at, and what becomes of the others.

FHIR R4, 3.1.1.3: a server ignores what it does not know, unless the client prefers to be refused
(`Prefer: handling=strict`); the self link says what was really searched. A modifier that is not
understood changes what is asked for, and is refused in any case.
"""

from __future__ import annotations

import re
from typing import get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from services.scheduling.forms.fhir import Search, Searched
from shared.auth import Actor
from shared.refusals import Malformed

_STRICT = re.compile(r"\bhandling\s*=\s*\"?strict\b", re.IGNORECASE)
_SOURCE = "FHIR R4, 3.1.1: search"


def searched(request: Request, asked: Search) -> Searched:
    """How a search is answered. Raises `RequestValidationError` where it must not be."""
    fields = type(asked).model_fields
    known = {field.alias or name: field for name, field in fields.items()}
    given = [name for name, _ in request.query_params.multi_items()]
    ignored = tuple(sorted({name for name in given if name not in known}))
    wrong = [
        *(_modified(name) for name in ignored if name.partition(":")[0] in known),
        *(
            _repeated(name)
            for name, field in known.items()
            if given.count(name) > 1 and get_origin(field.annotation) is not list
        ),
    ]
    if _STRICT.search(request.headers.get("Prefer", "")):
        wrong += [_unknown(name) for name in ignored if name.partition(":")[0] not in known]
    if wrong:
        raise RequestValidationError(wrong)
    url = request.url.remove_query_params(list(ignored)) if ignored else request.url
    reader: Actor = request.state.actor
    return Searched(f"{request.base_url}fhir", url, reader.locations, ignored)


def _modified(name: str) -> dict[str, object]:
    detail = "This modifier is not understood; leave out what follows the colon."
    return _error("unsupported_modifier", name, detail)


def _repeated(name: str) -> dict[str, object]:
    detail = "Given twice, both would have to hold; give it once, with commas for any of several."
    return _error("unsupported_parameter", name, detail)


def _unknown(name: str) -> dict[str, object]:
    detail = "This parameter is not known here; /fhir/metadata says which are."
    return _error("unsupported_parameter", name, detail)


def _error(rule: str, name: str, detail: str) -> dict[str, object]:
    return {
        "type": rule,
        "loc": ("query", name),
        "msg": detail,
        "ctx": {"error": Malformed(rule, detail, _SOURCE)},
    }
