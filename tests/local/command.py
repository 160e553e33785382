"""The `practice` command as a process, as somebody at a terminal has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self
from uuid import uuid4

import psutil

ROOT = Path(__file__).parents[2]
_NOT_FOR_IT = ("KAFKA_BOOTSTRAP_SERVERS", "PRACTICE_POSTGRES_URL")


def _hears_ctrl_c() -> None:
    """Whatever a shell starts in its background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """A run of `practice` with nothing but what comes with it: embedded broker and database."""

    def __init__(self, run: Path, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_IT}
        self._output = run.parent / f"{uuid4().hex}.output"
        with self._output.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [sys.executable, "-m", "deploy.local.cli", "--run", str(run), *arguments],
                cwd=ROOT,
                env=environment | {"PYTHONUNBUFFERED": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_hears_ctrl_c,  # noqa: PLW1509  # the tests that start one have one thread
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    def until_it_says(self, words: str, *, within_s: float = 120.0) -> None:
        deadline = time.monotonic() + within_s
        while words not in self.output:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it never said {words!r}:\n{self.output}")
            time.sleep(0.1)

    def interrupt(self) -> None:
        """Ctrl-C reaches the command alone: its children are in groups of their own."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def ends(self, *, within_s: float = 300.0) -> int:
        return self._process.wait(within_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30.0)
