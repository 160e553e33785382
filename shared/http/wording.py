"""What is wrong with the form of a request, in words for whoever sent it.

Owns the words for what Pydantic finds. What was sent is never in them: it may be a patient's. A
message that is made of the schema alone cannot quote it; one that carries somebody else's error
can, and then says only that the value is not right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.refusals import API_DOCUMENT, Broken, Malformed
from shared.written import what_is_right

MAX_LEAVES = 1000
MIN_TELLING = 4

_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How Pydantic shows a member of an enum; the caller sends its value."""

_A_DAY = "This is no day of the calendar; right would be one such as 2026-10-05."
_A_MOMENT = (
    "This is no moment of the calendar; right would be one such as 2026-10-05T09:00:00-04:00."
)
_WORDS = {
    "missing": "This is missing, and is needed.",
    "extra_forbidden": "This field is not permitted here; leave it out, or mend its name.",
    "date_type": _A_DAY,
    "date_parsing": _A_DAY,
    "date_from_datetime_parsing": _A_DAY,
    "date_from_datetime_inexact": "This is a moment; right would be a day, such as 2026-10-05.",
    "datetime_type": _A_MOMENT,
    "datetime_parsing": _A_MOMENT,
    "datetime_from_date_parsing": _A_MOMENT,
    "datetime_object_invalid": _A_MOMENT,
    "timezone_aware": "This moment has no zone; add its offset, as in 2026-10-05T09:00:00-04:00.",
    "uuid_type": "This is no id; right would be a UUID, as an earlier answer gave it.",
    "uuid_parsing": "This is no id; right would be a UUID, as an earlier answer gave it.",
    "json_invalid": "The body is not valid JSON.",
    "string_too_short": "This is too short; right would be at least {min_length} characters.",
    "string_too_long": "This is too long; right would be at most {max_length} characters.",
    "too_short": "These are too few; right would be at least {min_length}.",
    "too_long": "These are too many; right would be at most {max_length}.",
    "union_tag_invalid": "Expected one of {expected_tags}.",
    "greater_than_equal": "Right would be at least {ge}.",
    "greater_than": "Right would be more than {gt}.",
    "less_than_equal": "Right would be at most {le}.",
    "less_than": "Right would be less than {lt}.",
    "multiple_of": "Right would be a multiple of {multiple_of}.",
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"),
        "This is no whole number.",
    ),
    **dict.fromkeys(("bool_type", "bool_parsing"), "Right would be true or false."),
    "string_type": "This is no text; right would be a text in quotation marks.",
    "list_type": "This is no list; right would be one in [ ].",
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        "These are no named fields; right would be some in {{ }}.",
    ),
}
"""By Pydantic's type of an error. What is not here has a message of Pydantic's own."""


def broken_form(found: Any) -> Broken:
    """One thing that Pydantic finds wrong; `found` is one of `ValidationError.errors()`.

    `field` is left to the caller, except for a rule that names a field of its own form.
    """
    context = found.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, Malformed):
        return cause.broken
    kind = str(found["type"])
    if kind == "string_pattern_mismatch":
        return Broken(kind, _of_pattern(context["pattern"]), API_DOCUMENT)
    if kind in {"enum", "literal_error"}:
        right = _MEMBER.sub(r"\1", context["expected"])
        return Broken(kind, f"Nothing else may stand here; right would be {right}.", API_DOCUMENT)
    if kind in _WORDS:
        return Broken(kind, _WORDS[kind].format_map(context), API_DOCUMENT)
    detail = _MEMBER.sub(r"\1", str(found["msg"]).removeprefix("Value error, "))
    if "error" in context and any(sent in detail for sent in _texts(found.get("input"))):
        detail = "This value is not acceptable here."
    return Broken(kind, detail, API_DOCUMENT)


def _of_pattern(pattern: str) -> str:
    right = what_is_right(pattern)
    if right is None:
        return "This is written otherwise; the API's document has its pattern."
    return f"This is written otherwise; right would be {right}."


def _texts(sent: Any, room: int = MAX_LEAVES) -> set[str]:
    """The texts in what was sent that are long enough to tell something."""
    texts: set[str] = set()
    waiting = [sent]
    while waiting and room:
        value = waiting.pop()
        room -= 1
        if isinstance(value, str) and len(value) >= MIN_TELLING:
            texts.add(value)
        elif isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            waiting += value
    return texts
