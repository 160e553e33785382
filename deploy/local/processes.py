"""Child processes that never outlive their parent, and ports that are free.

Linux ends a child when the thread that started it ends, so start children from the main thread.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
# Below the ports that Linux (32768) and macOS (49152) lend to outgoing connections: one of those
# could be lent between the look and the listener's start.
_LISTENERS = range(18_000, 32_000)
_handed_out: set[int] = set()
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "JAVA_HOME")


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on, and that no other call was given.

    Nor a call in another process of this user, as long as that process runs.
    """
    for port in random.sample(_LISTENERS, len(_LISTENERS)):
        if port not in _handed_out and is_free(port) and _claim(port):
            _handed_out.add(port)
            return port
    raise RuntimeError(f"no port between {_LISTENERS[0]} and {_LISTENERS[-1]} is free")


def _claim(port: int) -> bool:
    """Lock a port's byte of a file; the kernel lets go of it when this process ends."""
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _claims() -> int:
    path = Path(tempfile.gettempdir()) / f"practice-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of the loopback. What just ended is no hindrance."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def bare_environment() -> dict[str, str]:
    """What a child needs of ours to run at all; settings reach it only when they are named."""
    python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | python


def bound_to(parent: int, ending: signal.Signals) -> Callable[[], None]:
    """What the child does first: have the kernel end it when its parent is gone."""

    def bind() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, ending)
            if os.getppid() != parent:  # the parent went before the kernel was told
                os._exit(1)

    return bind


def start_process(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    ending: signal.Signals = signal.SIGKILL,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a group of its own, with a bare environment and `env`.

    What it prints is appended to `log`. `ending` is the signal it gets when this process dies.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603  # commands are our own
            command,
            stdin=stdin,
            stdout=out if stdout is None else stdout,
            stderr=out,
            env=bare_environment() | dict(env or {}),
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            process_group=0,
            preexec_fn=bound_to(os.getpid(), ending),  # noqa: PLW1509  # it only calls the kernel
        )


def end_process(process: subprocess.Popen[bytes], *, grace_s: float = 10.0) -> int:
    """Ask a child to end, then make it and its group. Returns its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log file, for an error message."""
    if not log.exists():
        return "(no output)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) or "(no output)"
