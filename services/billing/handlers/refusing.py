"""From a rule's no to an answer that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence

from services.billing.rules.refusals import Broken
from shared.http.problems import Refused, Violation


def refused(broken: Sequence[Broken]) -> Refused:
    return Refused(
        title="Refused",
        violations=tuple(
            Violation(field=one.field, rule=one.rule, detail=one.detail, source=one.source)
            for one in broken
        ),
    )


def unknown(noun: str) -> Refused:
    return Refused.because(
        f"unknown_{noun.replace(' ', '_')}",
        f"There is no such {noun}.",
        status=404,
        title="Not found",
    )
