"""Notifications' routes keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

from pathlib import Path

from shared.auth import Role, development_token
from tests.notifications.house import TOKEN_SECRET
from tests.notifications.process import Process
from tests.notifications.stories import Story
from tests.support.documented import strays


async def test_schemathesis_finds_nothing(process_at_rest: Process, course: Story, tmp_path: Path):
    """Asked about a patient who was sent something, so that there is a list to read."""
    await process_at_rest.start()
    await process_at_rest.hears(course.registered(), course.paid())
    await process_at_rest.at_rest()

    found = await strays(
        process_at_rest.service.url,
        tmp_path,
        token=development_token(
            TOKEN_SECRET, env="development", subject="staff-1", roles=frozenset(Role)
        ),
        on_record={"path.patient_id": course.patient_id},
    )

    assert not found, found
