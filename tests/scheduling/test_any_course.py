"""Whatever staff ask for, in whatever order: what must hold holds, on a real database.

A machine plays a small clinic: series are booked, held, moved, cancelled, missed, sent home,
re-planned, extended, their overrides withdrawn, offered freed chairs, stopped; time passes over
nights on which clocks change.
After each step the rows themselves are looked at.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from deploy.local.postgres import Postgres
from services.scheduling.tables import Base
from shared.clock import FixedClock
from tests.scheduling.conftest import DRIVER, GIVEN_DOSE, LOCATION, VITALS, Clinic, app_on
from tests.scheduling.races import OVERLAPS
from tests.support.machines import World, run_any

T = TypeVar("T")

ALEXANDRIA = ZoneInfo(LOCATION["zone"])
MORNINGS = [
    datetime(2026, 10, 5, 14, tzinfo=UTC),
    datetime(2026, 10, 27, 14, tzinfo=UTC),  # clocks go back in the night after the 31st
    datetime(2027, 3, 9, 14, tzinfo=UTC),  # clocks go forward in the night after the 13th
]
FREED = {"cancelled", "no_show", "sent_home"}
COURSES = """
    SELECT s.series_id, s.state AS course, s.planned_infusions + s.extra_infusions AS infusions,
           s.gap_min_days, a.appointment_id, a.starts_at, a.state, a.infusion_id, a.fasted,
           a.ride_mode, a.started_at, a.cleared_at, a.consent_id, a.reading_id, a.no_drive_until,
           a.stopped_at, a.oriented, a.ride_seen_at, a.left_on_reading_id
      FROM series AS s JOIN appointments AS a USING (series_id)
     WHERE s.location_id = :location ORDER BY s.series_id, a.starts_at
"""
WATCHED = """
    SELECT series_id::text FROM gap_risks WHERE cleared_at IS NULL
    UNION SELECT payload->>'series_id' FROM due_work WHERE kind = 'WatchGaps'
    UNION SELECT a.series_id::text FROM unsettled_visits AS u JOIN appointments AS a
                 USING (appointment_id, starts_at)
           WHERE a.state IN ('booked', 'confirmed', 'checked_in', 'cleared')
"""
"""Of which series somebody is told: its gap, or visits of which nobody said what became of them."""
DRIPS_MEET = """
    SELECT count(*) FROM appointments AS a JOIN appointments AS b
        ON a.appointment_id < b.appointment_id
       AND (a.chair_id = b.chair_id OR a.patient_id = b.patient_id)
       AND tstzrange(a.started_at, a.stopped_at) && tstzrange(b.started_at, b.stopped_at)
     WHERE a.started_at IS NOT NULL AND b.started_at IS NOT NULL
"""
GIVEN_TOO_NEAR = """
    SELECT count(*) FROM appointments AS a JOIN appointments AS b USING (patient_id)
      JOIN series AS s ON s.series_id = b.series_id
     WHERE a.started_at < b.started_at
       AND (b.started_at AT TIME ZONE :zone)::date - (a.started_at AT TIME ZONE :zone)::date
           < 2
       AND NOT EXISTS (SELECT FROM overrides AS o
                        WHERE o.series_id = s.series_id AND o.rule = 'series_gap'
                          AND o.signed_at <= b.started_at
                          AND coalesce(o.withdrawn_at, 'infinity') >= b.started_at
                          AND o.gap_min_days <= (b.started_at AT TIME ZONE :zone)::date
                                                - (a.started_at AT TIME ZONE :zone)::date)
"""
OUT_OF_TURN = "ride check-in vitals clear start complete abort ride-seen discharge send-home"
SENT_HOME = "send-home"
GIVEN = "dose-plan vitals clear start complete vitals dose ride-seen discharge"
ABORTED = "dose-plan vitals clear start abort"
HOURS = st.sampled_from([-72, -48, -25, -24, -1, 1, 2, 24, 25, 48, 72, 96])
PLACES = st.integers(0, 20)


def day_of(moment: datetime) -> int:
    return moment.astimezone(ALEXANDRIA).toordinal()


class AnyCourse(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.proposed: list[dict[str, Any]] = []
        self.holds: list[str] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.world.runner.run(work)

    @initialize(now=st.sampled_from(MORNINGS), days=st.integers(2, 4))
    def open(self, now: datetime, days: int) -> None:
        self.run(self._open(now, days))

    async def _open(self, now: datetime, days: int) -> None:
        clock = FixedClock(now)
        transport = httpx.ASGITransport(
            app_on(self.world.engine, clock), raise_app_exceptions=False
        )
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        self.clinic = Clinic(client, clock, self.world.engine)
        await self.clinic.open()
        day = now.date().isoformat()
        await self.clinic.opens("08:00", "20:00", effective_from=day)
        self.first = now + timedelta(days=2, hours=2)
        starts = [self.first + n * timedelta(days=days) for n in range(6)]
        self.patients = [await self.clinic.patient() for _ in range(3)]
        await self.clinic.series(starts, self.patients[0])
        later = [each + timedelta(minutes=50) for each in starts]
        await self.clinic.series(later, self.patients[1])

    def teardown(self) -> None:
        if hasattr(self, "clinic"):
            self.run(self.clinic.client.aclose())

    # What staff ask for. Most of it is refused, and then nothing may have changed.

    def ask(self, path: str, body: object) -> httpx.Response:
        before = self.rows()
        answer = self.run(self.clinic.send(path, body))
        assert answer.status_code in {200, 201, 404, 409}, answer.text
        if not answer.is_success:
            assert self.rows() == before, "a refusal left something behind"
        if answer.is_success:
            self.world.done[path.rpartition("/")[2]] += 1
        return answer

    def rows(self) -> list[Any]:
        found = self.clinic.rows(COURSES, location=self.clinic.location_id)
        return [tuple(row) for row in self.run(found)]

    def visit(self, place: int) -> Any:
        rows = self.run(self.clinic.rows(COURSES, location=self.clinic.location_id))
        return rows[place % len(rows)]

    @rule(place=PLACES, hours=HOURS)
    def move(self, place: int, hours: int) -> None:
        visit = self.visit(place)
        starts_at = (visit.starts_at + timedelta(hours=hours)).isoformat()
        self.ask(f"/appointments/{visit.appointment_id}/move", {"starts_at": starts_at})

    @rule(place=PLACES, reason=st.sampled_from(["patient_asked", "clinic_asked", "no_show"]))
    def cancel(self, place: int, reason: str) -> None:
        visit = self.visit(place)
        self.ask(f"/appointments/{visit.appointment_id}/cancel", {"reason": reason})

    @rule(
        place=PLACES,
        step=st.sampled_from(OUT_OF_TURN.split()),
    )
    def step_out_of_turn(self, place: int, step: str) -> None:
        self.ask(f"/appointments/{self.visit(place).appointment_id}/{step}", self._body(step))

    def _body(self, step: str) -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "ride": {"mode": "rideshare"},
            "check-in": {"fasted": True},
            "start": {"clinician_id": self.clinic.clinician_id},
            "send-home": {"reason": "unwell"},
            "dose-plan": self.clinic.dose(),
            "dose": GIVEN_DOSE,
            "vitals": VITALS,
            "abort": {"reason": "Made up."},
            "ride-seen": DRIVER,
            "discharge": {"oriented": True},
        }
        return bodies.get(step, {})

    @rule(steps=st.sampled_from([SENT_HOME, GIVEN, GIVEN, ABORTED]))
    def give_the_next(self, steps: str) -> None:
        """Time passes to the next visit that is booked, and it takes place, or almost."""
        rows = self.run(self.clinic.rows(COURSES, location=self.clinic.location_id))
        booked = [row for row in rows if row.state in {"booked", "confirmed"}]
        if not booked:
            return
        visit = min(booked, key=lambda row: row.starts_at)
        if visit.starts_at > self.clinic.clock.now():
            self.clinic.clock.step_to(visit.starts_at)
        for step in f"ride check-in {steps}".split():
            self.ask(f"/appointments/{visit.appointment_id}/{step}", self._body(step))
        self.run(self.clinic.let_fall_due())

    @rule(hours=st.integers(1, 60), days=st.sampled_from([0] * 7 + [1, 4, 8]))
    def pass_time(self, hours: int, days: int) -> None:
        """Over the end of a gap too, with whoever watches for it; nothing that falls due fails."""
        self.clinic.clock.step(timedelta(days=days, hours=hours))
        self.run(self.clinic.settle_round())
        self.run(self.clinic.let_fall_due())

    @rule(place=PLACES, hours=HOURS)
    def book_missing(self, place: int, hours: int) -> None:
        visit = self.visit(place)
        starts_at = (visit.starts_at + timedelta(hours=hours)).isoformat()
        body = {"chair_id": self.clinic.chair_id, "starts_at": starts_at}
        self.ask(f"/series/{visit.series_id}/appointments", body)

    @rule(place=PLACES, hours=HOURS, kind=st.sampled_from(["move", "cancel", "no_show", None]))
    def propose(self, place: int, hours: int, kind: str | None) -> None:
        visit = self.visit(place)
        change: dict[str, Any] | None = {"appointment_id": str(visit.appointment_id)}
        if kind is None:
            change = None
        elif kind == "move":
            starts_at = (visit.starts_at + timedelta(hours=hours)).isoformat()
            change = {"kind": "move", "starts_at": starts_at, **(change or {})}
        else:
            reason = "no_show" if kind == "no_show" else "patient_asked"
            change = {"kind": "cancel", "reason": reason, **(change or {})}
        answer = self.ask(f"/series/{visit.series_id}/replans", {"change": change})
        if answer.is_success:
            self.proposed.append(answer.json())

    @rule(place=PLACES, hours=HOURS, kind=st.sampled_from(["move", "cancel", "no_show", None]))
    def propose_and_approve(self, place: int, hours: int, kind: str | None) -> None:
        self.propose(place, hours, kind)
        self.approve(0)

    @rule(place=PLACES)
    def approve(self, place: int) -> None:
        """An old proposal, or the newest; wholly applied or refused."""
        if not self.proposed:
            return
        chosen = self.proposed[-1 - place % min(len(self.proposed), 3)]
        answer = self.ask(f"/replans/{chosen['replan_id']}/approve", {})
        if not answer.is_success:
            return
        standing = [v for v in answer.json()["appointments"] if v["state"] not in FREED]
        places = {(each["chair_id"], each["starts_at"]) for each in standing}
        assert {(each["chair_id"], each["starts_at"]) for each in chosen["visits"]} <= places
        to_come = [day_of(datetime.fromisoformat(each["starts_at"])) for each in chosen["visits"]]
        assert all(later - earlier <= 7 for earlier, later in pairwise(to_come))

    @rule(place=PLACES, extend=st.booleans())
    def override(self, place: int, extend: bool) -> None:  # noqa: FBT001  # drawn
        extent: dict[str, Any] = (
            {"rule": "series_size", "infusions": 1}
            if extend
            else {"rule": "series_gap", "gap_min_days": 1}
        )
        signed = {"clinician_id": self.clinic.clinician_id, "reason": "Made up."} | extent
        self.ask(f"/series/{self.visit(place).series_id}/overrides", signed)

    @rule(place=PLACES)
    def withdraw_override(self, place: int) -> None:
        """Any that was ever signed; what is to come may rest on it."""
        signed = self.run(self.clinic.get("/overrides", limit=100))["items"]
        ids = [each["override_id"] for each in signed if each["patient_id"] in self.patients]
        if ids:
            self.ask(f"/overrides/{ids[-1 - place % len(ids)]}/withdraw", {})

    @rule(place=PLACES)
    def go_beyond_the_plan_and_withdraw(self, place: int) -> None:
        """One more, the day after the last; and then as if nobody had signed for it."""
        self.override(place, extend=True)
        self.override(place, extend=False)
        rows = self.run(self.clinic.rows(COURSES, location=self.clinic.location_id))
        series_id = self.visit(place).series_id
        last = max(row.starts_at for row in rows if row.series_id == series_id)
        wish = self.clinic.wish("", [last + timedelta(days=1)])["appointments"][0]
        self.ask(f"/series/{series_id}/appointments", wish)
        self.withdraw_override(place)

    @rule(hours=st.integers(0, 9), days=st.integers(1, 4), book=st.booleans())
    def hold_and_perhaps_book(self, hours: int, days: int, book: bool) -> None:  # noqa: FBT001
        since = max(self.first, self.clinic.clock.now()) + timedelta(hours=hours)
        starts = [since + n * timedelta(days=days) for n in range(6)]
        wish = self.clinic.wish(self.patients[2], starts)
        booking = {name: wish.pop(name) for name in ("prescriber_id", "diagnoses")}
        answer = self.ask("/holds", wish)
        if answer.is_success:
            self.holds.append(answer.json()["hold_id"])
        if self.holds and book:
            self.ask(f"/holds/{self.holds[-1]}/book", booking)

    @rule(place=PLACES, own=st.booleans())
    def wait(self, place: int, own: bool) -> None:  # noqa: FBT001  # drawn
        visit = self.visit(place)
        series = self.run(self.clinic.get(f"/series/{visit.series_id}"))
        now = self.clinic.clock.now()
        windows = [{"from": now.isoformat(), "until": (now + timedelta(days=40)).isoformat()}]
        body = {
            "patient_id": series["patient_id"],
            "location_id": self.clinic.location_id,
            "visit_type": "ketamine_mood",
            "appointment_id": str(visit.appointment_id) if own else None,
            "windows": windows,
        }
        self.ask("/waitlist", body)

    @rule(place=PLACES)
    def accept(self, place: int) -> None:
        self.run(self.clinic.let_fall_due())
        found = self.run(self.clinic.get("/offers", location_id=self.clinic.location_id))["items"]
        if found:
            offer = found[-1 - place % len(found)]
            self.ask(f"/offers/{offer['offer_id']}/accept", {})

    @rule(place=PLACES, freed=PLACES, own=st.booleans())
    def wait_for_what_becomes_free(self, place: int, freed: int, own: bool) -> None:  # noqa: FBT001
        self.wait(place, own)
        self.cancel(freed, "patient_asked")
        self.accept(0)

    @rule(place=PLACES, sure=st.integers(0, 9))
    def stop(self, place: int, sure: int) -> None:
        if sure == 0:
            self.ask(f"/series/{self.visit(place).series_id}/stop", {"reason": "Made up."})

    @rule(place=PLACES, hours=st.integers(1, 90))
    def book_another_series(self, place: int, hours: int) -> None:
        """Of any patient, open series or not, soon after whatever was given before."""
        start = self.clinic.clock.now() + timedelta(hours=hours)
        starts = [start + n * timedelta(days=3) for n in range(6)]
        patient = self.patients[place % len(self.patients)]
        self.ask("/series", self.clinic.wish(patient, starts))

    # What must hold.

    @invariant()
    def no_chair_and_no_patient_is_in_two_visits(self) -> None:
        if hasattr(self, "clinic"):
            assert self.run(self.clinic.rows(OVERLAPS)) == [(0,)]
            assert self.run(self.clinic.rows(DRIPS_MEET)) == [(0,)], "as they ran, not as booked"

    @invariant()
    def no_patient_is_given_two_infusions_too_near_whatever_series_they_are_of(self) -> None:
        if hasattr(self, "clinic"):
            assert self.run(self.clinic.rows(GIVEN_TOO_NEAR, zone=LOCATION["zone"])) == [(0,)]

    @invariant()
    def nothing_started_without_its_gates_or_on_another_day(self) -> None:
        if not hasattr(self, "clinic"):
            return
        for row in self.run(self.clinic.rows(COURSES, location=self.clinic.location_id)):
            if row.infusion_id is not None:
                assert row.fasted
                assert row.ride_mode is not None
                assert None not in {row.cleared_at, row.consent_id, row.reading_id}
                assert day_of(row.started_at) == day_of(row.starts_at)

    @invariant()
    def nobody_left_without_a_ride_that_was_seen(self) -> None:
        if not hasattr(self, "clinic"):
            return
        for row in self.run(self.clinic.rows(COURSES, location=self.clinic.location_id)):
            left = row.no_drive_until is not None
            assert left or row.state != "discharged"
            if left:
                assert row.oriented
                assert None not in {row.ride_seen_at, row.left_on_reading_id}
                assert row.no_drive_until - row.stopped_at == timedelta(hours=6)

    @invariant()
    def no_hard_gap_is_broken_silently(self) -> None:
        """What is to come is closer, or more, only by a word that stands; wider only if watched."""
        if not hasattr(self, "clinic"):
            return
        rows = self.run(self.clinic.rows(COURSES, location=self.clinic.location_id))
        watched = {row[0] for row in self.run(self.clinic.rows(WATCHED))}
        for series_id in {row.series_id for row in rows}:
            course = [row for row in rows if row.series_id == series_id]
            standing = [row for row in course if row.state not in FREED]
            not_lost = [row for row in standing if row.state != "aborted"]
            begun = sum(row.infusion_id is not None for row in not_lost)
            assert len(not_lost) <= max(course[0].infusions, begun), "more than anybody signed for"
            for earlier, later in pairwise(standing):
                gap = day_of(later.starts_at) - day_of(earlier.starts_at)
                if later.infusion_id is None:
                    assert gap >= (course[0].gap_min_days or 2), "closer than anybody signed for"
                if gap > 7 and later.infusion_id is None and course[0].course == "booked":
                    assert str(series_id) in watched, "a long gap that nobody is told of"


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_what_must_hold_holds_through_any_course(postgres: Postgres) -> None:
    world = World(postgres, "scheduling", Base.metadata)

    asked = {
        "move",
        "approve",
        "cancel",
        "book",
        "complete",
        "abort",
        "discharge",
        "send-home",
        "accept",
        "overrides",
        "withdraw",
    }
    try:
        run_any(AnyCourse, world, courses=14, steps=25, until=asked)
        assert asked <= set(world.done), "a course in which nothing happens proves nothing"
    finally:
        world.close()
