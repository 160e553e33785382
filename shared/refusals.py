"""What a rule answers with when it says no. Pure values: rules of every service return them.

At the HTTP edge they become `Refused` (`shared.http.problems`), with all of them in one answer.
"""

from __future__ import annotations

from dataclasses import dataclass

API_DOCUMENT = "the API's document, /openapi.json"
"""The source of whatever is wrong with the form of a request alone."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a request breaks.

    `detail` says what is wrong and what would be right, `source` where the rule comes from,
    `field` the part of the request or of the record that it is about. `found` is what stands on
    record there, for a program that asks again: a state, a revision, an id.
    """

    rule: str
    detail: str
    source: str
    field: str | None = None
    found: str | None = None


class Malformed(ValueError):
    """What a form's own check raises: a value that no record may have, and by which rule.

    Its words reach the caller as they are, so they never quote what was sent.
    """

    def __init__(self, rule: str, detail: str, source: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.broken = Broken(rule, detail, source, field)


def unknown(noun: str, field: str | None = None) -> Broken:
    """Something is named that is not on record: `unknown("visit type")` is `unknown_visit_type`."""
    rule = f"unknown_{noun.replace(' ', '_')}"
    return Broken(rule, f"There is no such {noun} on record.", "the clinic's records", field)
