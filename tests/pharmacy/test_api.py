"""Pharmacy's routes keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

from pathlib import Path

from shared.auth import Role, development_token
from tests.pharmacy.practice import TOKEN_SECRET, Practice
from tests.support.documented import strays


async def test_schemathesis_finds_nothing(practice: Practice, tmp_path: Path):
    """Asked about a prescription that awaits its signature, so that there is a link to read."""
    case = await practice.awaiting_signature()

    found = await strays(
        practice.url,
        tmp_path,
        token=development_token(
            TOKEN_SECRET, env="development", subject="staff-1", roles=frozenset(Role)
        ),
        on_record={
            "path.prescription_id": case.prescription_id,
            "query.patient_id": case.patient_id,
        },
    )

    assert not found, found
