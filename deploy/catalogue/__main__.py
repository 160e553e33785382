"""`python -m deploy.catalogue` writes the contract's files and pages; `--check` only compares.

A schema that would break what is published is not written: the event needs a new version.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.catalogue import asyncapi, events_page, map_page
from deploy.catalogue.compatibility import breaks
from deploy.catalogue.contracts import (
    EXAMPLES,
    ROOT,
    SCHEMAS,
    as_json,
    events,
    file_of,
    golden,
    kept_schemas,
    schema_of,
)
from deploy.catalogue.services import all_handlers


def files() -> dict[Path, str]:
    """Every generated file under the repository's root, with what it must hold."""
    services = all_handlers()
    made = {file_of(SCHEMAS, event): as_json(schema_of(event)) for event in events()}
    made |= {file_of(EXAMPLES, event): as_json(golden(event)) for event in events()}
    made[Path("docs/events.md")] = events_page.page(services)
    made[Path("docs/asyncapi.yaml")] = asyncapi.page(services)
    made[Path("docs/map.md")] = map_page.page(services)
    readme = Path("README.md")
    made[readme] = map_page.in_readme((ROOT / readme).read_text(), services)
    return made


def stale(made: dict[Path, str]) -> list[Path]:
    """The generated files that are missing or say something else."""
    return [
        path
        for path, content in made.items()
        if not (ROOT / path).exists() or (ROOT / path).read_text() != content
    ]


def broken(promised: Iterable[tuple[str, int, dict[str, Any]]]) -> list[str]:
    """What the models break of these schemas."""
    current = {(event.type_name, event.version): schema_of(event) for event in events()}
    return [
        f"{type_name} {version}: {what}"
        for type_name, version, kept in promised
        if (type_name, version) in current
        for what in breaks(kept, current[type_name, version])
    ]


def main(arguments: list[str]) -> int:
    if wrong := broken(kept_schemas()):
        for line in wrong:
            sys.stderr.write(f"{line}. Put it back, or raise the event's `version`.\n")
        return 1
    made = files()
    behind = stale(made)
    if arguments == ["--check"]:
        for path in behind:
            sys.stderr.write(f"{path} is out of date: make catalogue\n")
        return 1 if behind else 0
    for path in behind:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(made[path])
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
