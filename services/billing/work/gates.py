"""A held charge is looked at again."""

from __future__ import annotations

from uuid import UUID

from shared.events.billing import ServiceKind
from shared.messaging import Fact, Work


class AskWhoGave(Work):
    """Ask scheduling who gave a service whose charge depends on it."""

    infusion_id: UUID
    service: ServiceKind


class ClinicianKnown(Fact):
    """Who gave a service, and to whom."""

    infusion_id: UUID
    patient_id: UUID
    clinician_id: UUID


class LookAgain(Work):
    """Something that a held charge waits for may be there now."""

    infusion_id: UUID


def look_again_key(infusion_id: UUID) -> str:
    return f"held-charge:{infusion_id}"
