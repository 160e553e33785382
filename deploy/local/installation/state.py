"""The state file: where the parts of a running installation are, for commands that come later.

It holds the secret that signs development tokens, so only its owner may read it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.installation.errors import Trouble
from deploy.local.installation.keys import write_private

STATE_FILE = "state.json"


@dataclass(frozen=True, slots=True)
class State:
    """A running installation as others see it."""

    pid: int
    services: dict[str, str]
    outside: str | None
    bootstrap_servers: str
    topic_prefix: str
    logs: str
    token_secret: str = field(repr=False)

    def write(self, folder: Path) -> None:
        write_private(folder / STATE_FILE, json.dumps(asdict(self), indent=2))

    @classmethod
    def of(cls, folder: Path) -> State:
        """What runs from a folder. Raises `Trouble` when nothing does."""
        try:
            state = cls(**json.loads((folder / STATE_FILE).read_text()))
        except FileNotFoundError:
            raise Trouble(
                f"nothing runs from {folder}. Start it with `practice up`, or name what runs "
                "elsewhere with the PRACTICE_* options."
            ) from None
        except (ValueError, TypeError):
            raise Trouble(f"{folder / STATE_FILE} is not a state file; remove it") from None
        if not _runs(state.pid):
            raise Trouble(
                f"what ran from {folder} has ended (process {state.pid}). "
                "Start it with `practice up`."
            )
        return state

    @staticmethod
    def forget(folder: Path) -> None:
        (folder / STATE_FILE).unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
