"""A patient's visits changed: what they wait for, and what they are offered, may be needless now.

It is looked at right after the change. Who accepts meanwhile is judged by the rules of any booking.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.handlers.rooms import slot_of
from services.scheduling.handlers.waitlist.joining import has_place
from services.scheduling.handlers.waitlist.openings import (
    ask_next,
    candidate_for,
    take_off,
    wants,
)
from services.scheduling.rules.series.waitlist import OfferState, WishState
from services.scheduling.rules.visits.life import COMING
from services.scheduling.store import waitlist as kept
from services.scheduling.store.shown_visits import find_visit
from services.scheduling.tables.waitlist import ChairOffer, WaitingWish
from services.scheduling.work import LookAtWishes
from shared.messaging import Transaction


async def look_at_wishes(work: LookAtWishes, tx: Transaction) -> None:
    """Take off the list what is fulfilled or over, and withdraw offers that suit no more."""
    places = {wish.location_id for wish in await kept.waits_for(tx, work.patient_id)}
    for location_id in sorted(places):
        await kept.lock_list(tx, location_id)
    for wish in await kept.waits_for(tx, work.patient_id):
        if wish.location_id not in places:
            continue  # joined just now, by the visits as they are
        state = await _state_of(tx, wish, work)
        if state is not WishState.WAITING:
            await take_off(tx, wish.wish_id, state, OfferState.WITHDRAWN)
            continue
        for offer in await kept.open_offers(tx, wish.wish_id):
            if not await _stands(tx, wish, offer, work):
                await kept.end_offers(tx, [offer.offer_id], OfferState.WITHDRAWN)
                await ask_next(tx, offer.opening_id)


async def _state_of(tx: Transaction, wish: WaitingWish, work: LookAtWishes) -> WishState:
    """Whether the patient waits still: for a visit to come, or for one that is booked nowhere."""
    if wish.appointment_id is not None:
        visit = await find_visit(tx, wish.appointment_id)
        is_coming = visit is not None and visit.state in COMING
        return WishState.WAITING if is_coming else WishState.WITHDRAWN
    if wish.ordered_by is not None:
        is_booked = wish.made_at < work.at and await _is_it(tx, wish, work)
        return WishState.FILLED if is_booked else WishState.WAITING
    course = await kept.open_course(tx, wish.patient_id)
    if has_place(course, wish):
        return WishState.WAITING
    return WishState.WITHDRAWN if course is None else WishState.FILLED


async def _is_it(tx: Transaction, wish: WaitingWish, work: LookAtWishes) -> bool:
    """Whether a treatment was booked that is the one that is waited for."""
    visit = None if work.booked is None else await find_visit(tx, work.booked)
    return (
        visit is not None
        and visit.state in COMING
        and (visit.location_id, visit.visit_type) == (wish.location_id, wish.visit_type)
        and wants(wish, visit.starts_at, visit.ends_at)
    )


async def _stands(
    tx: Transaction, wish: WaitingWish, offer: ChairOffer, work: LookAtWishes
) -> bool:
    """Whether the patient can have the chair still, and was not moved otherwise since."""
    if work.moved == wish.appointment_id and work.moved is not None and offer.offered_at < work.at:
        return False
    location = await store.find_location(tx, offer.location_id)
    assert location is not None, "a chair has its place"
    policy = await store.policy_of(tx, offer.location_id, offer.visit_type)
    zone = ZoneInfo(location.zone)
    slot = slot_of(policy, offer.starts_at, offer.chair_id, wish.patient_id, zone)
    return await candidate_for(tx, wish, slot, policy, location) is not None
