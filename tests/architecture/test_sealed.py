"""Which columns hold bytes that no key seals; every other is found when a key is rotated."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import LargeBinary, MetaData

from deploy.local.installation import SERVICES
from shared.db import BackboneBase
from shared.sealed import Sealed

IN_CLEAR = {
    "audit_log.hash",
    "audit_log.previous_hash",
    "estimates.content_sha256",
    "event_log.payload",
    "idempotency_keys.request_hash",
    "mandate_texts.content_sha256",
    "outbox.payload",
    "parked_events.value",
    "patients.person",
    "superbills.content_sha256",
}
"""Hashes, fingerprints, and events, which hold ids only."""


def metadata_of(service: str) -> MetaData:
    import_module(f"services.{service}.app")
    found: MetaData = import_module(f"services.{service}.tables").Base.metadata
    return found


@pytest.mark.parametrize("service", [*SERVICES, "backbone"])
def test_bytes_are_sealed_or_named_here(service: str) -> None:
    metadata = BackboneBase.metadata if service == "backbone" else metadata_of(service)
    columns = {
        f"{table.name}.{column.name}": column.type
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    unsealed = {name for name, kind in columns.items() if not isinstance(kind, Sealed)}
    assert columns
    assert unsealed == IN_CLEAR & set(columns)
