"""What the type checker keeps apart: deciders and callers, and each from the wrong event or fact.

Each case is a module of its own, and one run of mypy judges them all. The line that must be found
wrong ends in `# wrong`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from deploy.catalogue.contracts import ROOT

GROUND = """
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID
from shared.events.scheduling import InfusionCompleted, SeriesCompleted
from shared.messaging import Fact, Handlers, Transaction, Work

class CapturePayment(Work):
    attempt_id: UUID

class RemindOfRide(Work):
    appointment_id: UUID

class Captured(Fact):
    attempt_id: UUID

class Declined(Fact):
    attempt_id: UUID

class Payments(Protocol):
    async def capture(self, attempt_id: UUID) -> Captured | Declined: ...

on = Handlers("billing")
"""

RIGHT = """
@on.event(InfusionCompleted)
async def charge(event: InfusionCompleted, tx: Transaction) -> None: ...

async def fees(tx: Transaction, events: Sequence[SeriesCompleted]) -> Sequence[int]:
    return []

@on.event(SeriesCompleted, loads=fees)
async def thank(event: SeriesCompleted, tx: Transaction, fee: int) -> None: ...

@on.due(RemindOfRide)
async def remind(work: RemindOfRide, tx: Transaction) -> None: ...

async def attempt(tx: Transaction, work: CapturePayment) -> UUID | None:
    return None

@on.work(CapturePayment, loads=attempt, calls=Payments)
async def capture(attempt_id: UUID, payments: Payments) -> Captured | Declined:
    return await payments.capture(attempt_id)

@on.outcome(Captured)
async def record(captured: Captured, tx: Transaction) -> None: ...

@on.discarded(CapturePayment)
async def free(work: CapturePayment, tx: Transaction) -> None: ...
"""

WRONG = {
    "a handler registered for another event": """
@on.event(InfusionCompleted)  # wrong
async def charge(event: SeriesCompleted, tx: Transaction) -> None: ...
""",
    "a decider that cannot decide": """
@on.event(InfusionCompleted)  # wrong
async def charge(event: InfusionCompleted) -> None: ...
""",
    "a decider that asks for the outside world": """
@on.event(InfusionCompleted)  # wrong
async def charge(event: InfusionCompleted, payments: Payments) -> None: ...
""",
    "a decider that does not wait": """
@on.event(InfusionCompleted)  # wrong
def charge(event: InfusionCompleted, tx: Transaction) -> None: ...
""",
    "a decider of what another read": """
async def fees(tx: Transaction, events: Sequence[InfusionCompleted]) -> Sequence[int]:
    return []

@on.event(InfusionCompleted, loads=fees)  # wrong
async def charge(event: InfusionCompleted, tx: Transaction, fee: str) -> None: ...
""",
    "a caller that takes a transaction": """
@on.work(CapturePayment, calls=Payments)  # wrong
async def capture(work: CapturePayment, tx: Transaction) -> Captured:
    return Captured(attempt_id=work.attempt_id)
""",
    "a caller that takes a transaction as well": """
@on.work(CapturePayment, calls=Payments)  # wrong
async def capture(work: CapturePayment, payments: Payments, tx: Transaction) -> Captured:
    return Captured(attempt_id=work.attempt_id)
""",
    "a caller of other work": """
@on.work(CapturePayment, calls=Payments)  # wrong
async def capture(work: RemindOfRide, payments: Payments) -> Captured:
    return Captured(attempt_id=work.appointment_id)
""",
    "a caller that tells no fact": """
@on.work(CapturePayment, calls=Payments)  # wrong
async def capture(work: CapturePayment, payments: Payments) -> str:
    return "captured"
""",
    "an outcome of another fact": """
@on.outcome(Captured)  # wrong
async def record(declined: Declined, tx: Transaction) -> None: ...
""",
    "a decider for other work that is discarded": """
@on.discarded(CapturePayment)  # wrong
async def free(work: RemindOfRide, tx: Transaction) -> None: ...
""",
    "a timer of other work": """
@on.due(RemindOfRide)  # wrong
async def remind(work: CapturePayment, tx: Transaction) -> None: ...
""",
    "an event that its name does not have": """
async def publish(tx: Transaction) -> None:
    tx.publish(Captured(attempt_id=UUID(int=1)))  # wrong
""",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[int]]:
    """The lines that mypy finds wrong, by module."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "right.py").write_text(GROUND + RIGHT)
    for number, code in enumerate(WRONG.values()):
        (folder / f"wrong_{number}.py").write_text(GROUND + code)
    config = folder / "mypy.toml"
    shutil.copy(ROOT / "pyproject.toml", config)
    config.write_text(re.sub(r"(?m)^packages = .*$", f'mypy_path = "{ROOT}"', config.read_text()))
    cache = ROOT / ".mypy_cache" / "tests"
    modules = [str(path) for path in sorted(folder.glob("*.py"))]
    # A process of its own: what mypy has read is hundreds of megabytes, which it never gives back.
    mypy = [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(cache)]
    ran = subprocess.run([*mypy, *modules], capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    said = ran.stdout
    assert not ran.stderr
    assert "right.py" not in said, said
    found: dict[str, set[int]] = {}
    for name, line in re.findall(r"(\w+)\.py:(\d+): error", said):
        found.setdefault(name, set()).add(int(line))
    assert found, said
    return found


@pytest.mark.parametrize("number", range(len(WRONG)), ids=WRONG)
def test_the_type_checker_finds(judged: dict[str, set[int]], number: int) -> None:
    code = GROUND + list(WRONG.values())[number]
    marked = {n for n, line in enumerate(code.splitlines(), 1) if line.endswith("# wrong")}
    assert judged[f"wrong_{number}"] == marked
