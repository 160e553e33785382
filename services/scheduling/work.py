"""What falls due in scheduling."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.messaging.work import Work


class ExpireHold(Work):
    """Free the chairs of a plan that nobody booked in time."""

    hold_id: UUID


class ExpectEntry(Work):
    """Flag a visit whose next entry in the chart has not come in time."""

    appointment_id: UUID


class WatchGaps(Work):
    """Look at the gaps of a series: something of it changed, or one may be at risk now."""

    series_id: UUID


class WatchPlace(Work):
    """Look at the gaps of a place that wait for a chair: some were taken."""

    location_id: UUID


class LookForUnsettled(Work):
    """Raise the visits whose day is over and of which nobody said what became of them."""


class LookForOverdueDischarges(Work):
    """Raise the visits whose patient should have left, and of which nobody said that they did."""


class KeepFingerprints(Work):
    """Bring what stands for a person under the newest key: a few patients, then the next few."""


class _Opening(Work):
    """A chair that is free again, for as long as the visit had it that left it."""

    opening_id: UUID
    location_id: UUID
    chair_id: UUID
    since: datetime
    until: datetime


class OfferChair(_Opening):
    """Ask the next few who wait whether they want the chair."""


class ExpireOffers(_Opening):
    """End the offers that nobody took in time."""


class ExpireWish(Work):
    """Take a wish off the waiting list of which every time has passed."""

    wish_id: UUID


class LookAtWishes(Work):
    """See which chairs a patient is offered that they need no more: their visits changed at `at`.

    `booked` is a visit that was booked then, `moved` one that has another time since.
    """

    patient_id: UUID
    at: datetime
    booked: UUID | None = None
    moved: UUID | None = None


class CheckImportBatch(Work):
    """Read a batch of an import's rows and say what is wrong. Each batch leaves the next."""

    import_id: UUID
    batch_no: int


class ApplyImportBatch(Work):
    """Put a batch of an import's right rows on file. Each batch leaves the next."""

    import_id: UUID
    batch_no: int


class ForgetImport(Work):
    """A file that nobody applied is not kept for good."""

    import_id: UUID
