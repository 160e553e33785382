"""Cards on file that expire before they are needed: a list for whoever asks the patient."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, computed_field
from sqlalchemy import Row

from services.billing.rules.clinic import clinic_day
from services.billing.rules.payments import cards as rules
from services.billing.store import expiring_cards as store
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class ExpiringCard(BaseModel):
    """A card on file and its last good day; `last_visit_at` is the last visit that is booked."""

    card_id: UUID
    patient_id: UUID
    brand: str | None
    last4: str | None
    expires_on: date
    last_visit_at: datetime | None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str:
        """What it means, and what to do about it."""
        return rules.what_to_do(self.expires_on, self.last_visit_at)


async def list_expiring(asked: Paging, tx: Transaction) -> Page[ExpiringCard] | Refused:
    """What expires first in front. A card that its bank renews, or that is replaced, is gone."""
    rows, by = store.expiring(tx.now, await store.within_days(tx, clinic_day(tx.now)))
    return await page(tx, rows, by=by, asked=asked, item=_shown)


def _shown(row: Row[Any]) -> ExpiringCard:
    kept = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return ExpiringCard.model_validate(kept | {"expires_on": rules.last_good_day(row.expires_at)})
