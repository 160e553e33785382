"""What is wrong with a form is told in words, whichever field of billing's it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.written import what_is_right
from tests.billing.conftest import Billing


def patterns_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for value in node.values():
            yield from patterns_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns_in(value)


async def test_every_text_that_is_written_otherwise_is_told_what_would_be_right(billing: Billing):
    document = (await billing.http.get("/openapi.json")).json()
    found = {*patterns_in(document)}
    assert found
    told_otherwise = {
        "^20",  # of a day: it is refused by its bounds
        "^[!-~]+$",  # of an Idempotency-Key, which has words of its own
    }
    assert {pattern for pattern in found if what_is_right(pattern) is None} == told_otherwise
