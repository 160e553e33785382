"""Ports that stay the same from run to run, so that an address once looked at answers again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.local.processes import free_port, is_free


def kept_ports(names: Iterable[str], path: Path) -> Mapping[str, int]:
    """A port for each name: the one of the last run where nobody else has it by now."""
    before = _read(path)
    ports: dict[str, int] = {}
    for name in names:
        port = before.get(name)
        while port is None or port in ports.values() or not is_free(port):
            port = free_port()
        ports[name] = port
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ports))
    return ports


def _read(path: Path) -> dict[str, int]:
    """What an earlier run wrote; a file that says nothing of use is as good as none."""
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}
