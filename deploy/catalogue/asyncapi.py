"""`docs/asyncapi.yaml`: the same catalogue as an AsyncAPI 3.0 document, for machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from deploy.catalogue.contracts import events, golden, says, schema_of
from deploy.catalogue.events_page import HEADERS, OPTIONAL_HEADERS
from deploy.kafka.topics import TOPICS
from shared.events import Event
from shared.messaging.handlers import Handlers

_KAFKA_BINDING = "0.5.0"


def page(services: Mapping[str, Handlers]) -> str:
    return yaml.safe_dump(document(services), sort_keys=False, allow_unicode=True, width=100)


def document(services: Mapping[str, Handlers]) -> dict[str, Any]:
    """The whole document. What a service sends and receives are its operations."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Practice events",
            "version": "1.0.0",
            "description": "What the services of an infusion clinic say to each other and to "
            "whoever listens. CloudEvents 1.0, binary Kafka binding, JSON. No patient data.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "kafka:9092",
                "protocol": "kafka",
                "description": "PRACTICE_KAFKA_BOOTSTRAP_SERVERS of the installation.",
            }
        },
        "channels": {producer: _channel(producer) for producer in _producers()},
        "operations": _operations(services),
        "components": {
            "messages": {_name(event): _message(event) for event in events()},
            "schemas": {_name(event): _inlined(schema_of(event)) for event in events()}
            | {"Headers": _headers()},
        },
    }


def _producers() -> list[str]:
    return sorted({event.producer for event in events()})


def _name(event: type[Event]) -> str:
    return event.type_name


def _channel(producer: str) -> dict[str, Any]:
    return {
        "address": producer,
        "description": f"Everything {producer} says. An installation may put a prefix before it.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{_name(event)}"}
            for event in events()
            if event.producer == producer
        },
        "bindings": {
            "kafka": {
                "topic": producer,
                "partitions": TOPICS[producer],
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operations(services: Mapping[str, Handlers]) -> dict[str, Any]:
    operations: dict[str, Any] = {
        f"{producer}.says": _operation(
            "send", producer, [e for e in events() if e.producer == producer]
        )
        for producer in _producers()
    }
    for name, on in sorted(services.items()):
        for producer in on.heard_topics():
            heard = [e for e in events() if e.producer == producer and e.type_name in on.events]
            operation = _operation("receive", producer, heard)
            operation["bindings"] = {
                "kafka": {
                    "groupId": {"type": "string", "const": name},
                    "bindingVersion": _KAFKA_BINDING,
                }
            }
            operations[f"{name}.hears.{producer}"] = operation
    return operations


def _operation(action: str, producer: str, said: list[type[Event]]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{producer}"},
        "messages": [
            {"$ref": f"#/channels/{producer}/messages/{event.__name__}"} for event in said
        ],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    schema = schema_of(event)
    record = golden(event)
    summary, *description = says(event)
    return {
        "name": event.type_name,
        "title": event.__name__,
        "summary": summary,
        **({"description": "\n\n".join(description)} if description else {}),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "payload": {"$ref": f"#/components/schemas/{_name(event)}"},
        "bindings": {
            "kafka": {
                "key": {
                    **schema["properties"][event.key_field],
                    "description": f"`{event.key_field}` of the payload.",
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
        "examples": [{"headers": record["headers"], "payload": record["value"]}],
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in HEADERS if name not in OPTIONAL_HEADERS],
        "properties": {
            name: {"type": "string", "description": says} for name, says in HEADERS.items()
        },
    }


def _inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without references of its own: `$defs` would point outside the component."""
    defs = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, list):
            return [inline(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return inline(defs[part["$ref"].rpartition("/")[2]])
        return {
            name: inline(value)
            for name, value in part.items()
            if name not in {"$defs", "$schema", "$id"}
        }

    inlined: dict[str, Any] = inline(dict(schema))
    return inlined
