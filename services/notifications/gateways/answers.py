"""What a provider answers about one message.

A refusal that concerns one number or address is a value; everything that may pass raises `Retry`;
what only a person can mend raises `Poison`.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.notifications.rules import NotSent


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider took it."""

    ref: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    reason: NotSent
