"""How many who ask at once are told apart, and that they waited for one another in no circle."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
import pytest

from tests.scheduling.conftest import Clinic
from tests.support.eventually import eventually

RACERS = 40

OVERLAPS = """
    SELECT count(*) FROM appointments AS a JOIN appointments AS b
        ON a.appointment_id < b.appointment_id
       AND (a.chair_id = b.chair_id OR a.patient_id = b.patient_id
            OR a.room_id = b.room_id OR a.led_by = b.led_by)
       AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
     WHERE a.state NOT IN ('cancelled', 'no_show', 'sent_home')
       AND b.state NOT IN ('cancelled', 'no_show', 'sent_home')
"""


@pytest.fixture(autouse=True)
async def nobody_deadlocks(clinic: Clinic) -> AsyncIterator[None]:
    """PostgreSQL's own count of deadlocks, which sessions report as they end."""
    yield
    await clinic.engine.dispose()
    [(deadlocks,)] = await clinic.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert deadlocks == 0
    assert await clinic.rows(OVERLAPS) == [(0,)]


async def race(*requests: Awaitable[httpx.Response]) -> tuple[list[Any], Counter[str]]:
    """What the winners got, and how often each rule was named to the losers."""
    answers = await asyncio.gather(*requests)
    won = [answer.json() for answer in answers if answer.status_code == 201]
    lost = [answer for answer in answers if answer.status_code == 409]
    assert len(won) + len(lost) == len(answers)
    rules = Counter(
        rule for answer in lost for rule in {each["rule"] for each in answer.json()["violations"]}
    )
    return won, rules


WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def until_waiting(clinic: Clinic, count: int = 1) -> None:
    """Until so many wait for locks that somebody else holds."""

    async def so_many() -> bool:
        [(waiting,)] = await clinic.rows(WAITING)
        return bool(waiting >= count)

    await eventually(so_many)
