"""Cards on file that expire before they are needed: listed for staff, and their patients told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, computed_field
from sqlalchemy import Row

from services.billing.rules.clinic import clinic_day
from services.billing.rules.payments import cards as rules
from services.billing.store import expiring_cards as store
from services.billing.work import NoticeExpiring
from shared.events.billing import CardExpiring
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


async def notice_expiring(_: NoticeExpiring, tx: Transaction) -> None:
    """The morning's round: say it of each card once."""
    within_days = await store.within_days(tx, clinic_day(tx.now))
    for row in await store.notice(tx, within_days, rules.NOTICED_AT_ONCE):
        tx.publish(
            CardExpiring(
                patient_id=row.patient_id,
                card_id=row.card_id,
                expires_at=row.expires_at,
                noticed_at=tx.now,
            )
        )


def _shown(row: Row[Any]) -> ExpiringCard:
    kept = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return ExpiringCard.model_validate(kept | {"expires_on": rules.last_good_day(row.expires_at)})
