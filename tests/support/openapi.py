"""Answers held against an OpenAPI 3.0 description: fields known, types right, nothing missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class OpenApi:
    """A description, asked for operations and for what an answer breaks."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._described = described
        self._paths = [
            (re.compile(re.sub(r"\{[^/{}]+\}", "[^/]+", path)), path.count("{"), operations)
            for path, operations in described["paths"].items()
        ]

    def answer_schema(self, method: str, path: str) -> Schema | None:
        """What a 200 of an address holds; `None` where there is no such address."""
        found = [
            (parameters, operations[method.lower()])
            for pattern, parameters, operations in self._paths
            if pattern.fullmatch(path) and method.lower() in operations
        ]
        if not found:
            return None
        _, operation = min(found, key=lambda one: one[0])
        schema: Schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        return schema

    def broken(self, schema: Schema, value: Any, at: str = "") -> Iterator[str]:
        """Where a value is not what the schema says, and how."""
        schema = self._named(schema)
        if value is None:
            if not schema.get("nullable", False):
                yield f"{at} is null"
            return
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            yield from self._best(choices, value, at)
            return
        kind = schema.get("type")
        if kind is None:
            return
        if not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
            yield f"{at} is {value!r}, not {kind}"
        elif kind == "object":
            yield from self._broken_object(schema, value, at)
        elif kind == "array":
            for number, item in enumerate(value):
                yield from self.broken(schema["items"], item, f"{at}[{number}]")
        elif "enum" in schema and value not in schema["enum"]:
            yield f"{at} is {value!r}, not one of {', '.join(map(str, schema['enum']))}"

    def _broken_object(self, schema: Schema, value: dict[str, Any], at: str) -> Iterator[str]:
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", not known)
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}.{name} is missing"
        for name, inside in value.items():
            if name in known:
                yield from self.broken(known[name], inside, f"{at}.{name}")
            elif isinstance(others, dict):
                yield from self.broken(others, inside, f"{at}.{name}")
            elif not others:
                yield f"{at}.{name} is unknown"

    def _best(self, choices: list[Schema], value: Any, at: str) -> Iterator[str]:
        """What the choice that fits best still breaks."""
        kind = value.get("object") if isinstance(value, dict) else None
        named = [
            choice
            for choice in choices
            if kind in self._named(choice).get("properties", {}).get("object", {}).get("enum", ())
        ]
        tried = [list(self.broken(choice, value, at)) for choice in named or choices]
        yield from min(tried, key=len)

    def _named(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        found: Any = self._described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return self._named(found) | {
            name: value for name, value in schema.items() if name == "nullable"
        }
