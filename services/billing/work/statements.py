"""A statement is addressed and printed."""

from __future__ import annotations

from uuid import UUID

from shared.claims import LocationCard, PatientCard
from shared.messaging import Fact, Work


class AddressStatement(Work):
    """Ask scheduling whom a statement is for, and which place sends it."""

    statement_id: UUID


class StatementAddressed(Fact):
    """What scheduling knows of both. Held in memory, never in clear on disk."""

    statement_id: UUID
    patient: PatientCard
    location: LocationCard


class RenderStatement(Work):
    """Print a statement."""

    statement_id: UUID


class StatementRendered(Fact):
    statement_id: UUID
    pdf: bytes
