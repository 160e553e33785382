"""What a patient sees and does who holds a booking link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.booking_links import SignedLink
from services.scheduling.handlers.free_starts import FreeStart, free_sessions, today_at
from services.scheduling.handlers.sessions.booking import book_session, is_at
from services.scheduling.handlers.sessions.links import state_of
from services.scheduling.rules.booking_links import LinkState
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.store import sessions, shown_visits
from services.scheduling.store.house import figure_of
from services.scheduling.tables import Appointment
from services.scheduling.tables.booking_links import BookingLink
from shared import audit
from shared.auth import Actor
from shared.claims import LocationCard
from shared.messaging import Transaction

PURPOSE = "self_booking"


@dataclass(frozen=True, slots=True)
class Session:
    """What a link is for. Nothing of the patient."""

    name: str
    leader: str
    place: LocationCard

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.place.zone)


class Missed(StrEnum):
    """Why nothing was booked although something was sent."""

    TAKEN = "taken"
    TOO_SOON = "too_soon"
    NONE_CHOSEN = "none_chosen"


@dataclass(frozen=True, slots=True)
class Offer:
    """The free times of so many days, by local day, and why one has to be chosen again.

    None is sooner than the house's notice: whoever leads the session has to learn of it.
    """

    session: Session
    days: Mapping[date, Sequence[FreeStart]]
    offered_days: int
    soonest: datetime
    missed: Missed | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """The session that the link was used for; `another` when a second one was wished."""

    session: Session
    visit: Appointment
    another: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """A link that books nothing (any more). The place is known when the link was ours."""

    state: LinkState | None = None
    place: LocationCard | None = None


async def show(signed: SignedLink, tx: Transaction) -> Offer | Booked | Closed:
    link = await sessions.find_link(tx, signed.link_id)
    if link is None:
        return Closed()
    _note(link, "read", tx)
    return await _shown(link, tx)


async def book(
    signed: SignedLink, starts_at: datetime | None, tx: Transaction
) -> Offer | Booked | Closed:
    """Book the time that was chosen, if it is free still. Asked again, it is booked once."""
    link = await sessions.lock_link(tx, signed.link_id)
    if link is None:
        return Closed()
    await store.lock_patient(tx, link.patient_id)
    await store.keep_location(tx, link.location_id)
    await store.lock_clinician(tx, link.clinician_id)
    _note(link, "write", tx)
    shown = await _shown(link, tx)
    match shown:
        case Offer(session, days):
            free = [each for starts in days.values() for each in starts]
            chosen = next((each for each in free if each.starts_at == starts_at), None)
            if chosen is None:
                return replace(shown, missed=_missed(starts_at, shown.soonest))
            booked = await book_session(tx, link, chosen)
            if booked is None:
                return replace(shown, missed=Missed.TAKEN)
            return Booked(session, booked)
        case Booked(session, visit) if starts_at is not None and not is_at(visit, starts_at):
            return Booked(session, visit, another=True)
        case _:
            return shown


def _missed(starts_at: datetime | None, soonest: datetime) -> Missed:
    if starts_at is None:
        return Missed.NONE_CHOSEN
    return Missed.TOO_SOON if starts_at < soonest else Missed.TAKEN


async def _shown(link: BookingLink, tx: Transaction) -> Offer | Booked | Closed:
    location = await store.find_location(tx, link.location_id)
    clinician = await store.find_clinician(tx, link.clinician_id)
    assert location is not None, "a link has its place"
    assert clinician is not None, "a session has its leader"
    place, today = store.location_card(location), today_at(location, tx)
    policy = await store.policy_of(tx, link.location_id, link.visit_type)
    figures = policy.visit_on(today)
    assert figures is not None, "every visit type has figures from the first day on"
    session = Session(figures.name, clinician.name, place)
    match state_of(link, tx):
        case LinkState.OPEN:
            offered_days = await figure_of(tx, HouseFigure.LINK_OFFERED_DAYS)
            free = await free_sessions(
                tx,
                location,
                link.visit_type,
                link.clinician_id,
                today,
                today + timedelta(days=offered_days),
                link.patient_id,
            )
            notice = await figure_of(tx, HouseFigure.SELF_BOOK_NOTICE_MIN)
            soonest = tx.now + timedelta(minutes=notice)
            starts = [each for each in free.starts if soonest <= each.starts_at]
            return Offer(session, _by_day(starts, session.zone), offered_days, soonest)
        case LinkState.USED:
            assert link.appointment_id is not None, "that is what used means"
            visit = await shown_visits.find_visit(tx, link.appointment_id)
            assert visit is not None, "a used link has its session"
            return Booked(session, visit)
        case state:
            return Closed(state, place)


def _by_day(starts: Sequence[FreeStart], zone: ZoneInfo) -> dict[date, list[FreeStart]]:
    days = groupby(starts, lambda each: each.starts_at.astimezone(zone).date())
    return {day: list(those) for day, those in days}


def _note(link: BookingLink, action: str, tx: Transaction) -> None:
    audit.append(
        tx,
        Actor(f"booking-link:{link.link_id}", frozenset()),
        action=action,
        entity="booking_link",
        entity_id=str(link.link_id),
        patient_id=link.patient_id,
        purpose=PURPOSE,
    )
