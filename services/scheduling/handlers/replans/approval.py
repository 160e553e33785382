"""A re-plan is approved: the change and all that follows from it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import SeriesAnswer
from services.scheduling.forms.replans import (
    ApproveReplan,
    CancelOne,
    MoveOne,
    ProposeReplan,
    ReplanAnswer,
    ReplannedVisit,
)
from services.scheduling.handlers.clinic.displaced import displaced_by_visit
from services.scheduling.handlers.listing import read_series
from services.scheduling.handlers.replans.parts import changed_in, parts_of, seen_in
from services.scheduling.handlers.replans.shown import show_replan
from services.scheduling.handlers.rooms import broken_by_chair, broken_by_place, slot_of, with_rooms
from services.scheduling.handlers.series.ending import say_cancelled
from services.scheduling.handlers.series.gap_risks import look_at_free_chairs, look_at_gaps
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.shown import protocol_of
from services.scheduling.handlers.told import say_visit_booked, say_visit_moved
from services.scheduling.handlers.visits.missed import note_missed
from services.scheduling.handlers.waitlist.openings import look_after
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.replans import refusals as rules
from services.scheduling.rules.replans.refusals import Seen
from services.scheduling.rules.replans.smallest import Fate
from services.scheduling.rules.series import course as series
from services.scheduling.rules.series import gaps
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.visits import life as visit_rules
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.store import Course
from services.scheduling.store import replans as kept
from services.scheduling.tables import Appointment, Location
from services.scheduling.tables.replans import ReplanRow
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken


async def read_replan(replan_id: UUID, tx: Transaction) -> ReplanAnswer | Refused:
    row = await kept.find_replan(tx, replan_id)
    if row is None:
        return Refused.not_found("re-plan", "replan_id")
    course = await store.find_course(tx, row.series_id)
    assert course is not None, "a re-plan is of a series"
    return show_replan(row, course.series.patient_id)


async def approve_replan(
    replan_id: UUID, _: ApproveReplan, tx: Transaction
) -> SeriesAnswer | Refused:
    """Apply a re-plan to the series that it was made for; to any other it is refused."""
    found = await kept.find_replan(tx, replan_id)
    if found is None:
        return Refused.not_found("re-plan", "replan_id")
    course = await store.lock_course(tx, found.series_id)
    row = await kept.find_replan(tx, replan_id)  # again, as it is once the patient's row is held
    assert course is not None, "a re-plan is of a series"
    assert row is not None, "re-plans are kept"
    location = await store.keep_location(tx, course.series.location_id)
    assert location is not None, "a series has its place"
    policy = await store.policy_of(tx, location.location_id, course.series.visit_type)
    plan = _Plan(row, course, policy, location)
    # One that was applied changed the series itself: nothing else is wrong with it.
    broken = (
        rules.broken_by_applied(applied=row.applied_at is not None)
        or [
            *_of_replan(series.broken_by_state(SeriesState(course.series.state), "be re-planned")),
            *rules.broken_by_expiry(row.expires_at, tx.now, ZoneInfo(location.zone)),
            *plan.broken_by_changes(),
        ]
        or [
            *plan.broken_by_calendar(tx.now, await displaced_by_visit(tx, location)),
            *await plan.broken_by_rooms(tx),
        ]
    )
    if broken:
        return Refused.by_rules(broken, "The re-plan is not applied")
    await plan.apply(tx)
    look_at_free_chairs(location.location_id, tx)
    await kept.note_applied(tx, replan_id)
    answer = await read_series(row.series_id, tx)
    assert not isinstance(answer, Refused), "the series is there"
    return answer


def _of_replan(broken: Sequence[Broken]) -> list[Broken]:
    """What is wrong with a series, said of the re-plan that was named."""
    return [replace(each, field="replan_id") for each in broken]


class _Plan:
    """A proposal beside the series as it is now."""

    def __init__(self, row: ReplanRow, course: Course, policy: Policy, location: Location) -> None:
        self._row, self._course, self._policy, self._location = row, course, policy, location
        self._zone = ZoneInfo(location.zone)
        self._change = ProposeReplan.model_validate({"change": row.change}).change
        self._lines = [ReplannedVisit.model_validate(each) for each in row.visits]
        self._visits = {visit.appointment_id: visit for visit in course.visits}
        self._slots = self._wished()

    def _wished(self) -> list[tuple[Appointment | None, Slot]]:
        """The visits that get another time, and those that are added, with their slots."""
        wished: list[tuple[Appointment | None, datetime, UUID]] = []
        if isinstance(self._change, MoveOne):
            visit = self._visits[self._change.appointment_id]
            chair_id = self._change.chair_id or visit.chair_id
            assert chair_id is not None, "an infusion has its chair"
            wished.append((visit, self._change.starts_at, chair_id))
        wished += [
            (
                None if each.appointment_id is None else self._visits[each.appointment_id],
                each.starts_at,
                each.chair_id,
            )
            for each in self._lines
            if each.fate is not Fate.STAYS
        ]
        patient_id = self._course.series.patient_id
        return [
            (
                visit,
                slot_of(
                    self._policy,
                    starts_at,
                    chair_id,
                    patient_id,
                    self._zone,
                    None if visit is None else visit.room_id,
                ),
            )
            for visit, starts_at, chair_id in wished
        ]

    def broken_by_changes(self) -> list[Broken]:
        seen = {UUID(key): Seen(*value) for key, value in self._row.seen.items()}
        starts = {visit.appointment_id: visit.starts_at for visit in self._course.visits}
        return rules.broken_by_changed(seen, seen_in(self._course), starts, self._zone)

    def broken_by_calendar(
        self, now: datetime, displaced: Mapping[UUID, Sequence[Broken]]
    ) -> list[Broken]:
        """Times that passed meanwhile, and gaps by the figures that hold for the series now.

        Nothing stays that is `displaced`: what its place cannot give any more where it is.
        """
        changed = changed_in(self._course, self._change)
        since = self._row.proposed_at
        parts = parts_of(self._course, self._change, changed, since, self._zone, displaced)
        protocol = protocol_of(self._policy, self._course.series, self._zone)
        chain = [
            *parts.fixed[-1:],
            *(Infusion(each.sequence_no or 99, each.starts_at) for each in self._lines),
        ]
        broken = [
            wrong
            for _, slot in self._slots
            for wrong in slots.broken_by_time(
                self._policy.planning, slot.starts_at, now, "replan_id"
            )
        ]
        staying = [each.appointment_id for each in self._lines if each.fate is Fate.STAYS]
        broken += [
            replace(wrong, field="replan_id")
            for appointment_id in staying
            if appointment_id is not None
            for wrong in displaced.get(appointment_id, ())
        ]
        return broken + gaps.broken_by_gaps(protocol, chain, self._zone, lambda _: "replan_id")

    async def broken_by_rooms(self, tx: Transaction) -> list[Broken]:
        """Whether all that was free is free still; days and chairs are held until the commit."""
        location_id = self._location.location_id
        wished = [slot for _, slot in self._slots]
        besides = self._leaving()
        broken = await broken_by_place(
            tx, self._policy, location_id, wished, self._zone, lambda _: "replan_id", besides
        )
        await store.lock_chairs(tx, {slot.chair_id for slot in wished})
        for n, slot in enumerate(wished):
            broken += await broken_by_chair(slot, location_id, tx, besides=besides)
            broken += slots.broken_by_taken(slot, wished[:n], "replan_id", "replan_id")
        protocol = protocol_of(self._policy, self._course.series, self._zone)
        broken += await broken_by_given(
            tx,
            self._policy,
            protocol,
            self._course.series.patient_id,
            [slot.starts_at for slot in wished],
            self._zone,
            lambda _: "replan_id",
            series_id=self._course.series.series_id,
        )
        placed, no_room = await with_rooms(
            tx, self._policy, location_id, wished, self._zone, lambda _: "replan_id", besides
        )
        visits = (visit for visit, _ in self._slots)
        self._slots = list(zip(visits, placed, strict=True))
        return broken + no_room

    def _leaving(self) -> list[UUID]:
        """The visits whose present times become free."""
        leaving = [visit.appointment_id for visit, _ in self._slots if visit is not None]
        if isinstance(self._change, CancelOne):
            leaving.append(self._change.appointment_id)
        return leaving

    async def apply(self, tx: Transaction) -> None:
        if isinstance(self._change, CancelOne):
            visit = self._visits[self._change.appointment_id]
            cancelled = await store.change_visit(
                tx,
                visit,
                state=visit_rules.state_when_cancelled(self._change.reason),
                revision=visit.revision + 1,
            )
            say_cancelled(cancelled, self._change.reason, tx)
            await note_missed(tx, cancelled, self._change.reason)
        moving = [(visit, slot) for visit, slot in self._slots if visit is not None]
        await kept.set_aside(tx, [visit.appointment_id for visit, _ in moving])
        for visit, slot in moving:
            await self._move(visit, slot, tx)
        await self._add([slot for visit, slot in self._slots if visit is None], tx)

    async def _add(self, added: Sequence[Slot], tx: Transaction) -> None:
        of = self._course.series
        first = max(visit.sequence_no or 0 for visit in self._course.visits) + 1
        for number, slot in enumerate(added, start=first):
            store.add_visit(tx, slot, of.series_id, number, of.location_id, of.visit_type)
        if added:
            look_at_gaps(of.series_id, tx)
            for visit in await store.visits_of(tx, of.series_id):
                if (visit.sequence_no or 0) >= first:
                    say_visit_booked(visit, self._policy, self._zone, tx)

    async def _move(self, visit: Appointment, slot: Slot, tx: Transaction) -> None:
        """Put a visit where it goes. A ride is for a time: it is asked anew when that changes."""
        same_time = (slot.starts_at, slot.ends_at) == (visit.starts_at, visit.ends_at)
        moved = await store.change_visit(
            tx,
            visit,
            state=visit.state if same_time else VisitState.BOOKED,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            chair_id=slot.chair_id,
            room_id=slot.room_id,
            ride_mode=visit.ride_mode if same_time else None,
            driver=visit.driver if same_time else None,
            revision=visit.revision + 1,
        )
        look_after(visit, tx)
        say_visit_moved(visit, moved, self._policy, self._zone, tx)
