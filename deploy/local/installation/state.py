"""The state file: where the parts of a running installation are, for commands that come later.

It holds the secret that signs development tokens, so only its owner may read it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from deploy.local.installation.errors import Trouble
from deploy.local.installation.keys import write_private
from shared.settings import MIN_SECRET

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

    def check_token_secret(self) -> None:
        """Raise `Trouble` when no token can be signed that the services would take."""
        if not self.token_secret:
            raise Trouble("PRACTICE_TOKEN_SECRET: not set; it is the one that the services have")
        if len(self.token_secret) < MIN_SECRET:
            raise Trouble(f"PRACTICE_TOKEN_SECRET: must have at least {MIN_SECRET} characters")

    def write(self, folder: Path) -> None:
        write_private(folder / STATE_FILE, json.dumps(asdict(self), indent=2))

    @classmethod
    def under(cls, run: Path) -> Self:
        """What runs from a folder of runs. Raises `Trouble` when nothing does."""
        for folder in sorted(run.glob("*/"), reverse=True):
            if (state := cls.running_from(folder)) is not None:
                return state
        raise Trouble(
            f"nothing runs from {run}. Start it with `practice up`, or say where it is with "
            "--service and --kafka (see `practice --help`)."
        )

    @classmethod
    def running_from(cls, folder: Path) -> Self | None:
        """What runs from this very folder, if anything does."""
        path = folder / STATE_FILE
        try:
            state = cls(**json.loads(path.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError):
            raise Trouble(f"{path} is not a state file of this version; remove it") from None
        return state if _runs(state.pid) else None

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
