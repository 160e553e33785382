"""What schemathesis cannot know of this house: refusals of what a schema has no word for."""

from __future__ import annotations

from datetime import date

import schemathesis
from hypothesis import strategies as st
from schemathesis import CheckContext, Response

BY_DESIGN = {"idempotency_key_reused", "cursor_unknown", "string_too_short", "int_type"}
"""A key that another request used, a cursor that no page gave, a text of nothing but spaces, a
whole number that is written with a point where money is concerned."""

schemathesis.openapi.format(
    "date", st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(date.isoformat)
)
"""Days of this century, which the house takes; of all there are too few would pass its pattern."""


@schemathesis.check
def understood(_: CheckContext, response: Response, case: schemathesis.Case) -> None:
    """What the document allows is not answered with 422; takes the place of schemathesis' own."""
    if (
        response.status_code != 422
        or case.meta is None
        or not case.meta.generation.mode.is_positive
    ):
        return
    rules = {violation["rule"] for violation in response.json()["violations"]}
    assert rules <= BY_DESIGN, f"not understood: {sorted(rules)}"
