"""A test's own topics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """The four topics under a prefix that no other test uses."""

    prefix: str
    bootstrap_servers: str

    def name(self, producer: str) -> str:
        return self.prefix + producer
