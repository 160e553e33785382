"""What every service hears and calls, from the `Handlers` that its process runs on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from deploy.catalogue.contracts import ROOT
from shared.events import Event
from shared.messaging.handlers import Handlers


@dataclass(frozen=True, slots=True)
class Hearer:
    """A service that hears an event, and the decider that acts on it."""

    service: str
    decider: str
    file: str


def all_handlers() -> dict[str, Handlers]:
    """The registry of each service: the `on` of its `events.py`."""
    found: dict[str, Handlers] = {}
    for wiring in sorted((ROOT / "services").glob("*/events.py")):
        on = import_module(f"services.{wiring.parent.name}.events").on
        if not isinstance(on, Handlers):
            raise TypeError(f"{wiring}: `on` is not its Handlers")
        found[on.service] = on
    return found


def hearers(event: type[Event], services: dict[str, Handlers]) -> list[Hearer]:
    """Who hears an event."""
    return [
        Hearer(
            name,
            handler.decide.__name__,
            handler.decide.__module__.replace(".", "/") + ".py",
        )
        for name, on in services.items()
        if (handler := on.events.get(event.type_name)) is not None
    ]
