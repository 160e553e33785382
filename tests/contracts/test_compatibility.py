"""What was published stays true: the rules, each seen red, and the schemas of this repository."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from deploy.catalogue.__main__ import broken
from deploy.catalogue.compatibility import breaks
from deploy.catalogue.contracts import kept_schemas, schema_of
from deploy.catalogue.history import published
from shared.events.scheduling import AppointmentBooked

Schema = dict[str, Any]
BOOKED = schema_of(AppointmentBooked) | {
    "properties": schema_of(AppointmentBooked)["properties"]
    | {
        "note": {"type": "string", "maxLength": 20, "pattern": "^[a-z]*$"},
        "fee": {
            "type": "object",
            "properties": {"cents": {"type": "integer", "maximum": 10}, "code": {"const": "a"}},
            "required": ["cents"],
        },
        "codes": {"type": "array", "items": {"type": "string"}},
    }
}


def changed(change: Callable[[Schema], object]) -> list[str]:
    """What a change to the schema breaks."""
    new = copy.deepcopy(BOOKED)
    change(new)
    return breaks(BOOKED, new)


def field(name: str, **values: object) -> Callable[[Schema], object]:
    def change(schema: Schema) -> None:
        *path, last = name.split(".")
        at = schema
        for step in path:
            at = at["properties"][step]
        at["properties"][last].update(values)

    return change


BREAKING: dict[str, tuple[Callable[[Schema], object], str]] = {
    "a field is removed": (
        lambda new: new["properties"].pop("starts_at"),
        "starts_at is gone; a renamed field is a removed one",
    ),
    "a field is renamed": (
        lambda new: new["properties"].update(begins_at=new["properties"].pop("starts_at")),
        "starts_at is gone; a renamed field is a removed one",
    ),
    "a field is added and required": (
        lambda new: (
            new["properties"].update(room={"type": "string"}),
            new["required"].append("room"),
        ),
        "room is required now; records without it exist",
    ),
    "a field becomes required": (
        lambda new: new["required"].append("note"),
        "note is required now; records without it exist",
    ),
    "a field becomes optional": (
        lambda new: new["required"].remove("revision"),
        "revision may be missing now; consumers rely on it",
    ),
    "a type changes": (field("revision", type="string"), "revision has another type"),
    "an id is no longer a UUID": (
        field("location_id", format="uri"),
        "location_id has another format",
    ),
    "a field may be null": (
        field("codes", anyOf=[{"type": "array", "items": {"type": "string"}}, {"type": "null"}]),
        "codes may be null now",
    ),
    "a field may no longer be null": (
        field("series_id", anyOf=[{"type": "string", "format": "uuid"}]),
        "series_id may no longer be null",
    ),
    "an enum loses a value": (
        lambda new: new["$defs"]["VisitType"]["enum"].remove("preparation"),
        "visit_type no longer takes 'preparation'",
    ),
    "text becomes an enum": (field("note", enum=["a"]), "note takes only some values now"),
    "an enum becomes text": (
        lambda new: new["$defs"]["VisitType"].pop("enum"),
        "visit_type takes any value now; consumers match the ones they know",
    ),
    "a constant changes": (field("fee.code", const="b"), "fee.code no longer takes 'a'"),
    "a pattern changes": (field("note", pattern="^[0-9]*$"), "note has another pattern"),
    "a lower bound rises": (field("revision", minimum=1), "revision has a narrower minimum"),
    "an upper bound appears": (field("revision", maximum=9), "revision has a narrower maximum"),
    "an upper bound falls": (field("note", maxLength=10), "note has a narrower maxLength"),
    "a nested bound falls": (field("fee.cents", maximum=9), "fee.cents has a narrower maximum"),
    "a list's items change": (
        field("codes", items={"type": "integer"}),
        "codes[] has another type",
    ),
    "unknown fields are refused": (
        lambda new: new.update(additionalProperties=False),
        "the event refuses unknown fields now",
    ),
}

ALLOWED: dict[str, Callable[[Schema], object]] = {
    "nothing changes": lambda new: new,
    "an optional field is added": lambda new: new["properties"].update(room={"type": "string"}),
    "the words change": lambda new: new.update(description="Another sentence."),
    "an enum gains a value": lambda new: new["$defs"]["VisitType"]["enum"].append("follow_up"),
    "a constant becomes an enum with it": lambda new: new["properties"]["fee"]["properties"].update(
        code={"enum": ["a", "b"]}
    ),
    "a bound widens": field("note", maxLength=40),
    "a definition gets another name": lambda new: (
        new["$defs"].update(Kind=new["$defs"].pop("VisitType")),
        new["properties"].update(visit_type={"$ref": "#/$defs/Kind"}),
    ),
}


@pytest.mark.parametrize(("change", "says"), BREAKING.values(), ids=BREAKING)
def test_a_change_that_breaks_somebody_is_named(
    change: Callable[[Schema], object], says: str
) -> None:
    assert changed(change) == [says]


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
def test_a_change_that_breaks_nobody_passes(change: Callable[[Schema], object]) -> None:
    assert changed(change) == []


def test_the_models_keep_what_the_schemas_in_the_repository_promise() -> None:
    assert broken(kept_schemas()) == []


def test_the_models_keep_what_was_ever_committed() -> None:
    try:
        promised = list(published())
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git history here: only the committed schemas are compared")
    assert promised
    assert broken(promised) == []
    gone = {(type_name, version) for type_name, version, _ in promised} - {
        (type_name, version) for type_name, version, _ in kept_schemas()
    }
    assert gone == set()


def test_a_model_that_lost_a_field_is_found() -> None:
    kept = [
        (type_name, version, schema)
        for type_name, version, schema in kept_schemas()
        if type_name == "billing.SuperbillIssued"
    ]
    kept[0][2]["properties"]["sent_by"] = {"type": "string"}
    assert broken(kept) == [
        "billing.SuperbillIssued 1: sent_by is gone; a renamed field is a removed one"
    ]


def test_versions_are_counted_without_a_hole() -> None:
    versions: dict[str, list[int]] = {}
    for type_name, version, _ in kept_schemas():
        versions.setdefault(type_name, []).append(version)
    assert {name: sorted(found) for name, found in versions.items()} == {
        name: list(range(1, len(found) + 1)) for name, found in versions.items()
    }
