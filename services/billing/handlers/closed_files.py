"""A file that scheduling closed: what of it a biller has to see to.

Nothing was given under it, so nothing was charged; what was agreed or paid ahead is of use only
under the file that stays, and money is moved by people.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, computed_field

from services.billing.store import closed_files as store
from shared.events.scheduling import PatientMerged
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class ClosedFileListed(BaseModel):
    """What stands under a closed file; `into_patient_id` is the file that stays."""

    patient_id: UUID
    into_patient_id: UUID
    merged_at: datetime
    units_left: int
    package_pending: bool
    card: bool
    coverage: bool
    collections_hold: bool

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What is left, and what to do about each."""
        says = (
            (
                self.units_left > 0,
                f"{self.units_left} visits are paid ahead under it; give them back, and sell the"
                " package under the file that stays.",
            ),
            (self.package_pending, "A package waits for its money; see what becomes of it."),
            (
                self.card,
                "A card is on file; withdraw its mandate, and have the patient save it anew.",
            ),
            (
                self.coverage,
                "The patient answered about coverage, and nobody asked under the file that stays;"
                " record the answer there.",
            ),
            (
                self.collections_hold,
                "A hold keeps the patient from being asked for money; open one for the file that"
                " stays, and end this.",
            ),
        )
        return " ".join(said for there, said in says if there)


async def note_closed(event: PatientMerged, tx: Transaction) -> None:
    await store.close(tx, event.patient_id, event.into_patient_id, event.merged_at)


async def list_closed(asked: Paging, tx: Transaction) -> Page[ClosedFileListed] | Refused:
    """Closed files with something left under them, the first closed first."""
    return await page(
        tx,
        store.with_something_left(),
        by=store.BY_MERGED,
        asked=asked,
        item=lambda row: ClosedFileListed.model_validate(row, from_attributes=True),
    )
