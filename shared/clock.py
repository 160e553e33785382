"""The only place that reads the clock.

Practice time is what the clinic lives in: when a reminder is due, when an infusion ended. A
service takes it from a `Clock` that its `app.py` builds. In production that is the system's.
A run (`make demo`, a flow test) shares one `RunClock` among all its processes through a file:
it can start at a given moment, go at a given rate, or stand still and be stepped.

Real time is what the network lives in: leases, backoff, time limits. It is never simulated;
take it from `real_now` and `asyncio`.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_LAYOUT = struct.Struct("<Qddd")  # sequence, real seconds at base, practice seconds at base, rate


class Clock(Protocol):
    """Practice time: UTC, zone-aware."""

    def now(self) -> datetime: ...


def real_now() -> datetime:
    """Wall-clock UTC, for leases and backoff of calls that leave the house."""
    return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251  # this module is the clock


class SystemClock:
    """Practice time is real time."""

    def now(self) -> datetime:
        return real_now()


class FixedClock:
    """A clock for one process that moves only when told. For tests of a single service."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def step_to(self, moment: datetime) -> None:
        if moment < self._moment:
            raise ValueError(f"a clock does not go back: {moment} is before {self._moment}")
        self._moment = moment

    def step(self, by: timedelta) -> None:
        self.step_to(self._moment + by)


class RunClock:
    """Practice time shared by the processes of one run through a memory-mapped file.

    One process, the driver, writes; all others read. A torn read is impossible to mistake for a
    time: the sequence number is odd while the driver writes, and a reader tries again.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size)

    @classmethod
    def create(cls, path: Path, *, starts_at: datetime, rate: float) -> RunClock:
        """A new clock file. `rate` is practice seconds per real second; 0 stands still."""
        base = time.time()  # noqa: TID251  # this module is the clock
        path.write_bytes(_LAYOUT.pack(0, base, starts_at.timestamp(), rate))
        return cls(path)

    def now(self) -> datetime:
        while True:
            sequence, real_base, base, rate = _LAYOUT.unpack_from(self._map)
            if sequence % 2 == 0 and _LAYOUT.unpack_from(self._map)[0] == sequence:
                break
        elapsed = time.time() - real_base  # noqa: TID251  # this module is the clock
        return datetime.fromtimestamp(base + elapsed * rate, UTC)

    def step_to(self, moment: datetime) -> None:
        """Move on to `moment` at once. Never back."""
        if moment < self.now():
            raise ValueError(f"a clock does not go back: {moment} is before {self.now()}")
        sequence, _, _, rate = _LAYOUT.unpack_from(self._map)
        real = time.time()  # noqa: TID251  # this module is the clock
        struct.pack_into("<Q", self._map, 0, sequence + 1)
        struct.pack_into("<ddd", self._map, 8, real, moment.timestamp(), rate)
        struct.pack_into("<Q", self._map, 0, sequence + 2)


def clock_at(path: Path | None) -> Clock:
    """The run's clock where a run names one, else the system's."""
    return SystemClock() if path is None else RunClock(path)
