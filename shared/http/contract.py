"""The OpenAPI document: who may call each route, how it refuses, which headers it wants."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import models_json_schema

from shared.auth import Policy, policies
from shared.http.desk import at_desk, only_reads
from shared.http.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{model}"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
"""How a refusal looks; a route whose class says it in another standard has `refusal_content`, and
`not_understood` where that standard has another status than 422 for it."""

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "The same request under the same key is decided once and answered the same.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_REPLAYED = {
    "description": "`true` when this is the answer given before.",
    "schema": {"type": "string", "enum": ["true"]},
}


def describe(app: FastAPI) -> None:
    """Have the app's OpenAPI document say what its routes declare and how all of them refuse."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    _, problem = models_json_schema([(Problem, "serialization")], ref_template=_REF)
    schemas.update(problem["$defs"])
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    declared = policies(app)
    named: set[str] = set()
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute) or not route.include_in_schema:
            continue
        for method in sorted(route.methods or ()):
            operation = schema["paths"][route.path_format][method.lower()]
            name = str(route.name)
            if name in named:
                raise LookupError(f"two operations are called {name}")
            named.add(name)
            operation["operationId"] = name
            policy = declared[f"{method} {route.path}"]
            _describe_operation(operation, route, method, policy)
    return schema


def _describe_operation(
    operation: dict[str, Any], route: Any, method: str, policy: Policy | None
) -> None:
    at_a_desk = any(needed.call is at_desk for needed in route.dependant.dependencies)
    responses = operation["responses"]
    responses.pop("422", None)
    refusals = {"default": "Any other failure"}
    if at_a_desk or operation.get("parameters") or operation.get("requestBody"):
        status = getattr(route.original_route, "not_understood", "422")
        refusals[status] = "The request is not understood"
    if policy is not None and policy.public_because is not None:
        operation["x-public-because"] = policy.public_because
        _add(operation, f"For anyone: {policy.public_because}.")
    elif policy is not None:
        operation["x-roles"] = sorted(policy.roles)
        _add(operation, f"For these roles: {', '.join(sorted(policy.roles))}.")
        refusals |= {"401": "No valid token", "403": "Another role, or another location, is needed"}
    if at_a_desk and method == "POST" and not only_reads(route):
        refusals |= {"400": "No Idempotency-Key", "409": "Refused", "422": "Refused as it stands"}
        if route.status_code is None:
            responses["201"] = responses.pop("200") | {"description": "Decided"}
        for answer in responses.values():
            answer["headers"] = {"Idempotent-Replayed": _REPLAYED}
        creates = route.status_code in {None, 201}
        operation.setdefault("parameters", []).append(_KEY | {"required": creates})
    content = getattr(route.original_route, "refusal_content", _PROBLEM)
    for status, what in sorted(refusals.items()):
        responses[status] = {"description": what, "content": content}


def _add(operation: dict[str, Any], sentence: str) -> None:
    """What the route's docstring says comes first."""
    said = operation.get("description")
    operation["description"] = f"{said}\n\n{sentence}" if said else sentence
