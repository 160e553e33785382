"""Where servers keep what a run of tests throws away: in memory, where it takes files.

A copy of a database and a topic are hundreds of small files, which a disk takes six times as long
to make. What must outlive a power cut is proved on a disk, by the tests that ask for one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")  # noqa: S108  # the folders made in it have random names
_ROOM_BYTES = 6 << 30
"""Left over for all processes of a run; each takes about 1 GiB."""

_NAME = "practice-test-"
_IN_USE = "in-use"


@contextmanager
def servers_folder() -> Iterator[Path]:
    """A folder with a short path that every user may enter; gone afterwards.

    Those of runs that were killed are removed first: nobody else would give their memory back.
    """
    in_memory = _takes_files()
    if in_memory:
        _remove_left(_MEMORY)
    folder = Path(tempfile.mkdtemp(prefix=_NAME, dir=_MEMORY if in_memory else None))
    folder.chmod(0o755)
    try:
        with (folder / _IN_USE).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _takes_files() -> bool:
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return False
    return min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available) >= _ROOM_BYTES


def _remove_left(parent: Path) -> None:
    for held in parent.glob(f"{_NAME}*/{_IN_USE}"):
        try:
            with held.open() as ours:
                fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(held.parent, ignore_errors=True)
        except OSError:  # in use, gone meanwhile, or another user's
            continue
