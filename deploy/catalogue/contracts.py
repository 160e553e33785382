"""Each version of each event as two files: its JSON Schema and one golden record.

The schema is what the model accepts, so it also says what a consumer of later records may rely on.
The golden record is what Kafka carries: key, headers, value. It is written once and then kept; it
proves for good that a record of that day is still read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.events import REGISTRY, Event
from shared.messaging.envelope import headers_of

ROOT = Path(__file__).parents[2]
SCHEMAS = Path("shared/events/schemas")
EXAMPLES = Path("shared/events/examples")

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BEGINS = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
_TEXT = {"reason": "example_reason", "number": "2026-000001", "month": "2026-11-01"}


def events() -> list[type[Event]]:
    """Every event of the published language, by type name."""
    return [REGISTRY[name] for name in sorted(REGISTRY)]


def file_of(folder: Path, event: type[Event]) -> Path:
    return folder / event.type_name / f"{event.version}.json"


def says(event: type[Event]) -> list[str]:
    """What an event says: the paragraphs of its own docstring, each on one line."""
    own = event.__dict__.get("__doc__") or ""
    return [" ".join(paragraph.split()) for paragraph in own.strip().split("\n\n")]


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The event's JSON Schema, without the titles that only repeat the names."""
    schema = _without_titles(event.model_json_schema())
    return {
        "$schema": DIALECT,
        "$id": f"urn:practice:event:{event.type_name}:{event.version}",
        "title": event.__name__,
        **schema,
    }


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            name: {field: _without_titles(of) for field, of in value.items()}
            if name in {"properties", "$defs"}
            else _without_titles(value)
            for name, value in schema.items()
            if name != "title"
        }
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """A field's schema with its reference into `$defs` followed."""
    if "$ref" not in schema:
        return dict(schema)
    name = str(schema["$ref"]).rpartition("/")[2]
    return {**root["$defs"][name], **{k: v for k, v in schema.items() if k != "$ref"}}


def variants(
    schema: Mapping[str, Any], root: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], bool]:
    """The shapes that a field may have other than null, and whether it may be null."""
    found = [resolved(one, root) for one in schema.get("anyOf", [schema])]
    return [one for one in found if one.get("type") != "null"], any(
        one.get("type") == "null" for one in found
    )


def golden(event: type[Event]) -> dict[str, Any]:
    """The event's golden record: the one that is kept, or a new one where there is none."""
    kept = ROOT / file_of(EXAMPLES, event)
    return dict(json.loads(kept.read_text())) if kept.exists() else _made_up(event)


def _made_up(event: type[Event]) -> dict[str, Any]:
    """A record of the event as Kafka carries it, with ids and times that mean nothing."""
    root = schema_of(event)
    value = {
        name: _sample(name, of, root, _BEGINS + place * timedelta(minutes=5))
        for place, (name, of) in enumerate(root["properties"].items())
    }
    said = event.model_validate(value)
    return {
        "key": said.key,
        "headers": headers_of(
            said,
            event_id=_id("event_id"),
            at=_BEGINS + timedelta(hours=1),
            correlation_id=_id("correlation_id"),
            causation_id=_id("causation_id"),
            traceparent=f"00-{_id('trace').hex}-{_id('span').hex[:16]}-01",
        ),
        "value": said.model_dump(mode="json"),
    }


def _sample(name: str, field: Mapping[str, Any], root: Mapping[str, Any], moment: datetime) -> Any:
    shape = variants(field, root)[0][0]
    sample: Any
    match shape:
        case {"const": constant}:
            sample = constant
        case {"enum": [first, *_]}:
            sample = first
        case {"format": "uuid"}:
            sample = str(_id(name))
        case {"format": "date-time"}:
            sample = moment.isoformat()
        case {"format": "date"}:
            sample = moment.date().isoformat()
        case {"type": "array", "items": item}:
            sample = [_sample(name, item, root, moment)]
        case {"type": "integer"}:
            sample = 39900 if name.endswith("_cents") else 1
        case _:
            sample = _TEXT[name]
    return sample


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"practice:example:{name}")


def kept_schemas(root: Path = ROOT) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Type name, version and content of each schema file."""
    for path in sorted((root / SCHEMAS).glob("*/*.json")):
        yield path.parent.name, int(path.stem), json.loads(path.read_text())


def as_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
