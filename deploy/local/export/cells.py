"""How a cell is read. A reader raises `ValueError` with what is wrong and what would be right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from shared.identifiers import is_dea_number, is_npi

E = TypeVar("E", bound=StrEnum)

NAME_MOST = 30  # shared.claims.Name: what fits the partner pharmacy's form
LINE_MOST = 60  # shared.claims.Line
CENTS_MOST = 100_000_000  # shared.events.billing.PositiveCents
YEARS = range(2000, 2200)
BORN_FROM = date(1900, 1, 1)  # services.scheduling.forms.wishes.BirthDate

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(_DAY.pattern + r" \d{2}:\d{2}", re.ASCII)
_AMOUNT = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's control characters, line separators and paragraph separators."""


def _shaped(pattern: str, what: str) -> Callable[[str], str]:
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"{text!r} is not {what}")
        return text

    return read


key = _shaped(r"[A-Za-z0-9_-]{1,40}", "a key: up to 40 letters, digits, - and _")
phone = _shaped(r"\+[1-9]\d{7,14}", "a phone number like +12025550101")
email = _shaped(r"[^@\s\x00-\x1f\x7f]+@[^@\s]+\.[^@\s]+", "an e-mail address")
state = _shaped(r"[A-Z]{2}", "a state like VA")
postal_code = _shaped(r"\d{5}(-\d{4})?", "a ZIP code like 22314")
ein = _shaped(r"\d{2}-\d{7}", "an EIN like 12-3456789")
card_number = _shaped(r"\d{12,19}", "a card number: digits only, no spaces")
_diagnosis = _shaped(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?", "an ICD-10-CM code like F33.1")


def npi(text: str) -> str:
    if not is_npi(text):
        raise ValueError(f"{text!r} is not an NPI: ten digits whose check digit fits")
    return text


def dea_number(text: str) -> str:
    if not is_dea_number(text):
        raise ValueError(f"{text!r} is not a DEA number: two letters and seven digits that check")
    return text


def short(text: str) -> str:
    return _no_longer_than(text, NAME_MOST)


def line(text: str) -> str:
    return _no_longer_than(text, LINE_MOST)


def note(text: str) -> str:
    return _no_longer_than(text, 200)


def _no_longer_than(text: str, most: int) -> str:
    if any(unicodedata.category(character) in _BREAKS for character in text):
        raise ValueError("holds a line break or another control character; write it on one line")
    if len(text) > most:
        raise ValueError(f"has {len(text)} characters; at most {most} fit")
    return text


def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{text!r} is not a time zone like America/New_York") from None


def day(text: str) -> date:
    found = _date(text)
    _in_range(found, text)
    return found


def born_by(intake: date) -> Callable[[str], date]:
    """A day on which a living patient can have been born, no later than their intake."""

    def read(text: str) -> date:
        found = _date(text)
        if not BORN_FROM <= found <= intake:
            raise ValueError(
                f"{text} is not a birth date: from {BORN_FROM} to the day of the intake"
            )
        return found

    return read


def _date(text: str) -> date:
    try:
        return date.fromisoformat((_DAY.fullmatch(text) and text) or "")
    except ValueError:
        raise ValueError(f"{text!r} is not a date like 2027-01-08") from None


def local(in_zone: ZoneInfo) -> Callable[[str], datetime]:
    """A local time as an instant. Of an hour that comes twice, the first one is meant."""

    def read(text: str) -> datetime:
        try:
            wall = datetime.fromisoformat((_TIME.fullmatch(text) and text) or "")
        except ValueError:
            raise ValueError(f"{text!r} is not a date and time like 2027-01-08 09:00") from None
        _in_range(wall, text)
        instant = wall.replace(tzinfo=in_zone).astimezone(UTC)
        if instant.astimezone(in_zone).replace(tzinfo=None) != wall:
            raise ValueError(f"{text} does not exist in {in_zone.key}: clocks go forward then")
        return instant

    return read


def _in_range(found: date, text: str) -> None:
    """What every calendar of the practice can show: services.scheduling, services.billing."""
    if not YEARS.start <= found.year < YEARS.stop:
        raise ValueError(f"{text} is not between {YEARS.start} and {YEARS.stop - 1}")


def minutes(text: str) -> timedelta:
    return timedelta(minutes=_whole(text, "minutes", 1, 24 * 60))


def count(text: str) -> int:
    return _whole(text, "times", 1, 1000)


def weight_g(text: str) -> int:
    """Grams, of a cell that names kilograms."""
    return 1000 * _whole(text, "kilograms of body weight", 20, 400)


def dose_ug(text: str) -> int:
    """Micrograms, of a cell that names milligrams."""
    return 1000 * _whole(text, "milligrams", 1, 10_000)


def seconds(text: str) -> int:
    return _whole(text, "seconds", 1, 86_400)


def error_status(text: str) -> int:
    return _whole(text, "the HTTP status of an error", 400, 599)


def _whole(text: str, what: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text[:12]) <= most):
        raise ValueError(f"{text!r} is not {what}: a whole number from {least} to {most}")
    return int(text)


def dollars(text: str) -> int:
    """US dollars as integer cents."""
    found = _AMOUNT.fullmatch(text)
    cents = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 0
    if not 0 < cents <= CENTS_MOST:
        raise ValueError(
            f"{text!r} is not an amount in dollars like 399.00, up to {CENTS_MOST // 100:,}"
        )
    return cents


def yes_or_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def one_of(choices: Iterable[E]) -> Callable[[str], E]:
    """One of an enumeration, or of a part of it."""
    by_text = {str(choice): choice for choice in choices}

    def read(text: str) -> E:
        if text not in by_text:
            raise ValueError(f"{text!r} is not one of {', '.join(by_text)}")
        return by_text[text]

    return read


def several(read_one: Callable[[str], E]) -> Callable[[str], tuple[E, ...]]:
    """Values separated by semicolons."""

    def read(text: str) -> tuple[E, ...]:
        return tuple(read_one(part.strip()) for part in text.split(";"))

    return read


def diagnoses(text: str) -> tuple[str, ...]:
    """ICD-10-CM codes separated by semicolons."""
    return tuple(_diagnosis(part.strip()) for part in text.split(";"))
