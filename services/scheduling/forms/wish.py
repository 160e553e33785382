"""What every wish has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from shared.refusals import API_DOCUMENT, Malformed


class Wish(BaseModel):
    """What a caller asks for: nothing unknown in it, and nothing of it in an error's text.

    A truth value is no number: Pydantic would take a dose of `true` for a dose of one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _has_numbers_for_numbers(cls, said: Any) -> Any:
        for name, field in cls.model_fields.items() if isinstance(said, dict) else ():
            if isinstance(said.get(field.alias or name), bool):
                types = set(_types_in(field.annotation))
                if int in types and bool not in types:
                    detail = "This is a truth value; right would be a whole number."
                    raise Malformed("number_needed", detail, API_DOCUMENT, name)
        return said


def _types_in(annotation: Any) -> Iterator[type]:
    """The plain types that an annotation is made of."""
    if isinstance(annotation, type):
        yield annotation
    for each in get_args(annotation):
        yield from _types_in(each)
