"""Services as processes that are forked from one that has imported them: up in a tenth of the time.

A service takes seconds to import, and tests that kill it start it again and again. The process of
this module imports a service once; whoever connects to its socket and says how gets a child of it,
which ends as it does: killed, or of itself. Nothing in the product knows of this.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from deploy.local.processes import bare_environment, end_process, last_lines, start_process
from shared.service import main
from tests.support.armed import arm

_PR_SET_PDEATHSIG = 1
_IMPORTS_WITHIN_S = 60.0


class Forked:
    """One that was forked, with what is asked of a `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._said = b""
        self.returncode: int | None = None
        while b"\n" not in self._said:
            self._hear(_IMPORTS_WITHIN_S)
        self.pid = int(self._said.partition(b"\n")[0])

    def poll(self) -> int | None:
        self._hear(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        while self.returncode is None:
            if not self._hear(timeout):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return self.returncode

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def end(self, *, grace_s: float = 10.0) -> int:
        """Ask it to end, then make it."""
        self.terminate()
        try:
            return self.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait()

    def _signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def _hear(self, timeout: float | None) -> bool:
        """Take in what its keeper says, which is its id and, at the end, its exit code."""
        if self.returncode is not None or not select.select([self._connection], [], [], timeout)[0]:
            return False
        said = self._connection.recv(100)
        self._said += said
        _, has_id, code = self._said.partition(b"\n")
        if code.endswith(b"\n"):
            self.returncode = int(code)
        elif not said:
            raise RuntimeError("a keeper is gone" if has_id else "nothing was forked")
        if self.returncode is not None:
            self._connection.close()
        return True


def fork(app: str, *arguments: str, log: Path, env: Mapping[str, str]) -> Forked:
    """A child that runs what `build` of a module makes, with a bare environment and `env`."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(_imported(app)))
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = bare_environment() | dict(env)
    order = {"log": str(log), "arguments": arguments, "env": environment}
    connection.sendall(json.dumps(order).encode() + b"\n")
    return Forked(connection)


@cache
def _imported(app: str) -> Path:
    """The socket of a process that has imported `app`. It ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="practice-forked-"))
    asked, log = folder / "socket", folder / "log"
    reads, writes = os.pipe()
    process = start_process(
        [sys.executable, "-m", "tests.support.forked", app, str(asked)], log=log, stdout=writes
    )
    atexit.register(end_process, process)
    os.close(writes)
    with os.fdopen(reads, "rb") as said:
        if said.readline() != b"ready\n":
            raise RuntimeError(f"{app} was not imported:\n{last_lines(log)}")
    return asked


def _serve(app: str, path: str) -> None:
    build = importlib.import_module(app).build
    assert threading.active_count() == 1, "what was forked would lack the other threads"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are not waited for
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _keep(build, connection)
            connection.close()


def _keep(build: Callable[[], Any], connection: socket.socket) -> None:
    """Fork the child that was asked for, and say how it ends."""
    _ends_with_its_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order = json.loads(connection.makefile("rb").readline())
    child = os.fork()
    if child == 0:
        connection.close()
        _ends_with_its_parent()
        _run(build, order)
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(build: Callable[[], Any], order: dict[str, Any]) -> None:
    os.setpgid(0, 0)
    out = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(out, sys.stdout.fileno())
    os.dup2(out, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv[1:] = order["arguments"]
    code = 0
    try:
        if "KILL_AT" in os.environ:
            arm(os.environ["KILL_AT"])
        main(build)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  # it would go on as its parent
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ends_with_its_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
