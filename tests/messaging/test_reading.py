"""Reading a record: whatever its bytes are, it is decided, skipped or parked, and never raises."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import FixedClock
from shared.events.scheduling import PatientRegistered
from shared.ids import new_id
from shared.messaging import Handlers, Transaction, UnitOfWork
from shared.messaging.seam import Limits, Seam
from tests.messaging.conftest import scalar, tally
from tests.messaging.records import delivered, record_of, registered

FAULTY = new_id()


class Registered(PatientRegistered):
    """The event as a service reads it whose code has a bug."""

    @property
    def key(self) -> str:
        return str(self.patient_id if self.patient_id != FAULTY else 1 // 0)


def noting() -> Handlers:
    on = Handlers("listener")

    @on.event(Registered)
    async def note(event: Registered, tx: Transaction) -> None:
        await tx.execute(
            text("INSERT INTO tally (who, what) VALUES (:who, :what)"),
            {"who": event.key, "what": tx.traceparent or ""},
        )

    return on


@pytest.fixture
def seam(engine: AsyncEngine, clock: FixedClock) -> Seam:
    on = noting()
    limits = Limits(retries=1, bug_retries=1, backoff_s=0.01)
    return Seam(on, UnitOfWork(engine, clock, on), limits=limits)


def version(said: str) -> dict[str, Any]:
    return record_of(registered(), headers={"ce_dataschema": f"urn:practice:event:x:{said}"})


def many_headers() -> dict[str, Any]:
    record = version("none")
    record["headers"] += [(f"h{n}", b"\xff\0" * 500) for n in range(200)]
    return record


UNREADABLE = {
    "a version of five thousand digits": (version("9" * 5000), "bad_schema_version"),
    "a version of ten digits": (version("1" * 10), "bad_schema_version"),
    "a version in another script's digits": (version("\u0661"), "bad_schema_version"),
    "a key of twelve thousand letters": (
        record_of(registered(), key=b"".join(new_id().hex.encode() for _ in range(375))),
        "key_mismatch",
    ),
    "two hundred headers that are no text": (many_headers(), "bad_schema_version"),
    "what makes our own code break": (record_of(registered(FAULTY)), "bug:ZeroDivisionError"),
}


@pytest.mark.parametrize(("bad", "reason"), UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_parked_and_costs_no_neighbour_its_place(
    seam: Seam, engine: AsyncEngine, bad: dict[str, Any], reason: str
) -> None:
    await seam.take([delivered(record_of(registered())), delivered(bad)])
    await seam.take([delivered(record_of(registered()))])
    assert len(await tally(engine)) == 2
    found = await scalar(engine, "SELECT string_agg(reason, ',') FROM parked_events")
    assert found.startswith(reason)
    assert seam.parked_in_a_row == 0


@pytest.mark.parametrize("said", ["x" * 600_000, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_a_trace_context_that_is_none_travels_no_further(
    seam: Seam, engine: AsyncEngine, said: str
) -> None:
    await seam.take([delivered(record_of(registered(), traceparent=said))])
    [(_, traceparent)] = await tally(engine)
    assert traceparent != said
    assert len(traceparent) < 60
