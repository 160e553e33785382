"""What falls due in scheduling."""

from __future__ import annotations

from uuid import UUID

from shared.messaging.work import Work


class ExpireHold(Work):
    """Free the chairs of a plan that nobody booked in time."""

    hold_id: UUID


class ExpectEntry(Work):
    """Flag a visit whose next entry in the chart has not come in time."""

    appointment_id: UUID
