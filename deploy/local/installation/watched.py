"""One child process that is started again when it dies, with a growing pause between tries."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from deploy.local.installation.errors import Trouble
from deploy.local.processes import end_process, last_lines, start_process
from shared.settings import EX_CONFIG

_LOOK_S = 0.05
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_STEADY_S = 30.0
"""Who lived this long and then dies starts from the shortest pause again."""


class Watched:
    """A service's process, or the outside world's."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        say: Callable[[str], None],
    ) -> None:
        self.name = name
        self.restarts = 0
        self.log = log
        self._command = command
        self._env = env
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, from the main thread: a child ends with the thread that started it."""
        self._wanted = True
        self._process = start_process(self._command, log=self.log, env=self._env)

    async def keep(self) -> None:
        """Start it again whenever it dies. Raises `Trouble` when it says it is misconfigured."""
        pause_s = _FIRST_PAUSE_S
        while self._wanted:
            since = monotonic()
            code = await self._ended()
            if not self._wanted:
                return
            if code == EX_CONFIG:
                raise Trouble(f"{self.name} does not start: {last_lines(self.log, 1)}")
            if monotonic() - since > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            self._say(
                f"{self.name} ended ({_how(code)}) and is started again in {pause_s:g} s. "
                f"Its last words: {_last_words(self.log)}. Its log: {self.log}"
            )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            if self._wanted:
                self.restarts += 1
                self.start()

    async def _ended(self) -> int:
        assert self._process is not None
        while (code := self._process.poll()) is None:  # noqa: ASYNC110  # a Popen tells nobody
            await asyncio.sleep(_LOOK_S)
        return code

    def ask_to_end(self) -> None:
        self._wanted = False
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """End it for good, by force after a while."""
        self.ask_to_end()
        if self._process is not None:
            end_process(self._process)


def _last_words(log: Path) -> str:
    """The last line of a log; of a line in JSON, what happened and to which part."""
    line = last_lines(log, 1)
    try:
        said = json.loads(line)
        told = (said[name] for name in ("event", "part", "error_type") if said.get(name))
        return ", ".join(map(str, told)) or line
    except (ValueError, TypeError, KeyError, AttributeError):
        return line


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
