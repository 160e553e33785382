"""The database holds the rules whoever writes, and code and migrations agree."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.notifications.tables import Base
from shared.db import drift
from tests.notifications.house import House

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
INSERT = """
INSERT INTO messages (message_id, patient_id, purpose, channel, subject_id, revision, state,
                      due_at, turn, tried_at, sealed, settled_at, reason, amount_cents)
VALUES (gen_random_uuid(), gen_random_uuid(), :purpose, 'sms', :subject_id, :revision, :state,
        now(), 1, :tried_at, :sealed, :settled_at, :reason, :amount_cents)
"""
ROW = {
    "purpose": "payment_failed",
    "subject_id": "00000000-0000-0000-0000-000000000001",
    "revision": 0,
    "state": "waiting",
    "tried_at": None,
    "sealed": None,
    "settled_at": None,
    "reason": None,
    "amount_cents": None,
}


async def _insert(house: House, **changes: object) -> None:
    async with house.engine.begin() as connection:
        await connection.execute(text(INSERT), ROW | changes)


async def test_tables_in_code_and_migrated_tables_agree(house: House):
    assert await drift(house.engine, Base.metadata) == []


async def test_there_is_one_message_per_purpose_subject_and_revision(house: House):
    await _insert(house)
    await _insert(house, revision=1)
    await _insert(house, purpose="appointment_moved")
    with pytest.raises(IntegrityError, match="uq_messages_purpose_subject_id_revision"):
        await _insert(house)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "lost", "settled_at": NOW}, "ck_messages_state"),
        ({"state": "not_sent"}, "ck_messages_"),
        ({"reason": "opted_out"}, "ck_messages_reason"),
        ({"sealed": b"x"}, "ck_messages_tried"),
        ({"purpose": "receipt"}, "ck_messages_amount"),
        ({"purpose": "superbill"}, "ck_messages_document"),
        ({"purpose": "no_driving"}, "ck_messages_until"),
        ({"amount_cents": 1}, "ck_messages_amount"),
    ],
    ids=str,
)
async def test_a_message_that_contradicts_itself_is_refused(
    house: House, changes: dict[str, object], constraint: str
):
    with pytest.raises(IntegrityError, match=constraint):
        await _insert(house, **changes)
