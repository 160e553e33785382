"""The waiting list: who joins, who leaves, and who takes a chair that is offered."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Row

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.treatments import BookTreatment
from services.scheduling.forms.waitlist import Answer, JoinWaitlist, OfferAnswer, WaitingAnswer
from services.scheduling.forms.wishes import MoveAppointment, WishedAppointment
from services.scheduling.handlers.patients.files import broken_by_file
from services.scheduling.handlers.series.booking import book_missing
from services.scheduling.handlers.series.changes import move_visit
from services.scheduling.handlers.shown import count_not_lost
from services.scheduling.handlers.visits.treatments import book_treatment, broken_by_order
from services.scheduling.handlers.waitlist.openings import (
    ask_next,
    offers_key,
    take_off,
    wish_key,
)
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.series import waitlist as rules
from services.scheduling.rules.series.waitlist import OfferState, Span, WishState
from services.scheduling.rules.visits.life import COMING
from services.scheduling.rules.visits.treatments import broken_by_type
from services.scheduling.store import Course
from services.scheduling.store import waitlist as kept
from services.scheduling.store.shown_visits import find_visit
from services.scheduling.tables import Patient
from services.scheduling.tables.waitlist import ChairOffer, WaitingWish
from services.scheduling.work import ExpireWish
from shared.auth import Actor
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def join_waitlist(wish: JoinWaitlist, tx: Transaction) -> WaitingAnswer | Refused:
    """Note that a patient would take a chair that becomes free, and when."""
    patient = await store.lock_patient(tx, wish.patient_id)
    location = await store.find_location(tx, wish.location_id)
    windows = [Span(each.since, each.until) for each in wish.windows]
    policy = await store.policy_of(tx, wish.location_id, wish.visit_type)
    broken = [
        *broken_by_file(patient),
        *([] if location is not None else [unknown("location", "location_id")]),
        *rules.broken_by_windows(windows, tx.now),
        *(
            await _broken_by_series(wish, tx)
            if policy.in_series
            else await _broken_by_treatment(wish, patient, policy, tx)
        ),
        *rules.broken_by_other_wish(
            has_wish=await kept.has_wish(tx, wish.patient_id, wish.visit_type, wish.appointment_id)
        ),
    ]
    if broken:
        return Refused.by_rules(broken, "The wish is not noted")
    row = await kept.add_wish(
        tx,
        **wish.model_dump(exclude={"windows", "diagnoses"}),
        diagnoses=wish.diagnoses or None,
        windows=[each.model_dump(mode="json", by_alias=True) for each in wish.windows],
    )
    last = max(each.until for each in windows)
    tx.do(ExpireWish(wish_id=row.wish_id), due=last, key=wish_key(row.wish_id))
    return WaitingAnswer(**row.model_dump())


async def _broken_by_series(wish: JoinWaitlist, tx: Transaction) -> list[Broken]:
    course = await kept.open_course(tx, wish.patient_id)
    return [
        *rules.broken_by_waiting_for_nothing(has_place=has_place(course, wish)),
        *rules.broken_by_needless_order(is_ordered=wish.is_ordered),
    ]


async def _broken_by_treatment(
    wish: JoinWaitlist, patient: Patient | None, policy: Policy, tx: Transaction
) -> list[Broken]:
    """Whether there is a treatment to move, or one that a clinician orders."""
    today = tx.now.date()
    figures = policy.visit_on(today)
    broken = broken_by_type(policy, figures)
    if broken:
        return broken
    if wish.appointment_id is None:
        if wish.ordered_by is None or not wish.diagnoses:
            return [rules.nothing_ordered()]
        broken = await broken_by_order(tx, wish.ordered_by, policy, today)
        if patient is not None and figures is not None:
            last = max(each.until for each in wish.windows).date()
            born = store.patient_card(tx, patient).birth_date
            broken += broken_by_age(figures, born, last)
        return broken
    visit = await find_visit(tx, wish.appointment_id)
    is_it = visit is not None and (visit.patient_id, visit.location_id, visit.visit_type) == (
        wish.patient_id,
        wish.location_id,
        wish.visit_type,
    )
    if visit is None or not is_it or visit.state not in COMING:
        return [rules.nothing_ordered()]
    return rules.broken_by_needless_order(is_ordered=wish.is_ordered)


async def expire_wish(work: ExpireWish, tx: Transaction) -> None:
    """A patient who can come at no time that is left waits no more."""
    wish = await kept.find_wish(tx, work.wish_id)
    assert wish is not None, "wishes are kept"
    await kept.lock_list(tx, wish.location_id)
    await kept.end_wish(tx, work.wish_id, WishState.EXPIRED)


def has_place(course: Course | None, wish: JoinWaitlist | WaitingWish) -> bool:
    """Whether the patient's series here has a visit to move, or lacks an infusion."""
    if course is None or (course.series.location_id, course.series.visit_type) != (
        wish.location_id,
        wish.visit_type,
    ):
        return False
    if wish.appointment_id is None:
        return count_not_lost(course.visits) < course.series.infusions
    return any(
        visit.appointment_id == wish.appointment_id and visit.state in COMING
        for visit in course.visits
    )


async def leave_waitlist(wish_id: UUID, _: Answer, tx: Transaction) -> WaitingAnswer | Refused:
    """Take a patient off the list; what is offered to the wish is offered no more."""
    wish = await kept.find_wish(tx, wish_id)
    if wish is None:
        return Refused.not_found("wish", "wish_id")
    await kept.lock_list(tx, wish.location_id)
    found = await kept.find_wish(tx, wish_id)
    assert found is not None, "wishes are kept"
    broken = rules.broken_by_wish(WishState(found.state))
    if broken:
        return Refused.by_rules(broken, "The wish is not withdrawn")
    await take_off(tx, wish_id, WishState.WITHDRAWN)
    return WaitingAnswer(**(found.model_dump() | {"state": WishState.WITHDRAWN}))


async def accept_offer(
    offer_id: UUID, _: Answer, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Give the chair to the first who says yes, by the rules of any booking or move."""
    asked = await kept.find_offer(tx, offer_id)
    if asked is None:
        return Refused.not_found("offer", "offer_id")
    await store.lock_patient(tx, asked.patient_id)
    await kept.lock_list(tx, asked.location_id)
    offers = await kept.offers_of(tx, asked.opening_id)
    [offer] = (each for each in offers if each.offer_id == offer_id)
    zone = await store.zone_at(tx, offer.location_id)
    broken = rules.broken_by_offer(OfferState(offer.state), offer.expires_at, tx.now, zone)
    if broken:
        return Refused.by_rules(broken, "The offer is not accepted")
    wish = await kept.find_wish(tx, offer.wish_id)
    assert wish is not None, "an offer answers a wish"
    answer = await _take(offer, wish, by, tx)
    if isinstance(answer, Refused):
        return answer
    await kept.end_offers(tx, [offer_id], OfferState.TAKEN)
    others = [each.offer_id for each in offers if each.offer_id != offer_id]
    await kept.end_offers(tx, others, OfferState.LOST)
    tx.cancel(offers_key(offer.opening_id))
    await take_off(tx, wish.wish_id, WishState.FILLED)
    return answer


async def _take(
    offer: ChairOffer, wish: WaitingWish, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    if wish.appointment_id is not None:
        move = MoveAppointment(starts_at=offer.starts_at, chair_id=offer.chair_id)
        return await move_visit(wish.appointment_id, move, tx)
    if wish.ordered_by is not None:
        treatment = BookTreatment(
            location_id=offer.location_id,
            chair_id=offer.chair_id,
            visit_type=offer.visit_type,
            starts_at=offer.starts_at,
            ordered_by=wish.ordered_by,
            diagnoses=kept.diagnoses_of(tx, wish),
        )
        return await book_treatment(wish.patient_id, treatment, by, tx)
    course = await kept.open_course(tx, wish.patient_id)
    if course is None:
        nothing = rules.broken_by_waiting_for_nothing(has_place=False)
        return Refused.by_rules(nothing, "The offer is not accepted")
    wished = WishedAppointment(starts_at=offer.starts_at, chair_id=offer.chair_id)
    return await book_missing(course.series.series_id, wished, tx)


async def decline_offer(offer_id: UUID, _: Answer, tx: Transaction) -> OfferAnswer | Refused:
    """Note that a patient does not want the chair. The wish goes on waiting for another."""
    asked = await kept.find_offer(tx, offer_id)
    if asked is None:
        return Refused.not_found("offer", "offer_id")
    await kept.lock_list(tx, asked.location_id)
    offers = await kept.offers_of(tx, asked.opening_id)
    [offer] = (each for each in offers if each.offer_id == offer_id)
    zone = await store.zone_at(tx, offer.location_id)
    broken = rules.broken_by_offer(OfferState(offer.state), offer.expires_at, tx.now, zone)
    if broken:
        return Refused.by_rules(broken, "The offer is not declined")
    await kept.end_offers(tx, [offer_id], OfferState.DECLINED)
    await ask_next(tx, offer.opening_id)
    return OfferAnswer(**(offer.model_dump() | {"state": OfferState.DECLINED}))


async def list_waiting(
    state: WishState, location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[WaitingAnswer] | Refused:
    """Those who wait, longest first, or whose wishes ended so."""

    def item(row: Row[tuple[object, ...]]) -> WaitingAnswer:
        return WaitingAnswer.model_validate(row, from_attributes=True)

    rows = kept.wishes_made(state, location_id)
    return await page(
        tx, rows, by=kept.BY_MADE, asked=asked, item=item, shown_to=reader, as_entity="waiting_wish"
    )


async def list_offers(
    location_id: UUID | None,
    patient_id: UUID | None,
    asked: Paging,
    reader: Actor,
    tx: Transaction,
) -> Page[OfferAnswer] | Refused:
    """Offers and what became of them, earliest first."""

    def item(row: Row[tuple[object, ...]]) -> OfferAnswer:
        return OfferAnswer.model_validate(row, from_attributes=True)

    rows = kept.offers_made(location_id, patient_id)
    return await page(
        tx,
        rows,
        by=kept.BY_OFFERED,
        asked=asked,
        item=item,
        shown_to=reader,
        as_entity="chair_offer",
    )
