"""Services as children of a process that has imported them: up in a tenth of the time.

A service takes seconds to import, and tests that kill it start it again and again. The fork server
of the standard library imports all of them once. Nothing in the product knows of this.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from deploy.local.processes import bare_environment, bound_to
from shared.service import main
from tests.support.armed import arm

APPS = [
    "services.billing.app",
    "services.notifications.app",
    "services.pharmacy.app",
    "services.scheduling.app",
    "tests.chaos.billing",
]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(APPS)


def fork(app: str, *arguments: str, log: Path, env: Mapping[str, str]) -> ForkServerProcess:
    """A child that runs what `build` of one of `APPS` makes, with a bare environment and `env`.

    What it prints is appended to `log`. It ends at the latest with this process.
    """
    assert app in APPS, f"{app} would be imported anew each time"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = bare_environment() | dict(env)
    child = _FORKS.Process(target=_run, args=(app, arguments, log, environment), daemon=True)
    child.start()
    return child


def _run(app: str, arguments: tuple[str, ...], log: Path, environment: dict[str, str]) -> None:
    bound_to(os.getppid(), signal.SIGKILL)()
    os.setpgid(0, 0)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(out, sys.stdout.fileno())
    os.dup2(out, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    if kill_at := environment.get("KILL_AT"):
        arm(kill_at)
    main(importlib.import_module(app).build)
