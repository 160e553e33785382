"""What a nurse signs of a patient who left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.scheduling.conftest import Clinic

CALLED = {"outcome": "reached", "found": "At home with a sister; will not drive."}


def walk_out(clinic: Clinic, *, left_min_ago: int = 0, **fields: object) -> dict[str, Any]:
    left_at = clinic.clock.now() - timedelta(minutes=left_min_ago)
    return {
        "clinician_id": clinic.clinician_id,
        "left_at": left_at.isoformat(),
        "seen_by": "Testa Nurse",
        "reason": "Would not wait any longer.",
        "advised": "Told not to drive, and to call if unwell.",
        "form": "refused",
        "condition": "Awake and steady on the feet.",
        "left_by": "on_foot",
        "told": "Dr. Made Up",
    } | fields
