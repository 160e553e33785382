"""What every wish has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from shared.refusals import API_DOCUMENT, Malformed


class Wish(BaseModel):
    """What a caller asks for: nothing unknown in it, and nothing of it in an error's text.

    What is a number or a truth value is sent as one: Pydantic would take a dose of `true` for a
    dose of one, and a `1`, or a word, for somebody who has fasted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _has_each_as_what_it_is(cls, said: Any) -> Any:
        for name, field in cls.model_fields.items() if isinstance(said, dict) else ():
            value, types = said.get(field.alias or name), set(_types_in(field.annotation))
            types -= {type(None)}
            no_number = isinstance(value, bool) and int in types and bool not in types
            if no_number or (isinstance(value, str) and types and types <= {int, float}):
                detail = "This is no number; right would be a number, without quotes."
                raise Malformed("number_needed", detail, API_DOCUMENT, name)
            if types == {bool} and value is not None and not isinstance(value, bool):
                detail = "This is no truth value; right would be true or false, without quotes."
                raise Malformed("truth_needed", detail, API_DOCUMENT, name)
        return said


def _types_in(annotation: Any) -> Iterator[type]:
    """The plain types that an annotation is made of."""
    if isinstance(annotation, type):
        yield annotation
    for each in get_args(annotation):
        yield from _types_in(each)
