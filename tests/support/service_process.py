"""A service as a process of its own: started, asked, killed at any moment, started again."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import httpx

from deploy.local.processes import end_process, free_port, last_lines, start_process
from tests.support.eventually import eventually
from tests.support.forked import Forked, fork

STARTS_WITHIN_S = 60.0


@dataclass(slots=True)
class ServiceProcess:
    """A service with an environment. Its port comes from here, under its prefix."""

    module: str
    prefix: str
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: Popen[bytes] | Forked | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        return {**self.environment, f"{self.prefix}_HTTP_PORT": str(self.port)}

    def migrate(self) -> None:
        assert self._fork("migrate").wait(STARTS_WITHIN_S) == 0, last_lines(self.log)

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

    def _fork(self, *arguments: str, **changes: str) -> Forked:
        app = f"{self.module}.app" if self.module.startswith("services.") else self.module
        return fork(app, *arguments, log=self.log, env=self.settings | changes)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def died_by_kill(self) -> bool:
        return self.process is not None and self.process.poll() == -signal.SIGKILL

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, *, grace_s: float = 10.0) -> None:
        if isinstance(self.process, Forked):
            self.process.end(grace_s=grace_s)
        elif self.process is not None:
            end_process(self.process, grace_s=grace_s)

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
