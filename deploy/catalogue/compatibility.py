"""Whether a changed event schema still keeps what the published one promised.

Records of the old schema stay in Kafka, in event logs and in other teams' programs, so both
directions count: the new model reads old records, and a consumer written for the old schema reads
new ones. Allowed are a new optional field, a wider bound and a new enum value (consumers are
deployed before the producer that says it). Everything else needs a new version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.catalogue.contracts import variants

Schema = Mapping[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_FIXED = ("format", "pattern", "multipleOf", "uniqueItems")


def breaks(old: Schema, new: Schema) -> list[str]:
    """What the new schema breaks, one sentence each; empty when it is compatible."""
    return list(_object(old, new, old, new, ""))


def _object(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", [])), set(new.get("required", []))
    for name in before:
        if name not in after:
            yield f"{at}{name} is gone; a renamed field is a removed one"
    for name in sorted(needed_after - needed_before):
        yield f"{at}{name} is required now; records without it exist"
    for name in sorted((needed_before - needed_after) & set(after)):
        yield f"{at}{name} may be missing now; consumers rely on it"
    if old.get("additionalProperties", True) and new.get("additionalProperties", True) is False:
        yield f"{at or 'the event '}refuses unknown fields now"
    for name in before:
        if name in after:
            yield from _field(before[name], after[name], old_root, new_root, f"{at}{name}")


def _field(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    before, was_nullable = variants(old, old_root)
    after, is_nullable = variants(new, new_root)
    if was_nullable != is_nullable:
        yield f"{at} {'may be null now' if is_nullable else 'may no longer be null'}"
    if [one.get("type") for one in before] != [one.get("type") for one in after]:
        yield f"{at} has another type"
        return
    for one, other in zip(before, after, strict=True):
        yield from _narrowed(one, other, at)
        if one.get("type") == "object":
            yield from _object(one, other, old_root, new_root, f"{at}.")
        if one.get("type") == "array":
            yield from _field(one["items"], other["items"], old_root, new_root, f"{at}[]")


def _narrowed(old: Schema, new: Schema, at: str) -> Iterator[str]:
    yield from _other_values(_values(old), _values(new), at)
    for name in _FIXED:
        if old.get(name) != new.get(name):
            yield f"{at} has another {name}"
    for name in _LOWER:
        if name in new and (name not in old or new[name] > old[name]):
            yield f"{at} has a narrower {name}"
    for name in _UPPER:
        if name in new and (name not in old or new[name] < old[name]):
            yield f"{at} has a narrower {name}"


def _other_values(before: list[Any] | None, after: list[Any] | None, at: str) -> Iterator[str]:
    if before is None and after is not None:
        yield f"{at} takes only some values now"
    elif before is not None and after is None:
        yield f"{at} takes any value now; consumers match the ones they know"
    for value in before or ():
        if after is not None and value not in after:
            yield f"{at} no longer takes {value!r}"


def _values(schema: Schema) -> list[Any] | None:
    """The only values that a field takes, where they are named."""
    return [schema["const"]] if "const" in schema else schema.get("enum")
