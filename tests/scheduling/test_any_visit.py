"""One visit's day in any order: the drip starts and the patient leaves exactly when they may.

A model of the gates, written here by hand from the clinic's rules, is the other witness: after each
request it says whether the clinic had to agree, and the rows say what the clinic did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

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
from tests.scheduling.conftest import DRIVER, VITALS, Clinic, app_on
from tests.scheduling.walk_outs import walk_out
from tests.support.machines import World, run_any

T = TypeVar("T")

MORNING = datetime(2026, 10, 5, 14, tzinfo=UTC)
FRESH = timedelta(minutes=30)
SYSTOLIC = {124: "inside", 150: "soft", 190: "hard"}
ENDS = ["complete", "abort"]
AGAIN = ["consent", "signature", "hard", "stale"]
SLIPS = [
    *["none"] * 4,
    *[
        "unplanned",
        "signed",
        "clearance",
        "ride",
        "fasting",
        "vitals",
        "dose",
        "witness",
        "oriented",
        *AGAIN,
    ],
]
COMING = {"booked", "confirmed"}
HERE, AFTER = {"checked_in", "cleared"}, {"completed", "recovering", "aborted"}


@dataclass
class Seen:
    """The newest reading of a phase."""

    at: datetime
    kind: str
    signed: bool = False

    def opens(self, now: datetime) -> bool:
        inside = self.kind == "inside" or (self.kind == "soft" and self.signed)
        return inside and now - self.at <= FRESH


class AnyVisit(RuleBasedStateMachine):
    world: World

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.world.runner.run(work)

    @initialize(
        held=st.booleans(),
        consents=st.booleans(),
        dose_planned=st.sampled_from([True, True, False]),
        first=st.sampled_from(["clearance", "vitals", "ride"]),
        slips=st.permutations(["fasting", "oriented", *AGAIN]),
        end=st.sampled_from(ENDS),
        lived=st.sampled_from([4, 4, 4, 4, 3, 2, 0]),
        leaves=st.sampled_from(["never"] * 4 + ["cleared", "running", "after"]),
    )
    def open(
        self,
        held: bool,  # noqa: FBT001  # drawn
        consents: bool,  # noqa: FBT001  # drawn
        dose_planned: bool,  # noqa: FBT001  # drawn
        first: str,
        slips: list[str],
        end: str,
        lived: int,
        leaves: str,
    ) -> None:
        """A visit that is lived so far, each part with every slip before it is done right.

        Some patients walk out as a part begins.
        """
        self.state = "booked"
        self.held, self.consent = held, consents
        self.ride = self.ride_seen = self.gone = self.walked = False
        self.fasted: bool | None = None
        self.cleared = False
        self.before: Seen | None = None
        self.after: Seen | None = None
        self.dose = "none"
        self.consent_id = ""
        self.run(self._open())
        if dose_planned:
            self.plan_dose(35, looked=True)
        parts = [
            (COMING | {"checked_in"}, [first, *(slip for slip in slips if slip != "oriented")]),
            ({"cleared"}, [slip for slip in slips if slip in AGAIN]),
            ({"running"}, []),
            (
                AFTER,
                ["dose", "witness", "ride", *(s for s in slips if s not in {"fasting", "consent"})],
            ),
        ]
        begins = ["arriving", "cleared", "running", "after"]
        for (states, wrong), part in list(zip(parts, begins, strict=True))[:lived]:
            if part == leaves and self.state in states:
                self.leave()
            for slip in [*wrong, "signed" if end == "abort" else "none"]:
                if self.state in states and not self.gone:
                    self.do_what_comes_next(slip, end)

    async def _open(self) -> None:
        clock = FixedClock(MORNING)
        transport = httpx.ASGITransport(
            app_on(self.world.engine, clock), raise_app_exceptions=False
        )
        client = httpx.AsyncClient(transport=transport, base_url="http://test")
        self.clinic = Clinic(client, clock, self.world.engine)
        await self.clinic.open()
        concerns = ["heart_disease"] if self.held else []
        self.patient_id = await self.clinic.patient(consents=False, concerns=concerns)
        if self.consent:
            self.consent_id = (await self.clinic.consent(self.patient_id))["consent_id"]
        series = await self.clinic.series(patient_id=self.patient_id)
        self.visit = series["appointments"][0]
        self.clinic.be_there(self.visit)

    def teardown(self) -> None:
        if hasattr(self, "clinic"):
            self.run(self.clinic.client.aclose())

    @property
    def now(self) -> datetime:
        return self.clinic.clock.now()

    def ask(self, step: str, body: object, *, right: bool) -> bool:
        """Ask for a step. The clinic agrees if and only if the model does."""
        answer = self.run(
            self.clinic.send(f"/appointments/{self.visit['appointment_id']}/{step}", body)
        )
        assert answer.status_code == (201 if right else 409), (step, answer.text)
        if right:
            self.world.done[step] += 1
        else:
            assert answer.json()["violations"]
        return right

    # What is done before the drip.

    @rule()
    def consent_or_withdraw(self) -> None:
        if self.consent:
            self.run(self.clinic.post(f"/consents/{self.consent_id}/withdraw", {}))
        else:
            self.consent_id = self.run(self.clinic.consent(self.patient_id))["consent_id"]
        self.consent = not self.consent

    @rule()
    def clearance(self) -> None:
        if self.held:
            self.run(self.clinic.clear_patient(self.patient_id))
            self.held = False

    @rule()
    def record_ride(self) -> None:
        right = self.state in COMING | {"running"} | HERE | AFTER and not self.gone
        if self.ask("ride", {"mode": "rideshare"}, right=right):
            self.ride, self.ride_seen = True, False
            self.state = "confirmed" if self.state == "booked" else self.state

    @rule(fasted=st.booleans(), looked=st.booleans())
    def check_in(self, *, fasted: bool, looked: bool) -> None:
        """Whoever looked at the answer before says which one it was."""
        wish = {"fasted": fasted} | ({"instead_of": self.fasted} if looked else {})
        right = self.state in COMING | HERE and (looked or self.fasted in {None, fasted})
        if self.ask("check-in", wish, right=right):
            self.state, self.fasted = "checked_in", fasted

    @rule(systolic=st.sampled_from([124, 124, 124, 150, 190]))
    def take_vitals(self, systolic: int) -> None:
        right = self.state in HERE | AFTER | {"running"} and not self.gone
        if not self.ask("vitals", VITALS | {"systolic_mmhg": systolic}, right=right):
            return
        seen = Seen(self.now, SYSTOLIC[systolic])
        if self.state in HERE:
            self.before = seen
        elif self.state in AFTER:
            self.after = seen
        self.state = "recovering" if self.state == "completed" else self.state

    @rule(read=st.booleans())
    def override(self, read: bool) -> None:  # noqa: FBT001  # drawn
        if read:
            self.take_vitals(150)
        seen = self.before if self.state in HERE else self.after
        right = (
            self.state in HERE | AFTER
            and not self.gone
            and seen is not None
            and seen.kind == "soft"
            and not seen.signed
        )
        sign = {"clinician_id": self.clinic.clinician_id, "reason": "Made up."}
        if self.ask("overrides", sign, right=right):
            assert seen is not None
            seen.signed = True

    @property
    def gates_open(self) -> bool:
        return (
            self.consent
            and not self.held
            and self.ride
            and self.fasted is True
            and self.before is not None
            and self.before.opens(self.now)
            and self.dose == "planned"
        )

    @rule()
    def clear(self) -> None:
        if self.ask("clear", {}, right=self.state == "checked_in" and self.gates_open):
            self.state = "cleared"
            self.cleared = True

    @rule()
    def start(self) -> None:
        wish = {"clinician_id": self.clinic.clinician_id}
        if self.ask("start", wish, right=self.state == "cleared" and self.gates_open):
            self.state = "running"

    @rule(milligrams=st.sampled_from([35, 40, 80]), looked=st.booleans())
    def plan_dose(self, milligrams: int, *, looked: bool) -> None:
        """Whoever looked at the plan before says which one it was."""
        wish = self.clinic.dose(dose_ug=milligrams * 1000)
        if looked and self.dose != "none":
            wish["instead_of"] = self.run(self._plan_seen())
        right = self.state in COMING | HERE and milligrams <= 35  # half a mg/kg: a first dose
        if self.ask("dose-plan", wish, right=right and (looked or self.dose == "none")):
            self.dose = "planned"
            self.state = "checked_in" if self.state == "cleared" else self.state

    async def _plan_seen(self) -> str:
        chart = await self.clinic.get(f"/appointments/{self.visit['appointment_id']}/chart")
        return str(chart["dose"]["plan_id"])

    # What is done while it runs, and after it.

    @rule(step=st.sampled_from(ENDS))
    def end(self, step: str) -> None:
        body = {} if step == "complete" else {"reason": "Made up."}
        if self.ask(step, body, right=self.state == "running"):
            self.state = "completed" if step == "complete" else "aborted"

    @rule(goes_on=st.booleans())
    def correct_end(self, goes_on: bool) -> None:  # noqa: FBT001  # drawn
        """A complete that was a mistake, or pressed before the drip had really ended."""
        right = (
            self.state in ({"completed", "recovering"} if goes_on else AFTER)
            and not self.gone
            and self.dose == "planned"
        )
        if right and not goes_on:
            self.clinic.clock.step(timedelta(seconds=1))
        wish = {
            "clinician_id": self.clinic.clinician_id,
            "ended_at": None if goes_on else self.now.isoformat(),
            "reason": "Made up.",
        }
        if self.ask("end-corrections", wish, right=right):
            self.state = "running" if goes_on else self.state
            self.after, self.ride_seen = None, False

    @property
    def dose_is_owed(self) -> bool:
        """Of a drip that is over, whether its patient stayed for it or walked out."""
        here = self.state in AFTER and not self.gone
        return (here or (self.gone and self.walked)) and self.dose == "planned"

    @rule(drawn=st.sampled_from([35, 50]))
    def record_dose(self, drawn: int) -> None:
        given = {"lot": "LOT-0001", "drawn_ug": drawn * 1000, "given_ug": 35_000}
        if self.ask("dose", given, right=self.dose_is_owed):
            self.dose = "recorded" if drawn == 35 else "unwitnessed"  # nothing left

    @rule()
    def sign_not_given(self) -> None:
        wish = {"clinician_id": self.clinic.clinician_id, "reason": "The pump never ran."}
        if self.ask("dose/not-given", wish, right=self.dose_is_owed):
            self.dose = "recorded"
            self.state = "aborted"  # whatever the nurse had said: nothing was given

    @rule()
    def witness(self) -> None:
        as_before = self.clinic.headers
        self.clinic.headers = self.clinic.as_staff(f"{self.clinic.subject}-2")
        if self.ask("dose/witness", {}, right=self.dose == "unwitnessed"):
            self.dose = "recorded"
        self.clinic.headers = as_before

    @rule()
    def see_ride(self) -> None:
        if self.ask("ride-seen", DRIVER, right=self.state in AFTER and not self.gone):
            self.ride_seen = True

    @rule(oriented=st.sampled_from([True, True, False]))
    def discharge(self, oriented: bool) -> None:  # noqa: FBT001  # drawn
        right = (
            self.state in {"recovering", "aborted"}
            and not self.gone
            and oriented
            and self.ride_seen
            and self.after is not None
            and self.after.opens(self.now)
            and self.dose == "recorded"
        )
        if self.ask("discharge", {"oriented": oriented}, right=right):
            self.gone = True
            self.state = "discharged" if self.state == "recovering" else self.state

    @rule(left_min_ago=st.sampled_from([0, 0, 0, 600]))
    def walk_out(self, left_min_ago: int) -> None:
        """Nobody keeps a patient; only that they left before they were last seen is not true."""
        stands = self.state in HERE | AFTER | {"running"} and not self.gone
        wish = walk_out(self.clinic, left_min_ago=left_min_ago)
        right = stands and (left_min_ago == 0 or self.is_unseen)
        if not self.ask("walk-out", wish, right=right):
            return
        self.walked = True
        self.gone = self.state not in HERE
        if self.state in {"completed", "recovering"}:
            self.state = "left"
        else:
            self.state = "sent_home" if self.state in HERE else "aborted"

    @property
    def is_unseen(self) -> bool:
        """Ten hours ago is the visit's own day, and nothing on the chart is later."""
        if self.state not in HERE or self.cleared or self.before is not None:
            return False
        day = MORNING + timedelta(days=2)
        return self.now - timedelta(hours=10) >= day.replace(hour=4)

    def leave(self) -> None:
        """What a nurse does of whom nobody let go."""
        self.walk_out(0)
        self.call("not_reached")
        self.call("reached")
        self.record_dose(35)

    @rule(outcome=st.sampled_from(["reached", "not_reached", "handed_on"]))
    def call(self, outcome: str) -> None:
        self.ask("welfare-calls", {"outcome": outcome, "found": "Made up."}, right=self.walked)

    @rule(minutes=st.sampled_from([1, 5, 10, 20, 31]))
    def pass_time(self, minutes: int) -> None:
        if self.now + timedelta(minutes=minutes) < MORNING + timedelta(days=2, hours=9):
            self.clinic.clock.step(timedelta(minutes=minutes))

    @rule(slip=st.sampled_from(SLIPS), end=st.sampled_from(ENDS))
    def do_what_comes_next(self, slip: str, end: str) -> None:
        """What a nurse does who knows the way, and forgets at most one thing."""
        if self.state in COMING | {"checked_in"}:
            self.prepare(slip)
            if slip != "ride":
                self.record_ride()
            if self.dose == "none" and slip != "unplanned":
                self.plan_dose(35, looked=True)
            self.check_in(fasted=slip != "fasting", looked=True)
            self._read(slip)
            self.clear()
        elif self.state == "cleared":
            self.prepare(slip)
            self._read(slip)
            self.start()
        elif self.state == "running":
            self.end(end)
        elif not self.gone:
            self._read(slip)
            if slip == "ride":
                self.record_ride()  # another one, which nobody has seen
            else:
                self.see_ride()
            if slip != "dose":
                self.record_dose(50)
            if slip not in {"dose", "witness"}:
                self.witness()
            self.discharge(oriented=slip != "oriented")

    def prepare(self, slip: str) -> None:
        if self.consent == (slip == "consent"):
            self.consent_or_withdraw()
        if slip not in {"clearance", "ride"}:
            self.clearance()

    def _read(self, slip: str) -> None:
        match slip:
            case "vitals":
                pass
            case "signature" | "hard":
                self.take_vitals(150 if slip == "signature" else 190)
            case "signed":
                self.override(read=True)
            case _:
                self.take_vitals(124)
        if slip == "stale":
            self.pass_time(31)

    # What must hold.

    @invariant()
    def the_row_is_where_the_model_is(self) -> None:
        if not hasattr(self, "visit"):
            return
        [row] = self.run(
            self.clinic.rows(
                "SELECT a.*, r.taken_at AS read_at, l.taken_at AS seen_at, p.planned_at"
                " FROM appointments AS a"
                " LEFT JOIN dose_plans AS p ON p.plan_id = a.dose_plan_id"
                " LEFT JOIN readings AS r ON r.reading_id = a.reading_id"
                " LEFT JOIN readings AS l ON l.reading_id = a.left_on_reading_id"
                " WHERE a.appointment_id = :id",
                id=self.visit["appointment_id"],
            )
        )
        assert row.state == self.state
        assert (row.no_drive_until is not None) == self.gone
        if row.infusion_id is not None:
            assert row.fasted
            assert row.consent_id
            assert timedelta(0) <= row.started_at - row.read_at <= FRESH
            assert row.cleared_at <= row.started_at
            assert row.planned_at <= row.cleared_at
        assert (row.left_at is not None) == self.walked
        if self.gone:
            assert row.no_drive_until - row.stopped_at == timedelta(hours=6)
        if self.gone and not self.walked:
            assert row.oriented
            assert row.ride_seen_at is not None
            assert row.seen_at >= row.stopped_at


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_the_drip_starts_and_the_patient_leaves_exactly_when_they_may(postgres: Postgres) -> None:
    world = World(postgres, "scheduling", Base.metadata)

    try:
        run_any(AnyVisit, world, courses=30, steps=8)
        asked = (
            "ride check-in vitals overrides clear start complete abort ride-seen discharge"
            " dose-plan dose dose/witness walk-out welfare-calls"
        )
        least = Counter(asked.split())
        assert least <= world.done, "a day on which nothing happens proves nothing"
    finally:
        world.close()
