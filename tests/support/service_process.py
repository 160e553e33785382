"""A service as a process of its own: started, asked, killed at any moment, started again."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import httpx

from deploy.local.processes import free_port, last_lines, start_process
from tests.support.eventually import eventually
from tests.support.forked import fork

STARTS_WITHIN_S = 60.0


@dataclass(slots=True)
class ServiceProcess:
    """A service with an environment. Its port comes from here, under its prefix."""

    module: str
    prefix: str
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: Popen[bytes] | ForkServerProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        return {**self.environment, f"{self.prefix}_HTTP_PORT": str(self.port)}

    def migrate(self) -> None:
        child = self._fork("migrate")
        child.join(STARTS_WITHIN_S)
        assert child.exitcode == 0, last_lines(self.log)

    def start(self, **changes: str) -> None:
        """Have it run, as a child of a process that has imported it."""
        self.process = self._fork(**changes)

    def start_armed(self, kill_at: str) -> None:
        """Start it so that it dies at a step of an outside call (see `tests.support.armed`)."""
        self.start(KILL_AT=kill_at)

    def start_as_deployed(self) -> Popen[bytes]:
        """`python -m module`, which imports it anew."""
        command = [sys.executable, "-m", self.module]
        self.process = start_process(command, log=self.log, env=self.settings)
        return self.process

    def _fork(self, *arguments: str, **changes: str) -> ForkServerProcess:
        app = f"{self.module}.app" if self.module.startswith("services.") else self.module
        return fork(app, *arguments, log=self.log, env=self.settings | changes)

    @property
    def exit_code(self) -> int | None:
        """None before it was started, and while it runs."""
        if isinstance(self.process, ForkServerProcess):
            return self.process.exitcode
        return None if self.process is None else self.process.poll()

    @property
    def runs(self) -> bool:
        return self.process is not None and self.exit_code is None

    @property
    def died_by_kill(self) -> bool:
        return self.exit_code == -signal.SIGKILL

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._wait()

    def stop(self, *, grace_s: float = 10.0) -> None:
        """Ask it to end, then make it."""
        if self.process is None:
            return
        self.process.terminate()
        self._wait(grace_s)
        if self.runs:
            self.kill()

    def _wait(self, seconds: float | None = None) -> None:
        if isinstance(self.process, ForkServerProcess):
            self.process.join(seconds)
        elif self.process is not None:
            with contextlib.suppress(TimeoutExpired):
                self.process.wait(seconds)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Its answer. Raises `httpx.TransportError` while it does not listen."""
        assert self.runs, f"it ended:\n{last_lines(self.log)}"
        async with httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False) as client:
            return await client.get(path, headers=headers)

    async def until_ready(self) -> None:
        async def ready() -> None:
            try:
                answer = await self.get("/health/ready")
            except httpx.TransportError as error:
                raise AssertionError(f"{error!r}: {last_lines(self.log)}") from None
            assert answer.is_success, answer.text

        await eventually(ready, within_s=STARTS_WITHIN_S, every_s=0.1)

    async def until_at_rest(self, *, within_s: float = 20.0) -> None:
        async def rests() -> None:
            answer = (await self.get("/health/rest")).json()
            assert answer["at_rest"], answer

        await eventually(rests, within_s=within_s)
