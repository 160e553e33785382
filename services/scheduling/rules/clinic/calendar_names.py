"""What a place is called in a patient's own calendar, which others see."""

from __future__ import annotations

import re

from shared.refusals import Broken

TELLING = re.compile(
    r"\b(?:(?:ketamin|infusion|lidocain|scopolamin|nitrous|spravato|psych|mental|depress|addict)\w*"
    r"|(?:anxiety|trauma|ptsd|recovery|pain)\b)",
    re.IGNORECASE,
)
"""Words that tell a treatment or its reason. A technical bound: no list of them is complete."""


def broken_by_telling(name: str) -> list[Broken]:
    """Whether a name tells what is given there, or why."""
    found = sorted({word.casefold() for word in TELLING.findall(name)})
    if not found:
        return []
    return [
        Broken(
            "calendar_name_tells",
            f"In a calendar this tells others what the visit is for ({', '.join(found)}); take a"
            " neutral name, such as the street's or a doctor's.",
            "a patient's calendar is seen by family, employers and the companies that keep it",
            "calendar_name",
        )
    ]
