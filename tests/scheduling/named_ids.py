"""The ids that an operation of the API's document names: in its path, its query, its body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

REFERENCES = {"location-reference"}
"""References of FHIR: text, of which the last part is an id."""


def named_ids(document: dict[str, Any], operation: dict[str, Any]) -> set[tuple[str, str]]:
    """Where each id is named and how: `("path", "chair_id")`."""
    parameters = {
        (each["in"], each["name"])
        for each in operation.get("parameters", ())
        if "uuid" in str(each["schema"]) or each["name"] in REFERENCES
    }
    contents = operation.get("requestBody", {}).get("content", {}).values()
    bodies = {
        ("body", name)
        for content in contents
        for name in _ids_in(content["schema"], document["components"]["schemas"], frozenset())
    }
    return parameters | bodies


def _ids_in(
    schema: dict[str, Any], schemas: dict[str, Any], within: frozenset[str]
) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in within:
            yield from _ids_in(schemas[name], schemas, within | {name})
        return
    inner = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if _is_schema(schema, key)]
    for each in inner:
        yield from _ids_in(each, schemas, within)
    for name, of in schema.get("properties", {}).items():
        if "'format': 'uuid'" in str(of):
            yield name
        yield from _ids_in(of, schemas, within)


def _is_schema(schema: dict[str, Any], key: str) -> bool:
    return isinstance(schema.get(key), dict)
