"""Packages as the clinic offers them: recorded, listed, ended. None is ever changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.billing.handlers.charges.fees import Day
from services.billing.handlers.listing import as_item
from services.billing.rules.charges.pricing import fee_starts_at
from services.billing.rules.packages import offers as rules
from services.billing.rules.packages.offers import MOST_UNITS
from services.billing.store import packages as store
from services.billing.tables import Package
from shared.claims import PRINTABLE
from shared.events.scheduling import TypeCode
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

Units = Annotated[int, Field(strict=True, ge=2, le=MOST_UNITS)]
PriceCents = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Source = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=200, pattern=PRINTABLE),
]


class NewPackage(BaseModel):
    """So many visits of one kind at one price, sold from a day on; `source` says who decided it.

    `takes_care_credit` is for a package of which somebody has made sure that CareCredit's
    agreement lets it be charged before the visits.
    """

    visit_type: TypeCode
    units: Units
    price_cents: PriceCents
    effective_from: Day
    source: Source
    takes_care_credit: bool = False


class PackageListed(NewPackage):
    package_id: UUID
    recorded_by: str
    recorded_at: datetime
    ended_by: str | None
    ended_at: datetime | None


class PackageEnded(BaseModel):
    package_id: UUID


async def record_package(wish: NewPackage, by: str, tx: Transaction) -> PackageListed | Refused:
    """Offer a package. Its price is compared with the fee of its first day."""
    starts_at = fee_starts_at(wish.effective_from)
    broken = rules.broken_by_offer(
        units=wish.units,
        price_cents=wish.price_cents,
        single_cents=await store.fee_on(tx, wish.visit_type, starts_at),
        effective_from=wish.effective_from,
        now=tx.now,
    )
    if broken:
        return Refused.by_rules(broken)
    listed = PackageListed(
        **wish.model_dump(),
        package_id=new_id(),
        recorded_by=by,
        recorded_at=tx.now,
        ended_by=None,
        ended_at=None,
    )
    tx.insert(Package, **listed.model_dump(), starts_at=starts_at)
    return listed


async def end_package(package_id: UUID, by: str, tx: Transaction) -> PackageEnded | Refused:
    """Sell it no more. What was bought of it stays the patients'."""
    if not await store.end(tx, package_id, by):
        return Refused.not_found("package")
    return PackageEnded(package_id=package_id)


async def list_packages(asked: Paging, tx: Transaction) -> Page[PackageListed] | Refused:
    """All that was ever offered, by its first day."""
    return await page(
        tx, store.offered(), by=store.BY_START, asked=asked, item=as_item(PackageListed)
    )
