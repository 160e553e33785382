"""A place as it is run: rosters, closures, rooms, treatments, sessions and imports in any order.

After each step the rows are looked at: nobody is anywhere twice, no chair is unwatched that was not
named, no visit begins under a drug, and no treatment is sooner than somebody signed for.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from deploy.local.postgres import Postgres
from services.scheduling import store
from services.scheduling.rules.clinic.policy import broken_by_nurses
from services.scheduling.tables import Base
from shared.clock import FixedClock
from tests.scheduling.conftest import (
    CLINICIAN,
    DRIVER,
    GIVEN_DOSE,
    LOCATION,
    VITALS,
    Clinic,
    app_on,
    unit_on,
)
from tests.scheduling.imported import bring, finish, look, person, sheet, visit
from tests.scheduling.races import OVERLAPS
from tests.support.machines import World, run_any

T = TypeVar("T")

ALEXANDRIA = ZoneInfo(LOCATION["zone"])
MORNING = datetime(2026, 10, 5, 14, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BANS = {"ketamine_mood": 6 * HOUR, "ketamine_maintenance": 30 * HOUR}
FREED = {"cancelled", "no_show", "sent_home"}
KETAMINE = {"ketamine_mood", "ketamine_maintenance"}
ALLOWED_IN_BAN = {"integration"}
IN_A_ROOM = {"ketamine_maintenance", "preparation"}
LENGTHS = {"vitamins": 30, "preparation": 60, "integration": 60}
ROWS = """
    SELECT a.appointment_id::text, a.patient_id, a.series_id, a.chair_id, a.led_by, a.room_id,
           a.visit_type, a.starts_at, a.ends_at, a.state, a.started_at, a.stopped_at,
           EXISTS (SELECT FROM overrides AS o WHERE o.appointment_id = a.appointment_id) AS signed
      FROM appointments AS a WHERE a.location_id = :location ORDER BY a.starts_at, 1
"""
PLACES, DAYS, QUARTERS = st.integers(0, 30), st.integers(0, 9), st.integers(0, 31)
TRIED = {"series", "treatments", "sessions", "move", "cancel", "rosters", "closures"}
TRIED |= {"import", "start", "discharge", "undo-check-in", "zone"}
TRIED |= {"out-of-service", "opening-hours", "approve", "displaced, moved"}
GIVEN = "ride check-in dose-plan vitals clear start complete dose vitals ride-seen discharge"


class AnyPlace(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.unwatched: set[str] = set()
        self.touched: set[str] = set()
        self.brought = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.world.runner.run(work)

    @initialize(nurses=st.integers(1, 2))
    def open(self, nurses: int) -> None:
        self.run(self._open(nurses))

    async def _open(self, nurses: int) -> None:
        clock = FixedClock(MORNING)
        transport = httpx.ASGITransport(
            app_on(self.world.engine, clock), raise_app_exceptions=False
        )
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        self.clinic = clinic = Clinic(client, clock, self.world.engine)
        await clinic.open()
        self.chairs = [await clinic.chair(name=f"Chair {n}") for n in (1, 2, 3)]
        leader = await clinic.post("/clinicians", CLINICIAN | {"npi": "1234567893"})
        self.leaders = [clinic.clinician_id, leader["clinician_id"]]
        self.patients = [await clinic.patient() for _ in range(3)]
        for patient_id in self.patients:
            await clinic.consent(patient_id, visit_types=[*sorted(KETAMINE), "vitamins"])
        await clinic.post(f"/locations/{clinic.location_id}/rooms", {"name": "Quiet room"})
        for visit_type in ("vitamins", "preparation", "integration", "ketamine_maintenance"):
            figures: dict[str, Any] = {"effective_from": MORNING.date().isoformat()}
            figures["clinician_id"] = clinic.clinician_id
            if visit_type in LENGTHS:
                figures["booked_min"] = {"value": LENGTHS[visit_type], "source": "made up"}
            if visit_type == "ketamine_maintenance":
                minutes = BANS[visit_type] // timedelta(minutes=1)
                figures["no_drive_min"] = {"value": minutes, "source": "made up"}
            if visit_type in IN_A_ROOM:
                figures["room_needed"] = {"value": True, "source": "made up"}
            await clinic.send(f"/visit-types/{visit_type}/figures", figures)
        await clinic.has_nurses(nurses, 1)

    def teardown(self) -> None:
        if hasattr(self, "clinic"):
            self.run(self.clinic.client.aclose())

    def ask(self, path: str, body: object) -> Any:
        answer = self.run(self.clinic.send(path, body))
        assert answer.status_code in {200, 201, 404, 409}, answer.text
        if not answer.is_success:
            return None
        self.world.done[path.rpartition("/")[2]] += 1
        return answer.json()

    def rows(self) -> list[Any]:
        return list(self.run(self.clinic.rows(ROWS, location=self.clinic.location_id)))

    def at(self, days: int, quarter: int) -> str:
        """A quarter of an hour from nine in the morning on, so many days from today."""
        today = self.clinic.clock.now().astimezone(ALEXANDRIA).date() + days * DAY
        nine = datetime(today.year, today.month, today.day, 9, tzinfo=ALEXANDRIA)
        return (nine + quarter * timedelta(minutes=15)).isoformat()

    @rule(who=PLACES, chair=PLACES, days=DAYS, quarter=QUARTERS, every=st.integers(2, 3))
    def book_series(self, who: int, chair: int, days: int, quarter: int, every: int) -> None:
        starts = [datetime.fromisoformat(self.at(days + every * n, quarter)) for n in range(6)]
        wish = self.clinic.wish(self.patients[who % 3], starts, chair_id=self.chairs[chair % 3])
        self.ask("/series", wish)

    @rule(
        who=PLACES,
        chair=PLACES,
        days=DAYS,
        quarter=QUARTERS,
        drug=st.sampled_from(["ketamine_maintenance", "ketamine_maintenance", "vitamins"]),
        sooner=st.booleans(),
    )
    def book_treatment(
        self,
        who: int,
        chair: int,
        days: int,
        quarter: int,
        drug: str,
        sooner: bool,  # noqa: FBT001  # drawn
    ) -> None:
        signed = {"clinician_id": self.clinic.clinician_id, "reason": "Made up."}
        wish = {
            "location_id": self.clinic.location_id,
            "chair_id": self.chairs[chair % 3],
            "visit_type": drug,
            "starts_at": self.at(days, quarter),
            "ordered_by": self.clinic.clinician_id,
            "diagnoses": ["F33.1"],
            "sooner": signed if sooner else None,
        }
        self.ask(f"/patients/{self.patients[who % 3]}/treatments", wish)

    @rule(
        who=PLACES,
        leader=PLACES,
        days=DAYS,
        quarter=QUARTERS,
        kind=st.sampled_from(["preparation", "integration"]),
    )
    def book_session(self, who: int, leader: int, days: int, quarter: int, kind: str) -> None:
        wish = {
            "location_id": self.clinic.location_id,
            "led_by": self.leaders[leader % 2],
            "visit_type": kind,
            "starts_at": self.at(days, quarter),
        }
        self.ask(f"/patients/{self.patients[who % 3]}/sessions", wish)

    @rule(place=PLACES, days=DAYS, quarter=QUARTERS, near=st.booleans())
    def move(self, place: int, days: int, quarter: int, near: bool) -> None:  # noqa: FBT001  # drawn
        """Anywhere, or by some quarters of an hour, which is possible more often."""
        rows = self.rows()
        if rows:
            row = rows[place % len(rows)]
            later = (row.starts_at + quarter * timedelta(minutes=15)).isoformat()
            body = {"starts_at": later if near else self.at(days, quarter)}
            self.ask(f"/appointments/{row.appointment_id}/move", body)

    @rule(place=PLACES)
    def cancel(self, place: int) -> None:
        rows = self.rows()
        if rows:
            row = rows[place % len(rows)]
            self.ask(f"/appointments/{row.appointment_id}/cancel", {"reason": "patient_asked"})

    @rule(nurses=st.integers(0, 3), days=st.integers(0, 12))
    def record_roster(self, nurses: int, days: int) -> None:
        first = date.fromisoformat(self.at(days, 0)[:10])
        shifts = [
            {"weekday": n, "from": "07:00", "until": "20:00", "nurses": nurses}
            for n in range(1, 8)
            if nurses
        ]
        wish = {
            "effective_from": first.isoformat(),
            "chairs_per_nurse": 1,
            "shifts": shifts,
            "source": "made up",
        }
        answer = self.ask(f"/locations/{self.clinic.location_id}/rosters", wish)
        if answer is not None:
            self.unwatched |= {each["appointment_id"] for each in answer["touches"]}

    @rule(days=st.integers(0, 9))
    def close(self, days: int) -> None:
        day = self.at(days, 0)[:10]
        wish = {"first_on": day, "last_on": day, "reason": "Made up"}
        answer = self.ask(f"/locations/{self.clinic.location_id}/closures", wish)
        if answer is not None:
            self.touched |= {each["appointment_id"] for each in answer["touches"]}

    @rule(chair=PLACES, out=st.booleans())
    def take_a_chair_out_or_back(self, chair: int, out: bool) -> None:  # noqa: FBT001  # drawn
        path = f"/chairs/{self.chairs[chair % 3]}"
        if out:
            self.ask(f"{path}/out-of-service", {"reason": "Made up."})
        else:
            self.ask(f"{path}/in-service", {})

    @rule(days=st.integers(0, 6), from_=st.integers(8, 12), hours=st.integers(2, 9))
    def record_hours(self, days: int, from_: int, hours: int) -> None:
        week = [
            {"weekday": n, "from": f"{from_:02}:00", "until": f"{from_ + hours:02}:00"}
            for n in range(1, 8)
        ]
        wish = {
            "visit_type": "ketamine_mood",
            "effective_from": self.at(days, 0)[:10],
            "windows": week,
            "source": "made up",
        }
        self.ask(f"/locations/{self.clinic.location_id}/opening-hours", wish)

    def displaced(self) -> set[str]:
        """What the place says of itself that it cannot give."""
        found = self.run(
            self.clinic.get("/displaced-visits", location_id=self.clinic.location_id, limit=100)
        )
        return {each["appointment_id"] for each in found["items"]}

    @rule(place=PLACES)
    def replan(self, place: int) -> None:
        """Whatever was displaced of a series, nothing that a re-plan touches is so after it."""
        series = sorted({str(row.series_id) for row in self.rows() if row.series_id is not None})
        if not series:
            return
        proposed = self.ask(f"/series/{series[place % len(series)]}/replans", {})
        if proposed is None:
            return
        lines = {each["appointment_id"]: each["fate"] for each in proposed["visits"]}
        had = self.displaced() & lines.keys()
        assert all(lines[each] == "moves" for each in had), "what is displaced is said to stay"
        if self.ask(f"/replans/{proposed['replan_id']}/approve", {}) is None:
            raise AssertionError("what was proposed a moment ago is refused")
        self.unwatched -= lines.keys()
        assert not self.displaced() & lines.keys(), "a re-plan leaves what cannot be given"
        self.world.done["displaced, moved"] += len(had)

    @rule(place=PLACES, how=st.sampled_from(["chair", "hours", "roster"]), hour=st.integers(9, 13))
    def displace_and_replan(self, place: int, how: str, hour: int) -> None:
        if how == "chair":
            self.take_a_chair_out_or_back(place, out=True)
        elif how == "hours":
            self.record_hours(0, hour, 4)
        else:
            self.record_roster(1, 0)
        self.replan(place)

    @rule()
    def correct_the_zone(self) -> None:
        """Nobody's hour on the wall becomes another one without a word."""
        open_ = {"booked", "confirmed", "checked_in", "cleared", "running"}
        if any(row.state in open_ for row in self.rows()):
            path = f"/locations/{self.clinic.location_id}"
            west = {"zone": "America/Los_Angeles"}
            answer = self.run(self.clinic.send(path, west, method="PATCH"))
            assert answer.status_code == 409, answer.text
            self.world.done["zone"] += 1

    @rule(place=PLACES, days=DAYS, quarter=QUARTERS, chair=PLACES)
    def bring_a_series(self, place: int, days: int, quarter: int, chair: int) -> None:
        """A patient of another system comes with a series, agreed without a look at this clinic."""
        self.brought += 1
        n = self.brought
        to_come = [each for each in self.rows() if each.starts_at > self.clinic.clock.now()]
        first = datetime.fromisoformat(self.at(days, quarter))
        if to_come:
            first = to_come[place % len(to_come)].starts_at + timedelta(minutes=15)
        starts = [first + 3 * k * DAY for k in range(6)]
        name = f"Chair {chair % 3 + 1}"
        of = {"patient_source_id": f"p{n}", "series_source_id": f"s{n}", "chair": name}
        visits = [visit(self.clinic, 10 * n + k, at, **of) for k, at in enumerate(starts)]
        card = person(n, first_name=f"Testa{n}", phone=f"+1202555{n:04}")
        self.run(bring(self.clinic, "patients", sheet([card])))
        found = self.run(look(self.clinic, "appointments", sheet(visits)))
        if not found["wrong"]:
            self.ask(f"/imports/{found['import_id']}/apply", {})
            self.run(finish(self.clinic))
            self.world.done["import"] += 1

    @rule(given=st.sampled_from([GIVEN, GIVEN, "check-in", "check-in undo-check-in"]))
    def live_the_next(self, given: str) -> None:
        """Time passes to the next visit that is booked, and it takes place, or almost."""
        booked = [row for row in self.rows() if row.state in {"booked", "confirmed"}]
        if not booked:
            return
        row = booked[0]
        if row.starts_at > self.clinic.clock.now():
            self.clinic.clock.step_to(row.starts_at)
        bodies: dict[str, Any] = {
            "ride": {"mode": "rideshare"},
            "check-in": {"fasted": True},
            "start": {"clinician_id": self.clinic.clinician_id},
            "dose-plan": self.clinic.dose(),
            "dose": GIVEN_DOSE,
            "vitals": VITALS,
            "ride-seen": DRIVER,
            "discharge": {"oriented": True},
        }
        for step in given.split():
            self.ask(f"/appointments/{row.appointment_id}/{step}", bodies.get(step, {}))
            if step == "start":
                self.clinic.clock.step(timedelta(minutes=20))

    # What must hold.

    @invariant()
    def nothing_is_in_two_visits_and_what_needs_a_room_has_one(self) -> None:
        if not hasattr(self, "clinic"):
            return
        assert self.run(self.clinic.rows(OVERLAPS)) == [(0,)]
        for row in self.rows():
            assert (row.room_id is not None) == (row.visit_type in IN_A_ROOM)

    @invariant()
    def every_chair_is_watched_but_those_that_a_roster_named(self) -> None:
        if not hasattr(self, "clinic"):
            return
        policy = self.run(self._policy())
        kept = [
            row
            for row in self.rows()
            if row.chair_id and row.state not in FREED and row.appointment_id not in self.unwatched
        ]
        for row in kept:
            beside = [(each.starts_at, each.ends_at) for each in kept if each is not row]
            span = (row.starts_at, row.ends_at)
            assert not broken_by_nurses(policy, *span, beside, ALEXANDRIA, ""), row

    async def _policy(self) -> Any:
        unit = unit_on(self.world.engine, FixedClock(self.clinic.clock.now()))
        async with unit.transaction() as tx:
            return await store.policy_of(tx, self.clinic.location_id, "ketamine_mood")  # type: ignore[arg-type]  # a UUID's text

    @invariant()
    def nothing_begins_in_a_driving_ban_that_must_not(self) -> None:
        if not hasattr(self, "clinic"):
            return
        rows = [row for row in self.rows() if row.state not in FREED]
        for one, other in combinations(rows, 2):
            if one.patient_id == other.patient_id and other.visit_type not in ALLOWED_IN_BAN:
                ban = BANS.get(one.visit_type)
                if ban is None:
                    continue
                if not (one.started_at or other.started_at):
                    assert not one.ends_at <= other.starts_at < one.ends_at + ban, (one, other)
                if one.stopped_at and other.started_at:
                    assert not one.stopped_at <= other.started_at < one.stopped_at + ban

    @invariant()
    def no_ketamine_is_nearer_than_somebody_signed_for(self) -> None:
        if not hasattr(self, "clinic"):
            return
        rows = [row for row in self.rows() if row.state not in FREED and row.visit_type in KETAMINE]
        for one, other in combinations(rows, 2):
            if one.patient_id == other.patient_id and not (one.signed or other.signed):
                days = [each.starts_at.astimezone(ALEXANDRIA).date() for each in (one, other)]
                assert abs((days[1] - days[0]).days) >= 2, (one, other)

    @invariant()
    def nothing_is_booked_on_a_closed_day_that_was_not_named(self) -> None:
        if not hasattr(self, "clinic"):
            return
        policy = self.run(self._policy())
        for row in self.rows():
            day = row.starts_at.astimezone(ALEXANDRIA).date()
            if policy.closure_on(day) and row.state == "booked" and row.series_id is None:
                assert row.appointment_id in self.touched, row


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_what_must_hold_holds_at_any_place(postgres: Postgres) -> None:
    world = World(postgres, "scheduling", Base.metadata)
    try:
        run_any(AnyPlace, world, courses=14, steps=30, until=TRIED)
        assert world.done.keys() >= TRIED, world.done
    finally:
        world.close()
