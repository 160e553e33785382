"""What schemathesis cannot know of this house: refusals of what a schema has no word for."""

from __future__ import annotations

from datetime import date

import schemathesis
from hypothesis import strategies as st
from schemathesis import CheckContext, Response

BY_DESIGN = {
    "idempotency_key_reused",  # a key that another request used
    "cursor_unknown",  # one that no page gave
    "string_too_short",  # a text of nothing but spaces
    "int_type",  # a whole number that is written with a point
    "npi",  # a check digit that does not fit
    "dea_number",  # the same
    "closure_days",  # a last day before the first
    "ein",  # an office that gives none
    "known_zone",  # a place that no time zone is of
    "calendar_years",  # a moment beyond any calendar of ours
    "clock_order",  # an end before its beginning
    "no_change",  # nothing but what stays as it is
    "whole_minute",  # a visit that begins at some second
    "text_hides",  # a character that nobody sees
    "text_blank",  # no character that anybody sees
    "name_without_letters",  # a name of digits or signs alone
    "name_with_signs",  # one with a sign that no script has in a name
    "unknown_zip",  # five digits that the post has not given out
    "email_form",  # an address whose points stand where no mail goes
}
"""Refused by what a schema has no word for."""

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
        or "json" not in "".join(response.headers.get("content-type", []))  # a patient's page
        or not case.meta.generation.mode.is_positive
    ):
        return
    rules = {violation["rule"] for violation in response.json()["violations"]}
    assert rules <= BY_DESIGN, f"not understood: {sorted(rules)}"
