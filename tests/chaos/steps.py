"""The steps between which a process is killed, and the wrappers that kill it there.

Nothing in the product knows of this: an armed process replaces a method of its own by one that
ends the process, by SIGKILL, right before or right after the original runs.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.messaging.calls import Calls
from shared.messaging.gathered import Gathered
from shared.messaging.relay import Relay
from shared.messaging.seam import Seam
from shared.messaging.timers import Timers


@dataclass(frozen=True, slots=True)
class Step:
    """Where to die: right before or after a method, at calls that `counts` says are meant."""

    owner: str | type[Any]
    method: str
    after: bool
    counts: Callable[[tuple[Any, ...], Any], bool] = lambda _args, _answer: True


def _before(owner: str | type[Any], method: str) -> Step:
    return Step(owner, method, after=False)


def _after(
    owner: str | type[Any],
    method: str,
    counts: Callable[[tuple[Any, ...], Any], bool] = lambda _args, _answer: True,
) -> Step:
    return Step(owner, method, after=True, counts=counts)


def _saying(event: str) -> Callable[[tuple[Any, ...], Any], bool]:
    def says(args: tuple[Any, ...], _answer: Any) -> bool:
        gathered: Gathered = args[0]
        return any(type(one).__name__ == event for _, one, _ in gathered.events)

    return says


def _found(_args: tuple[Any, ...], answer: Any) -> bool:
    return bool(answer)


STEPS: dict[str, Step] = {
    "records polled, nothing claimed": _before(Seam, "take"),
    "events claimed, nothing decided": _after(Seam, "_claim", _found),
    "decided, nothing written": _after(Seam, "_decide_all"),
    "written, not committed": _after(Gathered, "finish", _saying("ChargePosted")),
    "committed, batch not ended": _after(Seam, "_take_together"),
    "batch ended, offset not committed": _before(AIOKafkaConsumer, "commit"),
    "offset committed": _after(AIOKafkaConsumer, "commit"),
    "outbox read, nothing sent": _before(Relay, "_send"),
    "handed to the producer": _after(AIOKafkaProducer, "send"),
    "acknowledged by the broker, not noted": _before(Relay, "_keep"),
    "noted as published, not committed": _after(Relay, "_keep"),
    "leased, nothing loaded": _before(Calls, "_make"),
    "loaded, call not made": _before("processor", "capture"),
    "call made, outcome not stored": _after("processor", "capture"),
    "outcome written, not committed": _after(Gathered, "finish", _saying("PaymentCaptured")),
    "outcome stored": _after(Calls, "_store"),
    "timer taken, not decided": _after(Timers, "_take", _found),
    "timer written, not committed": _after(Gathered, "finish", _saying("SuperbillIssued")),
    "timer decided": _after(Timers, "_decide_many", _found),
}


def arm(name: str, passage: int) -> None:
    """Have this process die at the `passage`-th time that it gets to the step."""
    step = STEPS[name]
    owner = _processor() if isinstance(step.owner, str) else step.owner
    original = getattr(owner, step.method)
    left = passage

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def wrapped(*args: Any, **named: Any) -> Any:
        if not step.after:
            pass_by()
        answer = await original(*args, **named)
        if step.after and step.counts(args, answer):
            pass_by()
        return answer

    setattr(owner, step.method, wrapped)


def _processor() -> type[Any]:
    from tests.chaos.billing import HttpProcessor  # which imports this module

    return HttpProcessor
