"""A record of the day on which an event was first said is read by everybody who hears it."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from deploy.catalogue.contracts import ROOT, SCHEMAS
from deploy.catalogue.events_page import HEADERS, OPTIONAL_HEADERS
from deploy.catalogue.services import all_handlers
from shared.events import REGISTRY
from shared.events.scheduling import SeriesCompleted
from shared.messaging import Transaction
from shared.messaging.handlers import Handlers
from shared.messaging.records import Heard, Unreadable, read
from tests.contracts.conftest import Golden, golden_records

RECORDS = list(golden_records())
SERVICES = all_handlers()
HEARD = [
    pytest.param(record, name, id=f"{name}-hears-{record}")
    for record in RECORDS
    for name, on in SERVICES.items()
    if record.type_name in on.events
]


def test_every_event_has_its_golden_record() -> None:
    assert {(record.type_name, record.version) for record in RECORDS} >= {
        (event.type_name, event.version) for event in REGISTRY.values()
    }


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_a_golden_record_fits_its_schema(record: Golden) -> None:
    schema = json.loads((ROOT / SCHEMAS / record.type_name / f"{record.version}.json").read_text())
    jsonschema.validate(
        record.value, schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_what_a_golden_record_says_its_producer_says_today_and_only_optional_fields_are_new(
    record: Golden,
) -> None:
    event = REGISTRY[record.type_name]
    if record.version != event.version:
        pytest.skip("an older version: kept to be read, no longer said")
    said = event.model_validate(record.value)
    today = said.model_dump(mode="json")
    assert {name: today.get(name) for name in record.value} == record.value
    new = today.keys() - record.value.keys()
    assert [name for name in new if event.model_fields[name].is_required()] == []
    assert said.key == record.key == record.value[event.key_field]


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_a_golden_record_has_the_headers_of_the_catalogue(record: Golden) -> None:
    assert set(record.headers) == set(HEADERS)
    assert record.headers["ce_type"] == record.type_name
    assert record.headers["ce_subject"] == record.key


@pytest.mark.parametrize(("record", "name"), HEARD)
def test_everybody_who_hears_an_event_reads_its_golden_record(record: Golden, name: str) -> None:
    match read(SERVICES[name], record.record()):
        case Heard(event=event, envelope=envelope):
            assert event == REGISTRY[record.type_name].model_validate(record.value)
            assert envelope.version == record.version
        case found:
            raise AssertionError(found)


@pytest.mark.parametrize(("record", "name"), HEARD)
def test_a_field_that_a_later_producer_adds_disturbs_nobody(record: Golden, name: str) -> None:
    plain = read(SERVICES[name], record.record())
    more = read(SERVICES[name], record.record(added_later={"n": [1]}))
    assert isinstance(plain, Heard)
    assert isinstance(more, Heard)
    assert more.event == plain.event


@pytest.mark.parametrize("missing", sorted(set(HEADERS) - OPTIONAL_HEADERS))
def test_a_record_without_a_header_that_reading_needs_is_noticed(missing: str) -> None:
    on = Handlers("planted")

    @on.event(SeriesCompleted)
    async def thank(event: SeriesCompleted, tx: Transaction) -> None: ...

    record = next(one for one in RECORDS if one.type_name == SeriesCompleted.type_name).record()
    bare = replace(record, headers=[pair for pair in record.headers if pair[0] != missing])
    needed = {"ce_specversion", "ce_id", "ce_type", "ce_dataschema"}
    assert isinstance(read(on, bare), Unreadable) == (missing in needed)
