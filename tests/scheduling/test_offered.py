"""What is offered is what may be booked: plans, re-plans, free times and chairs on offer.

A clinic is made up with hours, nurses, rooms, closures, chairs out of service, figures that change
in the middle of the time that is looked at, and a patient with visits of other kinds. Whatever it
offers is asked for at once, while nothing else happens, and none of it may be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text

from deploy.local.postgres import Postgres
from services.scheduling.tables import Base
from shared.clock import FixedClock
from tests.scheduling.conftest import LOCATION, Clinic, app_on
from tests.scheduling.test_self_booking import offered
from tests.support.machines import World
from tests.support.seeds import fresh_seed

ZONE = ZoneInfo(LOCATION["zone"])
MORNINGS = [
    datetime(2026, 10, 5, 14, tzinfo=UTC),
    datetime(2026, 10, 27, 14, tzinfo=UTC),  # clocks go back in the night after the 31st
    datetime(2027, 3, 9, 14, tzinfo=UTC),  # clocks go forward in the night after the 13th
]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DAY_MIN = 24 * 60
MADE_UP = "made up"
TYPES = ("ketamine_mood", "ketamine_pain", "ketamine_maintenance", "lidocaine")
IN_SERIES = ("ketamine_mood", "ketamine_pain")
CLINICS, NEW = 25, 5


@dataclass(slots=True)
class Made:
    """A clinic on a day of its own, the dice that made it, and its patient."""

    clinic: Clinic
    dice: Random
    today: date
    patient_id: str
    visit_type: str

    def day(self, latest: int = 20) -> date:
        return self.today + self.dice.randint(0, latest) * DAY

    def at(self, day: date, from_hour: int = 9, until_hour: int = 17) -> str:
        """A quarter of an hour of a day, by the clinic's clock."""
        minute = self.dice.randrange(from_hour * 60, until_hour * 60, 15)
        shown = datetime(day.year, day.month, day.day, tzinfo=ZONE) + minute * MINUTE
        return shown.isoformat()

    async def figures(self, visit_type: str, day: date, **values: Any) -> None:
        wish = {name: {"value": value, "source": MADE_UP} for name, value in values.items()}
        wish |= {"effective_from": day.isoformat(), "clinician_id": self.clinic.clinician_id}  # type: ignore[dict-item]  # the plain fields
        await self.clinic.send(f"/visit-types/{visit_type}/figures", wish)


async def made(world: World, dice: Random) -> Made:
    """Whatever a clinic may have on record; what it refuses to record it does not have."""
    async with world.engine.begin() as connection:
        for table in ("visit_types", "protocols"):
            query = f"DELETE FROM {table} WHERE effective_from > '2025-01-01'"
            await connection.execute(text(query))
    now = dice.choice(MORNINGS)
    clock = FixedClock(now)
    transport = httpx.ASGITransport(app_on(world.engine, clock), raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://test")
    clinic = Clinic(client, clock, world.engine)
    await clinic.open()
    found = Made(
        clinic,
        dice,
        now.astimezone(ZONE).date(),
        await clinic.patient(birth_date=_born(dice, now.astimezone(ZONE).date())),
        dice.choice(IN_SERIES),
    )
    await _make_place(found)
    await _make_figures(found)
    await _make_visits(found)
    return found


def _born(dice: Random, today: date) -> str:
    """Of age long since, or on one of the next days."""
    if dice.random() < 0.8:
        return "1980-02-29"
    of_age = today + dice.randint(1, 25) * DAY
    return of_age.replace(year=of_age.year - 18).isoformat()


async def _make_place(made: Made) -> None:
    clinic, dice = made.clinic, made.dice
    for _ in range(dice.randint(0, 2)):
        await clinic.chair()
    opens, lasts = dice.randint(7, 12), dice.randint(5, 11)
    for visit_type in TYPES:
        await clinic.opens(
            f"{opens:02}:00",
            f"{opens + lasts:02}:00",
            visit_type=visit_type,
            effective_from=made.today.isoformat(),
        )
    if dice.random() < 0.5:
        await clinic.post(f"/locations/{clinic.location_id}/rooms", {"name": "Quiet room"})
    if dice.random() < 0.5:
        nurses = {"weekday": 1, "from": "00:00", "until": "24:00", "nurses": dice.randint(1, 2)}
        wish = {
            "effective_from": made.today.isoformat(),
            "chairs_per_nurse": 1,
            "shifts": [nurses | {"weekday": n} for n in range(1, 8)],
            "source": MADE_UP,
        }
        await clinic.post(f"/locations/{clinic.location_id}/rosters", wish)
    if dice.random() < 0.3:
        first = made.day()
        closure = {
            "first_on": first.isoformat(),
            "last_on": (first + dice.randint(0, 2) * DAY).isoformat(),
            "reason": MADE_UP,
        }
        await clinic.post(f"/locations/{clinic.location_id}/closures", closure)


async def _make_figures(made: Made) -> None:
    """A ban of hours, or of days; longer or shorter from a day on, as visits themselves may be."""
    dice = made.dice
    await made.figures("preparation", made.today, booked_min=60)
    await made.figures("integration", made.today, booked_min=60)
    await made.figures("lidocaine", made.today, booked_min=60)
    if dice.random() < 0.4:
        cap = {"value": dice.randint(2, 3), "source": MADE_UP}
        wish = {"effective_from": made.today.isoformat(), "weekly_cap": cap}
        wish |= {"clinician_id": made.clinic.clinician_id}
        await made.clinic.send(f"/visit-types/{made.visit_type}/protocol", wish)
    bans = [6 * 60, 6 * 60, 20 * 60, DAY_MIN, 3 * DAY_MIN]
    for visit_type in {made.visit_type, "ketamine_maintenance"}:
        await made.figures(
            visit_type,
            made.today,
            no_drive_min=dice.choice(bans),
            recovery_min=dice.choice([0, 0, 30]),
            room_needed=dice.random() < 0.2,
        )
        if dice.random() < 0.5:
            await made.figures(
                visit_type,
                made.today + dice.randint(2, 15) * DAY,
                no_drive_min=dice.choice(bans),
                booked_min=dice.choice([50, 60, 240]),
                begins_in_ban=dice.random() < 0.3,
            )


async def _make_visits(made: Made) -> None:
    """What the patient has already, and others; much of it is refused."""
    clinic, dice = made.clinic, made.dice
    for _ in range(dice.randint(0, 3)):
        session = {
            "location_id": clinic.location_id,
            "led_by": clinic.clinician_id,
            "visit_type": dice.choice(["preparation", "integration"]),
            "starts_at": made.at(made.day()),
        }
        await clinic.send(f"/patients/{made.patient_id}/sessions", session)
    other = await clinic.patient()
    chairs = await _chairs(made)
    for n in range(dice.randint(0, 8)):
        await treat(made, made.patient_id if n == 0 else other, made.at(made.day()))
    if len(chairs) > 1 and dice.random() < 0.4:
        out = f"/chairs/{dice.choice(chairs)}/out-of-service"
        await clinic.send(out, {"reason": MADE_UP})


async def _chairs(made: Made) -> list[str]:
    rows = await made.clinic.rows(
        "SELECT chair_id::text FROM chairs WHERE location_id = :id ORDER BY name",
        id=made.clinic.location_id,
    )
    return [row.chair_id for row in rows]


async def treat(
    made: Made, patient_id: str, at: str, chair_id: str | None = None, visit_type: str | None = None
) -> httpx.Response:
    clinic, dice = made.clinic, made.dice
    wish = {
        "location_id": clinic.location_id,
        "chair_id": chair_id or dice.choice(await _chairs(made)),
        "visit_type": visit_type or dice.choice(["ketamine_maintenance", "lidocaine"]),
        "starts_at": at,
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
    }
    return await clinic.send(f"/patients/{patient_id}/treatments", wish)


async def offered_plans(made: Made) -> list[dict[str, Any]]:
    first = made.day(6)
    wish: dict[str, Any] = {
        "patient_id": made.patient_id,
        "location_id": made.clinic.location_id,
        "visit_type": made.visit_type,
        "preferences": {
            "earliest": first.isoformat(),
            "latest": (first + made.dice.randint(3, 28) * DAY).isoformat(),
        },
    }
    answer = await made.clinic.post("/plans", wish)
    return [*answer["plans"], *answer["nearest"]]


async def everything_offered_is_taken(world: World, dice: Random) -> None:
    there = await made(world, dice)
    clinic = there.clinic
    try:
        plans = await offered_plans(there)
        world.done["plans"] += len(plans)
        wish = clinic.wish(there.patient_id, [], visit_type=there.visit_type)
        hold = {k: wish[k] for k in ("patient_id", "location_id", "visit_type")}
        for plan in plans:
            held = await clinic.post("/holds", hold | {"appointments": plan["appointments"]})
            await clinic.post(f"/holds/{held['hold_id']}/release", {})
        await free_times_are_free(world, there)
        if plans:
            wish["appointments"] = plans[0]["appointments"]
            series = await clinic.post("/series", wish)
            for _ in range(3):
                series = await replanned(world, there, series)
            await free_times_are_free(world, there)
            await offers_are_taken(world, there, series)
        await session_times_are_free(world, there)
    finally:
        await clinic.client.aclose()


async def free_times_are_free(world: World, there: Made) -> None:
    """What is shown as free for a treatment of this patient is booked, and given back."""
    clinic, dice = there.clinic, there.dice
    visit_type, day = dice.choice(["ketamine_maintenance", "lidocaine"]), there.day()
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    found = await clinic.get(
        "/fhir/Appointment/$find",
        start=start.isoformat(),
        end=(start + 3 * DAY).isoformat(),
        **{
            "visit-type": visit_type,
            "location-reference": f"Location/{clinic.location_id}",
            "patient-reference": f"Patient/{there.patient_id}",
        },
    )
    free = [
        each["resource"]
        for each in found.get("entry", ())
        if each["resource"]["resourceType"] == "Appointment"
    ]
    for proposed in dice.sample(free, min(2, len(free))):
        [chair] = (
            actor["actor"]["reference"].removeprefix("Location/")
            for actor in proposed["participant"]
            if actor["actor"].get("reference", "").startswith("Location/")
        )
        answer = await treat(there, there.patient_id, proposed["start"], chair, visit_type)
        assert answer.status_code == 201, answer.text
        world.done["free"] += 1
        cancel = f"/appointments/{answer.json()['appointment_id']}/cancel"
        await clinic.post(cancel, {"reason": "clinic_asked"})


async def offers_are_taken(world: World, there: Made, series: dict[str, Any]) -> None:
    """The patient waits for a chair, for one of the series or a treatment; some become free."""
    clinic, dice = there.clinic, there.dice
    now = clinic.clock.now()
    wish = {
        "patient_id": there.patient_id,
        "location_id": clinic.location_id,
        "visit_type": there.visit_type,
        "windows": [{"from": now.isoformat(), "until": (now + 40 * DAY).isoformat()}],
    }
    ordered = {"ordered_by": clinic.clinician_id, "diagnoses": ["F33.1"]}
    booked = [each for each in series["appointments"] if each["state"] == "booked"]
    for each in dice.sample(booked, min(2, len(booked))):
        await clinic.send("/waitlist", wish | {"appointment_id": each["appointment_id"]})
    for visit_type in ("ketamine_maintenance", "lidocaine"):
        await clinic.send("/waitlist", wish | ordered | {"visit_type": visit_type})
    others = await clinic.rows(
        "SELECT appointment_id::text FROM appointments WHERE location_id = :id"
        " AND patient_id <> :mine AND state = 'booked' ORDER BY starts_at",
        id=clinic.location_id,
        mine=there.patient_id,
    )
    for other in dice.sample(others, min(3, len(others))):
        path = f"/appointments/{other.appointment_id}/cancel"
        await clinic.post(path, {"reason": "patient_asked"})
        await clinic.let_fall_due()
        found = (await clinic.get("/offers", location_id=clinic.location_id))["items"]
        there_are = [each["offer_id"] for each in found if each["state"] == "open"]
        for offer_id in there_are[:1]:
            answer = await clinic.send(f"/offers/{offer_id}/accept", {})
            assert answer.status_code == 200, f"{found} were offered, and then {answer.text}"
            world.done["offers"] += 1
        for offer_id in there_are[1:]:  # what was offered before may meet what was taken since
            await clinic.send(f"/offers/{offer_id}/decline", {})
        await clinic.let_fall_due()


async def session_times_are_free(world: World, there: Made) -> None:
    """What a patient's own page shows the desk books as well."""
    clinic, dice = there.clinic, there.dice
    visit_type = dice.choice(["preparation", "integration"])
    await clinic.opens(visit_type=visit_type, effective_from=there.today.isoformat())
    link = await clinic.post(
        f"/patients/{there.patient_id}/booking-links",
        {
            "location_id": clinic.location_id,
            "clinician_id": clinic.clinician_id,
            "visit_type": visit_type,
        },
    )
    shown = offered(await clinic.client.get(link["path"]))
    for starts_at in dice.sample(shown, min(2, len(shown))):
        session = {
            "location_id": clinic.location_id,
            "led_by": clinic.clinician_id,
            "visit_type": visit_type,
            "starts_at": starts_at.isoformat(),
        }
        booked = await clinic.post(f"/patients/{there.patient_id}/sessions", session)
        world.done["sessions"] += 1
        cancel = f"/appointments/{booked['appointment_id']}/cancel"
        await clinic.post(cancel, {"reason": "clinic_asked"})


async def replanned(world: World, there: Made, series: dict[str, Any]) -> dict[str, Any]:
    """A change of one infusion is proposed, and what is proposed is approved."""
    clinic, dice = there.clinic, there.dice
    booked = [each for each in series["appointments"] if each["state"] == "booked"]
    if not booked:
        return series
    chosen = dice.choice(booked)
    change: dict[str, Any] = {"appointment_id": chosen["appointment_id"]}
    if dice.random() < 0.3:
        change |= {"kind": "cancel", "reason": "clinic_asked"}
    else:
        old = datetime.fromisoformat(chosen["starts_at"]).astimezone(ZONE)
        change |= {"kind": "move", "starts_at": there.at(old.date() + dice.randint(0, 2) * DAY)}
    answer = await clinic.send(f"/series/{series['series_id']}/replans", {"change": change})
    assert answer.status_code in {201, 409}, answer.text
    if answer.status_code == 409:
        return series
    world.done["replans"] += 1
    approved = await clinic.send(f"/replans/{answer.json()['replan_id']}/approve", {})
    assert approved.is_success, f"{answer.text} was proposed, and then {approved.text}"
    return dict(approved.json())


def test_whatever_is_offered_is_taken(postgres: Postgres) -> None:
    world = World(postgres, "scheduling", Base.metadata)
    again = fresh_seed()
    try:
        for seed in [*range(200, 200 + CLINICS), *range(again, again + NEW)]:
            try:
                world.runner.run(everything_offered_is_taken(world, Random(seed)))  # noqa: S311  # a fixed disorder
            except Exception as error:
                error.add_note(f"the clinic made up by Random({seed})")
                raise
        done = world.done
        assert min(done[what] for what in ("plans", "replans", "free", "sessions")) > CLINICS, done
        assert done["offers"] > CLINICS // 4, done
    finally:
        world.close()


async def test_who_holds_a_plan_is_offered_others_that_take_its_place(clinic: Clinic) -> None:
    """The chairs that are held are free for their own patient: the desk compares, then chooses."""
    await clinic.opens()
    patient = await clinic.patient()
    asked = {"patient_id": patient, "location_id": clinic.location_id}
    asked["visit_type"] = "ketamine_mood"
    plan = (await clinic.plans(patient))["plans"][0]
    held = await clinic.post("/holds", asked | {"appointments": plan["appointments"]})
    others = await clinic.plans(patient)
    assert others["instead_of"] == held["hold_id"]
    assert others["plans"][0]["appointments"] == plan["appointments"], "the best one still"
    for other in others["plans"]:
        wish = asked | {"appointments": other["appointments"]}
        assert ("hold_open", "patient_id") in await clinic.refused("/holds", wish)
        again = await clinic.post("/holds", wish | {"instead_of": held["hold_id"]})
        assert (await clinic.get(f"/holds/{held['hold_id']}"))["state"] == "released"
        held = again
    last = clinic.wish(patient, []) | {"appointments": plan["appointments"]}
    booked = await clinic.post("/series", last | {"instead_of": held["hold_id"]})
    assert [each["starts_at"] for each in booked["appointments"]] == [
        each["starts_at"] for each in plan["appointments"]
    ]
    assert (await clinic.get(f"/holds/{held['hold_id']}"))["state"] == "released"
    assert (
        await clinic.rows(
            "SELECT 1 FROM appointments WHERE patient_id = :id AND state = 'held'", id=patient
        )
        == []
    )


async def test_what_stands_in_a_chair_out_of_service_is_watched_when_plans_are_made(
    clinic: Clinic,
) -> None:
    await clinic.opens("09:00", "10:00")
    await clinic.has_nurses(1, 1)
    broken = await clinic.chair()
    nine = datetime(2026, 10, 7, 13, tzinfo=UTC)
    await clinic.series([nine + n * 3 * DAY for n in range(6)], chair_id=broken)
    await clinic.post(f"/chairs/{broken}/out-of-service", {"reason": MADE_UP})
    patient = await clinic.patient()
    plan = (await clinic.plans(patient))["plans"][0]
    assert broken not in {visit["chair_id"] for visit in plan["appointments"]}
    wish = clinic.wish(patient, [], appointments=plan["appointments"])
    booked = await clinic.post("/series", wish)
    assert len(booked["appointments"]) == len(plan["appointments"])


async def test_no_plan_ends_later_than_visits_are_booked_ahead(clinic: Clinic) -> None:
    await clinic.opens()
    patient = await clinic.patient()
    last = clinic.clock.now().astimezone(ZONE).date() + 365 * DAY
    wishes = {"earliest": (last - 6 * DAY).isoformat(), "latest": last.isoformat()}
    answer = await clinic.plans(patient, preferences=wishes)
    assert (answer["plans"], answer["nearest"]) == ([], [])


async def test_who_is_too_young_is_told_when_a_plan_is_made_and_not_when_it_is_booked(
    clinic: Clinic,
) -> None:
    await clinic.opens()
    young = await clinic.patient(birth_date="2012-01-01")
    answer = await clinic.plans(young)
    assert (answer["plans"], answer["nearest"]) == ([], [])
    assert {each["rule"] for each in answer["blocked"]} == {"too_young"}
    wish = {
        "patient_id": young,
        "location_id": clinic.location_id,
        "visit_type": "ketamine_maintenance",
        "ordered_by": clinic.clinician_id,
        "diagnoses": ["F33.1"],
        "windows": [{"from": "2026-10-07T13:00:00Z", "until": "2026-10-09T13:00:00Z"}],
    }
    assert await clinic.refused("/waitlist", wish) == [("too_young", "patient_id")]
