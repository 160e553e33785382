"""A treatment outside a series: booked by staff, moved, and what its gaps are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer
from services.scheduling.forms.treatments import BookTreatment
from services.scheduling.forms.wishes import MoveAppointment
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.handlers.rooms import broken_by_chair, broken_by_place, slot_of, with_rooms
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs
from services.scheduling.handlers.series.moving import move_to
from services.scheduling.handlers.shown import show_visit
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.handlers.told import say_visit_booked
from services.scheduling.handlers.visits.drug_gaps import (
    broken_by_gap,
    broken_by_new,
    given_beside,
)
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.series.course import broken_by_prescriber
from services.scheduling.rules.sessions import leader_of_infusion
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits import life as visit_rules
from services.scheduling.rules.visits import treatments as rules
from services.scheduling.rules.visits.life import Step, VisitState
from services.scheduling.store import HeldVisit, shown_visits
from services.scheduling.store import overrides as kept
from services.scheduling.tables import Appointment, Location
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def book_treatment(
    patient_id: UUID, wish: BookTreatment, by: Actor, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Book one visit in a chair that is no part of a series.

    Sooner than its gap it is booked with a prescriber's word, which is kept with the overrides.
    """
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    location = await store.keep_location(tx, wish.location_id)
    if location is None:
        return Refused.by_rules([unknown("location", "location_id")], NOT_BOOKED)
    zone = ZoneInfo(location.zone)
    day = wish.starts_at.astimezone(zone).date()
    policy = await store.policy_of(tx, wish.location_id, wish.visit_type)
    figures = policy.figures_on(day) if policy.visits else None
    broken = rules.broken_by_type(policy, figures)
    if broken or figures is None:
        return Refused.by_rules(broken, NOT_BOOKED)
    slot = slot_of(policy, wish.starts_at, wish.chair_id, patient_id, zone)
    too_near = await broken_by_new(tx, policy, slot, zone)
    broken = [
        *slots.broken_by_time(policy.planning, wish.starts_at, tx.now, "starts_at"),
        *broken_by_age(figures, store.patient_card(tx, patient).birth_date, day),
        *await broken_by_order(tx, wish.ordered_by, policy, day),
        *await broken_by_place(tx, policy, wish.location_id, [slot], zone, lambda _: "starts_at"),
        *await broken_by_chair(slot, wish.location_id, tx),
    ]
    [slot], no_room = await with_rooms(
        tx, policy, wish.location_id, [slot], zone, lambda _: "starts_at"
    )
    broken += no_room
    if wish.sooner is None:
        broken += too_near
    elif too_near:
        broken += await broken_by_signer(tx, wish.sooner.clinician_id, by, Act.OVERRIDE)
    else:
        broken.append(rules.broken_by_needless(figures))
    if broken:
        return Refused.by_rules(broken, NOT_BOOKED)
    given = await given_beside(tx, policy, slot, zone)
    visit = await add_treatment(
        tx, slot, location, policy, wish.visit_type, wish.ordered_by, wish.diagnoses
    )
    if wish.sooner is not None:
        apart = rules.nearest_days(given, wish.starts_at, zone)
        assert apart is not None, "it is too near to something"
        kept.add_gap_override(
            tx, visit, apart, wish.sooner.reason, wish.sooner.clinician_id, by.subject
        )
    return show_visit(tx, visit)


async def add_treatment(
    tx: Transaction,
    slot: Slot,
    location: Location,
    policy: Policy,
    visit_type: str,
    ordered_by: UUID,
    diagnoses: Sequence[str],
) -> Appointment:
    """Book what nothing forbids, and say so."""
    appointment_id = store.add_treatment(
        tx, slot, location.location_id, visit_type, ordered_by, diagnoses
    )
    visit = await shown_visits.find_visit(tx, appointment_id)
    assert visit is not None, "it was just added"
    say_visit_booked(visit, policy, ZoneInfo(location.zone), tx)
    look_at_free_chairs(location.location_id, tx)
    return visit


NOT_BOOKED = "The treatment is not booked"


async def broken_by_order(
    tx: Transaction, ordered_by: UUID, policy: Policy, day: date
) -> list[Broken]:
    """Whether the clinician may order what is given."""
    prescriber = await store.find_clinician(tx, ordered_by)
    if prescriber is None:
        return [unknown("clinician", "ordered_by")]
    if not policy.figures_on(day).is_controlled:
        return []
    return broken_by_prescriber(prescriber.dea_number, "ordered_by")


async def move_treatment(
    held: HeldVisit, wish: MoveAppointment, tx: Transaction
) -> AppointmentAnswer | Refused:
    """Give a treatment another time or chair, by the rules of its booking."""
    visit, zone = held.visit, ZoneInfo(held.location.zone)
    await store.keep_location(tx, visit.location_id)
    policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
    chair_id = wish.chair_id or visit.chair_id
    assert chair_id is not None, "a treatment has its chair"
    slot = slot_of(policy, wish.starts_at, chair_id, visit.patient_id, zone, visit.room_id)
    besides = [visit.appointment_id]
    seen = held.revision_before if wish.revision is None else wish.revision
    broken = [
        *visit_rules.broken_by_step(Step.MOVE, VisitState(visit.state)),
        *visit_rules.broken_by_revision(seen, visit.revision),
        *slots.broken_by_time(policy.planning, wish.starts_at, tx.now, "starts_at"),
        *([] if wish.led_by is None else [leader_of_infusion()]),
        *await broken_by_gap(tx, visit, slot, policy, zone, to_come=True),
        *await broken_by_place(
            tx, policy, visit.location_id, [slot], zone, lambda _: "starts_at", besides
        ),
        *await broken_by_chair(slot, visit.location_id, tx, besides=besides),
    ]
    [slot], no_room = await with_rooms(
        tx, policy, visit.location_id, [slot], zone, lambda _: "starts_at", besides
    )
    broken += no_room
    if broken:
        return Refused.by_rules(broken, "The visit is not moved")
    moved = await move_to(visit, slot, policy, zone, tx)
    return show_visit(tx, moved)
