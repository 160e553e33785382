"""Days and moments as they are written: none is made of a number, although Pydantic would do it."""

from __future__ import annotations

import re
from datetime import date, datetime

from pydantic import BeforeValidator

from shared.refusals import Malformed


def _a_day(given: object) -> object:
    if isinstance(given, date) or (
        isinstance(given, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given)
    ):
        return given
    raise Malformed(
        "day_as_written", "A day is written as YYYY-MM-DD, such as 2026-10-05.", "RFC 3339"
    )


def _a_moment(given: object) -> object:
    if isinstance(given, datetime) or (isinstance(given, str) and not _is_number(given)):
        return given
    raise Malformed(
        "moment_as_written", "A moment is written as 2026-11-23T14:00:00Z, no number.", "RFC 3339"
    )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[0-9._]+\s*", text) is not None


A_DAY = BeforeValidator(_a_day)
A_MOMENT = BeforeValidator(_a_moment)
