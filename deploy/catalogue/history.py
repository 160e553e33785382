"""Every schema that was ever committed: what is published stays published."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.catalogue.contracts import ROOT, SCHEMAS


def published(root: Path = ROOT) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Type name, version and content of each committed state of each schema file.

    Raises `FileNotFoundError` or `subprocess.CalledProcessError` where there is no git history.
    """
    seen = _git(
        root, "log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", str(SCHEMAS)
    )
    blobs: dict[str, Path] = {}
    for line in seen.splitlines():
        described, _, name = line.partition("\t")
        blob = described.split()[3]
        if set(blob) != {"0"}:  # all zeros: the file was deleted there
            blobs[blob] = Path(name)
    for blob, path in blobs.items():
        content = _git(root, "cat-file", "blob", blob)
        yield path.parent.name, int(path.stem), json.loads(content)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # constants
