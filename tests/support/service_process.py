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

STARTS_WITHIN_S = 60.0


@dataclass(slots=True)
class ServiceProcess:
    """`python -m module` with an environment. Its port comes from here, under its prefix."""

    module: str
    prefix: str
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str, module: str = "", **changes: str) -> Popen[bytes]:
        """The module with arguments, as `migrate`, or another module that runs the service."""
        return start_process(
            [sys.executable, "-m", module or self.module, *arguments],
            log=self.log,
            env={**self.environment, f"{self.prefix}_HTTP_PORT": str(self.port), **changes},
        )

    def migrate(self) -> None:
        assert self.command("migrate").wait(STARTS_WITHIN_S) == 0, last_lines(self.log)

    def start(self, *, module: str = "", **changes: str) -> None:
        self.process = self.command(module=module, **changes)

    def start_armed(self, kill_at: str) -> None:
        """Start it so that it dies at a step of an outside call (see `tests.support.armed`)."""
        self.start(module="tests.support.armed", ARMED=f"{self.module}.app", KILL_AT=kill_at)

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

    def stop(self) -> None:
        if self.process is not None:
            end_process(self.process)

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
