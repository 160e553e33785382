"""The catalogue, the AsyncAPI document and the map say what the code does, and no less.

`asyncapi-3.0.0.json` is AsyncAPI's own schema as published in `@asyncapi/specs` 6.11.1, Apache-2.0.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.catalogue import asyncapi, events_page, map_page
from deploy.catalogue.__main__ import files, stale
from deploy.catalogue.contracts import ROOT, events, says
from deploy.catalogue.services import all_handlers
from shared.events import REGISTRY, Event, PatientEvent
from shared.events.scheduling import InfusionCompleted
from shared.messaging import Transaction
from shared.messaging.handlers import Handlers

OFFICIAL = jsonschema.Draft7Validator(
    json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text())
)


def test_the_generated_files_are_current() -> None:
    assert stale(files()) == [], "make catalogue"


def test_a_new_event_makes_the_generated_files_stale() -> None:
    class PatientPlanted(PatientEvent, producer="scheduling"):
        """Planted."""

    try:
        found = {str(path) for path in stale(files())}
    finally:
        del REGISTRY[PatientPlanted.type_name]
    assert {
        "docs/events.md",
        "docs/asyncapi.yaml",
        "shared/events/schemas/scheduling.PatientPlanted/1.json",
        "shared/events/examples/scheduling.PatientPlanted/1.json",
    } <= found


def test_a_new_hearer_shows_on_every_page() -> None:
    on = Handlers("planted")

    @on.event(InfusionCompleted)
    async def count_infusion(event: InfusionCompleted, tx: Transaction) -> None: ...

    before, after = all_handlers(), all_handlers() | {"planted": on}
    for page in (events_page.page, asyncapi.page, map_page.page):
        assert page(before) != page(after)
        assert "planted" in page(after)
    assert "count_infusion" in events_page.page(after)
    assert 'scheduling -->|"InfusionCompleted"| planted' in map_page.page(after)


def test_the_asyncapi_document_is_valid_by_asyncapis_own_schema() -> None:
    document = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())
    assert [error.message for error in OFFICIAL.iter_errors(document)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("info"),
        lambda document: document["channels"]["billing"].update(adress="billing"),
        lambda document: document["operations"]["billing.says"].update(action="publish"),
        lambda document: document["channels"]["billing"]["bindings"]["kafka"].update(partitions=0),
    ],
    ids=["no info", "a misspelt field", "an action of version 2", "no partition"],
)
def test_asyncapis_own_schema_finds_what_is_wrong(spoil: Callable[[Any], object]) -> None:
    document = copy.deepcopy(asyncapi.document(all_handlers()))
    spoil(document)
    assert list(OFFICIAL.iter_errors(document))


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi.document(all_handlers())
    references = list(_references(document))
    assert len(references) > len(REGISTRY)
    for reference in references:
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def _references(part: Any) -> Any:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for item in part:
            yield from _references(item)


def test_each_message_of_the_asyncapi_document_names_its_key_and_headers() -> None:
    messages = asyncapi.document(all_handlers())["components"]["messages"]
    assert set(messages) == set(REGISTRY)
    for message in messages.values():
        assert message["bindings"]["kafka"]["key"]["format"] == "uuid"
        assert message["headers"] == {"$ref": "#/components/schemas/Headers"}


def test_the_examples_of_the_asyncapi_document_fit_what_it_says() -> None:
    document = asyncapi.document(all_handlers())
    schemas = document["components"]["schemas"]
    for name, message in document["components"]["messages"].items():
        for example in message["examples"]:
            jsonschema.validate(example["payload"], schemas[name])
            jsonschema.validate(example["headers"], schemas["Headers"])


@pytest.mark.parametrize("event", events(), ids=lambda event: event.type_name)
def test_every_event_says_what_has_happened(event: type[Event]) -> None:
    summary, *_ = says(event)
    assert summary.endswith("."), "its docstring begins with one paragraph of whole sentences"


def test_every_service_that_runs_is_on_the_map() -> None:
    services = {path.parent.name for path in (ROOT / "services").glob("*/__main__.py")}
    assert set(all_handlers()) == services


@pytest.mark.parametrize("event", REGISTRY.values(), ids=REGISTRY)
def test_every_event_of_the_catalogue_is_said_by_its_producer(event: type[Event]) -> None:
    made = rf"\b{event.__name__}[.(]"
    code = (ROOT / "services" / event.producer).rglob("*.py")
    assert any(re.search(made, path.read_text()) for path in code), "no code says it"
