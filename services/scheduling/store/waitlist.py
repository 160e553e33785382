"""Who waits, and what was offered to whom."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, insert, select, text, update
from sqlmodel import col

from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.waitlist import OfferState, WishState
from services.scheduling.store.courses import Course, find_course
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Series
from services.scheduling.tables.waitlist import ChairOffer, WaitingWish
from shared.ids import new_id
from shared.messaging import Transaction

OFFERS: Table = ChairOffer.__table__  # type: ignore[attr-defined]  # every table=True model has one
WISHES: Table = WaitingWish.__table__  # type: ignore[attr-defined]  # as above
LIST_LOCK_SPACE = 7_041_006

BY_OFFERED = (OFFERS.c.offered_at, OFFERS.c.offer_id)
BY_MADE = (WISHES.c.made_at, WISHES.c.wish_id)


async def lock_list(tx: Transaction, location_id: UUID) -> None:
    """Hold a place's waiting list until the commit; taken after the patient's row.

    Whoever has one chair lets the others go that they were offered, and others accept those: offer
    by offer, two of them would each hold what the other needs. Places may share a lock, which costs
    a wait and no more.
    """
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:space AS integer), CAST(:key AS integer))"),
        {"space": LIST_LOCK_SPACE, "key": zlib.crc32(str(location_id).encode()) >> 1},
    )


async def add_wish(
    tx: Transaction, *, diagnoses: Sequence[str] | None, **values: Any
) -> WaitingWish:
    """Written at once: the gathered rows of `tx.insert` are arrays, which take no lists."""
    wish_id = new_id()
    sealed = None
    if diagnoses is not None:
        sealed = seal(tx, {"codes": diagnoses}, "waiting_wishes", "diagnoses", wish_id)
    wish = WaitingWish(
        wish_id=wish_id, state=WishState.WAITING, made_at=tx.now, diagnoses=sealed, **values
    )
    await tx.execute(insert(WaitingWish).values(wish.model_dump()))
    return wish


def diagnoses_of(tx: Transaction, wish: WaitingWish) -> list[str]:
    """What a treatment that is waited for is ordered for."""
    assert wish.diagnoses is not None, "asked only of what is ordered"
    place = ("waiting_wishes", "diagnoses", wish.wish_id)
    return [str(code) for code in unseal(tx, wish.diagnoses, *place)["codes"]]


async def find_wish(tx: Transaction, wish_id: UUID) -> WaitingWish | None:
    rows = select(WaitingWish).where(col(WaitingWish.wish_id) == wish_id)
    return await one(tx, rows, WaitingWish)


async def has_wish(
    tx: Transaction, patient_id: UUID, visit_type: str, appointment_id: UUID | None
) -> bool:
    """Whether the patient waits already for a chair for the same: a visit, or a missing one."""
    rows = select(col(WaitingWish.wish_id)).where(
        col(WaitingWish.patient_id) == patient_id,
        col(WaitingWish.visit_type) == visit_type,
        col(WaitingWish.appointment_id).is_not_distinct_from(appointment_id),
        col(WaitingWish.state) == WishState.WAITING,
    )
    return (await tx.execute(rows)).first() is not None


async def waits_for(tx: Transaction, patient_id: UUID) -> list[WaitingWish]:
    """All that a patient waits for, at any place."""
    rows = select(WaitingWish).where(
        col(WaitingWish.patient_id) == patient_id, col(WaitingWish.state) == WishState.WAITING
    )
    return await every(tx, rows.order_by(*BY_MADE), WaitingWish)


async def open_offers(tx: Transaction, wish_id: UUID) -> list[ChairOffer]:
    rows = select(ChairOffer).where(
        col(ChairOffer.wish_id) == wish_id, col(ChairOffer.state) == OfferState.OPEN
    )
    return await every(tx, rows.order_by(*BY_OFFERED), ChairOffer)


async def end_wish(
    tx: Transaction,
    wish_id: UUID,
    state: WishState,
    offers_are: OfferState = OfferState.DECLINED,
) -> list[UUID]:
    """Take a wish off the list. What is offered to it still is offered no more: which chairs."""
    await tx.execute(
        update(WaitingWish)
        .where(col(WaitingWish.wish_id) == wish_id, col(WaitingWish.state) == WishState.WAITING)
        .values(state=state)
    )
    declined = await tx.execute(
        update(ChairOffer)
        .where(col(ChairOffer.wish_id) == wish_id, col(ChairOffer.state) == OfferState.OPEN)
        .values(state=offers_are)
        .returning(col(ChairOffer.opening_id))
    )
    return sorted(set(declined.scalars()))


def wishes_made(state: WishState, location_id: UUID | None) -> Select[Any]:
    """Wishes that are in this state, to be shown a page at a time."""
    rows = select(WaitingWish).where(col(WaitingWish.state) == state)
    return rows if location_id is None else rows.where(col(WaitingWish.location_id) == location_id)


async def who_wait(tx: Transaction, location_id: UUID, opening_id: UUID) -> list[WaitingWish]:
    """Those who wait at a place and were not asked about this chair yet."""
    asked = select(col(ChairOffer.wish_id)).where(col(ChairOffer.opening_id) == opening_id)
    rows = wishes_made(WishState.WAITING, location_id).where(col(WaitingWish.wish_id).not_in(asked))
    return await every(tx, rows.order_by(*BY_MADE), WaitingWish)


async def open_course(tx: Transaction, patient_id: UUID) -> Course | None:
    rows = select(col(Series.series_id)).where(
        col(Series.patient_id) == patient_id, col(Series.state) == SeriesState.BOOKED
    )
    series_id = (await tx.execute(rows)).scalar_one_or_none()
    return None if series_id is None else await find_course(tx, series_id)


def add_offer(
    tx: Transaction,
    wish: WaitingWish,
    slot: Slot,
    *,
    opening_id: UUID,
    free_from: datetime,
    free_until: datetime,
    expires_at: datetime,
) -> ChairOffer:
    offer = ChairOffer(
        offer_id=new_id(),
        opening_id=opening_id,
        free_from=free_from,
        free_until=free_until,
        wish_id=wish.wish_id,
        patient_id=wish.patient_id,
        location_id=wish.location_id,
        chair_id=slot.chair_id,
        visit_type=wish.visit_type,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        offered_at=tx.now,
        expires_at=expires_at,
        state=OfferState.OPEN,
    )
    tx.insert(ChairOffer, **offer.model_dump())
    return offer


async def find_offer(tx: Transaction, offer_id: UUID) -> ChairOffer | None:
    return await one(tx, select(ChairOffer).where(col(ChairOffer.offer_id) == offer_id), ChairOffer)


async def offers_of(tx: Transaction, opening_id: UUID) -> list[ChairOffer]:
    """All offers of one chair, as they are while the list is held."""
    rows = select(ChairOffer).where(col(ChairOffer.opening_id) == opening_id)
    return await every(tx, rows.order_by(col(ChairOffer.offer_id)), ChairOffer)


async def end_offers(tx: Transaction, offer_ids: Collection[UUID], state: OfferState) -> None:
    await tx.execute(
        update(ChairOffer)
        .where(col(ChairOffer.offer_id).in_(offer_ids), col(ChairOffer.state) == OfferState.OPEN)
        .values(state=state)
    )


def offers_made(location_id: UUID | None, patient_id: UUID | None) -> Select[Any]:
    """Offers, whatever became of them, to be shown a page at a time."""
    rows = select(ChairOffer)
    if location_id is not None:
        rows = rows.where(col(ChairOffer.location_id) == location_id)
    if patient_id is not None:
        rows = rows.where(col(ChairOffer.patient_id) == patient_id)
    return rows
