"""Whoever knows one service knows all: the same rooms everywhere, and a README at the door."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.catalogue.contracts import ROOT
from deploy.catalogue.services import all_handlers

ROOMS = ("app", "settings", "events", "handlers", "rules", "tables", "store", "routes", "__main__")
"""Each a module, or a package where it holds more than one idea."""

SCREEN_LINES = 100
"""As much as a reader sees at once of what a service hears, with its imports."""

SERVICES = sorted(path.parent for path in (ROOT / "services").glob("*/__main__.py"))


def _missing(service: Path, rooms: tuple[str, ...]) -> list[str]:
    return [
        room
        for room in rooms
        if not (service / f"{room}.py").exists() and not (service / room / "__init__.py").exists()
    ]


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_has_the_same_rooms_as_every_other(service: Path) -> None:
    assert _missing(service, ROOMS) == []
    assert list((service / "migrations" / "versions").glob("0001_*.py"))


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_handlers_stand_by_noun_and_what_is_read_stands_in_listing(service: Path) -> None:
    assert _missing(service / "handlers", ("__init__", "listing")) == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_work_and_gateways_are_there_where_something_falls_due_or_is_called(service: Path) -> None:
    on = all_handlers()[service.name]
    assert (_missing(service, ("work",)) == []) == bool(on.work_kinds)
    assert (_missing(service, ("gateways",)) == []) == bool(on.calls)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_what_a_service_hears_is_on_one_screen(service: Path) -> None:
    assert len((service / "events.py").read_text().splitlines()) <= SCREEN_LINES


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_says_at_its_door_what_it_owns_hears_and_says(service: Path) -> None:
    door = (service / "README.md").read_text().lower()
    for word in ("owns", "hears", "says", "never"):
        assert word in door
    assert "mermaid" in door, "its states are drawn"


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_what_a_readme_says_is_heard_is_heard(service: Path) -> None:
    door = (service / "README.md").read_text()
    for handler in all_handlers()[service.name].events.values():
        assert handler.event.__name__ in door, "its README leaves an event out that it hears"


def test_a_missing_room_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "__init__.py").touch()
    (tmp_path / "app.py").touch()
    assert _missing(tmp_path, ("app", "rules", "store")) == ["store"]
