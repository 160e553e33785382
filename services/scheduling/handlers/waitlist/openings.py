"""A chair is free again: it is offered to those who wait, round by round, until somebody takes it.

Nothing is held for an offer. Who accepts first is booked by the rules of any booking.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.handlers.free_starts import NOBODY
from services.scheduling.handlers.rooms import slot_of
from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.series.placing import UNNUMBERED, Placing
from services.scheduling.handlers.series.plans import place_of
from services.scheduling.handlers.shown import count_not_lost, gap_of, protocol_of
from services.scheduling.handlers.told import look_at_wishes
from services.scheduling.handlers.visits.drug_gaps import broken_by_gap, broken_by_new
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.planner.days import days_of
from services.scheduling.rules.planner.wishes import Preferences
from services.scheduling.rules.series import waitlist as rules
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.series.waitlist import Candidate, OfferState, Span, WishState
from services.scheduling.rules.visits.life import COMING
from services.scheduling.store import Course
from services.scheduling.store import waitlist as kept
from services.scheduling.store.house import figure_of
from services.scheduling.store.shown_visits import chairs_by_id, find_visit
from services.scheduling.tables import Appointment, Location
from services.scheduling.tables.waitlist import WaitingWish
from services.scheduling.work import ExpireOffers, OfferChair
from shared.events.scheduling import ChairOffered
from shared.ids import new_id
from shared.messaging import Transaction


def look_after(visit: Appointment, tx: Transaction) -> None:
    """A visit gives up its time: its chair is offered to those who wait, its series looked at.

    So is what its own patient waits for.
    """
    look_at_wishes(visit.patient_id, tx)
    if visit.series_id is not None:
        look_at_gaps(visit.series_id, tx)
    if visit.chair_id is not None and visit.ends_at > tx.now:
        tx.do(
            OfferChair(
                opening_id=new_id(),
                location_id=visit.location_id,
                chair_id=visit.chair_id,
                since=visit.starts_at,
                until=visit.ends_at,
            )
        )


async def offer_chair(work: OfferChair, tx: Transaction) -> None:
    """Ask the next few who wait, if the chair is free still, in service, and anybody may have it.

    At night nobody is asked; whoever sleeps is asked in the morning.
    """
    location = await store.find_location(tx, work.location_id)
    assert location is not None, "a chair has its place"
    hours = [
        await figure_of(tx, each) for each in (HouseFigure.ASK_FROM_MIN, HouseFigure.ASK_UNTIL_MIN)
    ]
    ask_at = rules.ask_at(tx.now, ZoneInfo(location.zone), *hours)
    if ask_at > tx.now:
        tx.do(work, due=ask_at)
        return
    chair = (await chairs_by_id(tx, {work.chair_id}))[work.chair_id]
    if chair.out_since is not None:
        return
    await kept.lock_list(tx, work.location_id)
    waiting = await kept.who_wait(tx, work.location_id, work.opening_id)
    found: dict[UUID, tuple[WaitingWish, Slot]] = {}
    candidates: list[Candidate] = []
    for visit_type in sorted({wish.visit_type for wish in waiting}):
        opening = await _opening(tx, work, location, visit_type)
        if opening is None:
            continue
        for wish in waiting:
            if wish.visit_type == visit_type:
                candidate = await candidate_for(tx, wish, opening.slot, opening.policy, location)
                if candidate is not None:
                    candidates.append(candidate)
                    found[wish.wish_id] = (wish, opening.slot)
    at_once = await figure_of(tx, HouseFigure.OFFERS_AT_ONCE)
    chosen = [found[each.wish_id] for each in rules.first_come(candidates)[:at_once]]
    if chosen:
        await _offer(tx, work, chosen)


@dataclass(frozen=True, slots=True)
class _Opening:
    """The first start in a freed chair at which a visit of one type can be given."""

    slot: Slot
    policy: Policy


async def _opening(
    tx: Transaction, work: OfferChair, location: Location, visit_type: str
) -> _Opening | None:
    zone = ZoneInfo(location.zone)
    day = max(work.since, tx.now).astimezone(zone).date()
    place = await place_of(tx, location, visit_type, NOBODY, Preferences(day, day))
    figures = place.policy.visit_on(day)
    if figures is None or work.chair_id not in place.chairs:
        return None
    [free] = await asyncio.to_thread(days_of, place, day, day)
    holds = timedelta(minutes=free.holds_min)
    for start in free.starts:
        fits = work.since <= start.at and start.at + holds <= work.until
        if fits and free.is_free(work.chair_id, start):
            slot = slot_of(place.policy, start.at, work.chair_id, NOBODY, zone)
            return _Opening(slot, place.policy)
    return None


async def candidate_for(
    tx: Transaction, wish: WaitingWish, free: Slot, policy: Policy, location: Location
) -> Candidate | None:
    """One who waits, if the chair suits the wish, the patient's other visits and the gaps."""
    slot, zone = replace(free, patient_id=wish.patient_id), ZoneInfo(location.zone)
    if not wants(wish, slot.starts_at, slot.ends_at) or await _is_elsewhere(tx, wish, slot):
        return None
    if not policy.in_series:
        suits = await _suits_treatment(tx, wish, slot, policy, zone)
        return Candidate(wish.wish_id, wish.patient_id, None, wish.made_at) if suits else None
    return await _of_series(tx, wish, slot, policy, zone)


def wants(wish: WaitingWish, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether the patient can come then, by the wish."""
    windows = [
        Span(datetime.fromisoformat(each["from"]), datetime.fromisoformat(each["until"]))
        for each in wish.windows
    ]
    return rules.fits(windows, starts_at, ends_at)


async def _is_elsewhere(tx: Transaction, wish: WaitingWish, slot: Slot) -> bool:
    """Whether the patient has another visit then, or a driving ban that lies between them."""
    taken = await store.taken_slots(
        tx,
        [],
        wish.patient_id,
        since=slot.starts_at,
        until=slot.ends_at,
        besides=[] if wish.appointment_id is None else [wish.appointment_id],
    )
    return any(
        slot.meets(each) or slot.is_banned_by(each) or each.is_banned_by(slot) for each in taken
    )


async def _suits_treatment(
    tx: Transaction, wish: WaitingWish, slot: Slot, policy: Policy, zone: ZoneInfo
) -> bool:
    """Whether the treatment is to come still, and far enough from what gives the same drug.

    One that is ordered with the wish is for a patient who is old enough that day.
    """
    if wish.appointment_id is None:
        patient = await store.find_patient(tx, wish.patient_id)
        assert patient is not None, "who waits is on file"
        day = slot.starts_at.astimezone(zone).date()
        born = store.patient_card(tx, patient).birth_date
        too_young = broken_by_age(policy.figures_on(day), born, day)
        return not too_young and not await broken_by_new(tx, policy, slot, zone)
    visit = await find_visit(tx, wish.appointment_id)
    if visit is None or visit.state not in COMING:
        return False
    return not await broken_by_gap(tx, visit, slot, policy, zone, to_come=True)


async def _of_series(
    tx: Transaction, wish: WaitingWish, slot: Slot, policy: Policy, zone: ZoneInfo
) -> Candidate | None:
    """One whose series lacks an infusion, or has one that would move; sooner if it saves a gap."""
    course = await kept.open_course(tx, wish.patient_id)
    if course is None:
        return None
    if (course.series.location_id, course.series.visit_type) != (
        wish.location_id,
        wish.visit_type,
    ):
        return None
    protocol = protocol_of(policy, course.series, zone)
    placed = _placed(course, wish, slot.starts_at, tx.now, zone)
    if placed is None or placed.broken_by_gaps(protocol):
        return None
    if await broken_by_given(
        tx,
        policy,
        protocol,
        wish.patient_id,
        [slot.starts_at],
        zone,
        lambda _: "starts_at",
        series_id=course.series.series_id,
    ):
        return None
    gap, day = gap_of(course, protocol, tx.now, zone), slot.starts_at.astimezone(zone).date()
    saves = gap is not None and gap.earliest <= day <= gap.due_by
    due_by = gap.due_by if gap is not None and saves else None
    return Candidate(wish.wish_id, wish.patient_id, due_by, wish.made_at)


def _placed(
    course: Course, wish: WaitingWish, starts_at: datetime, now: datetime, zone: ZoneInfo
) -> Placing | None:
    """The series with this chair in it and its place there; None where there is none for it."""
    visits = course.visits
    if wish.appointment_id is not None:
        moving = [each for each in visits if each.appointment_id == wish.appointment_id]
        if not moving or moving[0].state not in COMING:
            return None
        here = visits.index(moving[0])
        moved = Infusion(moving[0].sequence_no or UNNUMBERED, starts_at)
        return Placing(visits[:here], visits[here + 1 :], moved, now, zone)
    if count_not_lost(visits) >= course.series.infusions:
        return None
    place = bisect_left([each.starts_at for each in visits], starts_at)
    return Placing(visits[:place], visits[place:], Infusion(UNNUMBERED, starts_at), now, zone)


async def _offer(tx: Transaction, work: OfferChair, chosen: list[tuple[WaitingWish, Slot]]) -> None:
    minutes = await figure_of(tx, HouseFigure.OFFER_MIN)
    first = min(slot.starts_at for _, slot in chosen)
    expires_at = min(tx.now + timedelta(minutes=minutes), first)
    for wish, slot in chosen:
        offer = kept.add_offer(
            tx,
            wish,
            slot,
            opening_id=work.opening_id,
            free_from=work.since,
            free_until=work.until,
            expires_at=expires_at,
        )
        tx.publish(ChairOffered.model_validate(offer.model_dump()))
    tx.do(ExpireOffers(**work.model_dump()), due=expires_at, key=offers_key(work.opening_id))


def offers_key(opening_id: UUID) -> str:
    return f"offers/{opening_id}"


async def ask_next(tx: Transaction, opening_id: UUID) -> None:
    """End a round in which everybody has declined, before it runs out, and ask the next few."""
    offers = await kept.offers_of(tx, opening_id)
    if any(each.state in {OfferState.OPEN, OfferState.TAKEN} for each in offers):
        return
    of = offers[0]
    tx.cancel(offers_key(opening_id))
    tx.do(
        OfferChair(
            opening_id=opening_id,
            location_id=of.location_id,
            chair_id=of.chair_id,
            since=of.free_from,
            until=of.free_until,
        )
    )


def wish_key(wish_id: UUID) -> str:
    return f"wish/{wish_id}"


async def take_off(
    tx: Transaction,
    wish_id: UUID,
    state: WishState,
    offers_are: OfferState = OfferState.DECLINED,
) -> None:
    """Take a wish off the list. Chairs that are offered to it still go to the next at once."""
    for opening_id in await kept.end_wish(tx, wish_id, state, offers_are):
        await ask_next(tx, opening_id)
    tx.cancel(wish_key(wish_id))


async def expire_offers(work: ExpireOffers, tx: Transaction) -> None:
    """End what nobody took in time, and ask the next few."""
    await kept.lock_list(tx, work.location_id)
    offers = await kept.offers_of(tx, work.opening_id)
    left = [each.offer_id for each in offers if each.state == OfferState.OPEN]
    await kept.end_offers(tx, left, OfferState.EXPIRED)
    if not any(each.state == OfferState.TAKEN for each in offers):
        tx.do(OfferChair(**work.model_dump()))
