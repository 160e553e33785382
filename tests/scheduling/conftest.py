"""A clinic on a real database: its API with every role, its clock, and what it said."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scheduling.booking_links import BookingLinks
from services.scheduling.events import on
from services.scheduling.handlers.visits.unsettled import raise_unsettled
from services.scheduling.import_keys import ImportKeys
from services.scheduling.routes import ROUTERS
from services.scheduling.store.reach import REACH
from services.scheduling.tables import Base
from services.scheduling.work import LookForUnsettled
from shared.auth import Role, Tokens, development_token
from shared.clock import FixedClock, RunClock
from shared.db import create_engine
from shared.http.app import build_app
from shared.messaging import UnitOfWork
from shared.messaging.workers import Workers
from shared.telemetry import Metrics
from shared.vault import Vault
from tests.support.templates import Templates

SECRET = "not-a-secret-" * 3
VAULT_KEYS = "k1:" + base64.b64encode(b"1" * 32).decode()
NOW = datetime(2026, 10, 5, 14, 0, tzinfo=UTC)  # a Monday, 10:00 in Alexandria
NOON = datetime(2026, 10, 7, 16, 0, tzinfo=UTC)

ADDRESS: dict[str, Any] = {
    "line1": "1 Made Up Street",
    "city": "Alexandria",
    "state": "VA",
    "postal_code": "22314",
}
PATIENT: dict[str, Any] = {
    "first_name": "Testa",
    "last_name": "Canary",
    "birth_date": "1980-02-29",
    "phone": "+12025550147",
    "email": "testa.canary@example.test",
    "address": ADDRESS,
}
LOCATION: dict[str, Any] = {
    "name": "Old Town",
    "zone": "America/New_York",
    "legal_name": "Made Up Recovery LLC",
    "ein": "12-3456789",
    "npi": "1234567893",
    "phone": "+12025550100",
    "address": ADDRESS,
}
CLINICIAN: dict[str, Any] = {
    "name": "Dr. Made Up",
    "credential": "MD",
    "npi": "1987654328",
    "license_number": "VA-000001",
    "dea_number": "AT1234563",
    "phone": "+12025550101",
    "address": ADDRESS,
}
VITALS = {"systolic_mmhg": 124, "diastolic_mmhg": 78, "pulse_bpm": 72, "spo2_pct": 98}
GIVEN_DOSE = {"lot": "LOT-0001", "drawn_ug": 35_000, "given_ug": 35_000}
DRIVER = {"mode": "driver", "driver_name": "Testa Driver", "driver_phone": "+12025550111"}
STAFF = frozenset(Role) - {Role.SERVICE}


def every(days: int, count: int, first: datetime = NOON) -> list[datetime]:
    """`count` moments, so many days apart."""
    return [first + timedelta(days=days * n) for n in range(count)]


def bearer(
    *roles: Role, subject: str = "staff-1", at: Sequence[str] | None = None
) -> dict[str, str]:
    """Headers of somebody who works at these locations, or at all."""
    locations = None if at is None else frozenset(map(UUID, at))
    token = development_token(
        SECRET, env="development", subject=subject, roles=set(roles), locations=locations
    )
    return {"Authorization": f"Bearer {token}"}


@dataclass(slots=True)
class Clinic:
    """Asks scheduling as staff do. `post` expects a success, `refused` a refusal.

    `subject` is who asks, in every role, and the login of the clinic's clinician.
    """

    client: httpx.AsyncClient
    clock: FixedClock | RunClock
    engine: AsyncEngine
    location_id: str = ""
    chair_id: str = ""
    clinician_id: str = ""
    subject: str = field(default_factory=lambda: f"staff-{uuid4().hex[:8]}")
    headers: dict[str, str] = field(default_factory=dict)

    async def open(self) -> None:
        """One location, one chair, one clinician."""
        self.headers = self.as_staff(self.subject)
        self.location_id = (await self.post("/locations", LOCATION))["location_id"]
        self.chair_id = await self.chair()
        self.clinician_id = await self.clinician(subject=self.subject)

    async def clinician(self, **fields: object) -> str:
        return str((await self.post("/clinicians", CLINICIAN | fields))["clinician_id"])

    async def send(
        self, path: str, body: object, *, key: str | None = None, method: str = "POST"
    ) -> httpx.Response:
        headers = self.headers | {"Idempotency-Key": key or str(uuid4())}
        return await self.client.request(method, path, json=body, headers=headers)

    async def post(self, path: str, body: object, **how: Any) -> Any:
        answer = await self.send(path, body, **how)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(self, path: str, body: object, **how: Any) -> list[tuple[str, str]]:
        """The rules that a request breaks, each with its field."""
        answer = await self.send(path, body, **how)
        assert answer.status_code == 409, answer.text
        violations = answer.json()["violations"]
        assert all(
            set(each) - {"found"} == {"field", "rule", "detail", "source"} for each in violations
        )
        return [(each["rule"], each["field"]) for each in violations]

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params, headers=self.headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def chair(self, **fields: object) -> str:
        wish = {"name": f"Chair {uuid4().hex[:6]}"} | fields
        return str((await self.post(f"/locations/{self.location_id}/chairs", wish))["chair_id"])

    async def patient(
        self, *, consents: bool = True, screened: bool = True, **fields: object
    ) -> str:
        """A patient, who has signed the consent and was screened unless said otherwise.

        All that a test registers are called the same, and are not.
        """
        wish = PATIENT | {"same_name_is_another_person": True} | fields
        patient_id = str((await self.post("/patients", wish))["patient_id"])
        if consents:
            await self.consent(patient_id)
        if screened and not fields.get("concerns"):
            await self.screen(patient_id)
        return patient_id

    def in_days(self, days: int) -> str:
        return (self.clock.now().date() + timedelta(days=days)).isoformat()

    async def screen(self, patient_id: str, *concerns: str, days: int = 300) -> Any:
        """What the clinician finds; where it is nothing, it holds for so many days."""
        wish: dict[str, Any] = {"clinician_id": self.clinician_id, "concerns": concerns}
        wish |= {} if concerns else {"valid_until": self.in_days(days)}
        return await self.post(f"/patients/{patient_id}/screenings", wish)

    def clearance(self, *, days: int = 300, **fields: object) -> dict[str, Any]:
        wish = {"clinician_id": self.clinician_id, "note": "Looked at."}
        return wish | {"valid_until": self.in_days(days)} | fields

    async def clear_patient(self, patient_id: str, **fields: Any) -> Any:
        return await self.post(f"/patients/{patient_id}/clearance", self.clearance(**fields))

    def form(self, **fields: object) -> dict[str, Any]:
        """A consent to both kinds of ketamine infusion, signed by the patient just now."""
        return {
            "kind": "infusion",
            "form": "infusions",
            "version": "2026-01",
            "visit_types": ["ketamine_mood", "ketamine_pain"],
            "signed_at": self.clock.now().isoformat(),
        } | fields

    async def consent(self, patient_id: str, **fields: object) -> Any:
        return await self.post(f"/patients/{patient_id}/consents", self.form(**fields))

    def wish(
        self,
        patient_id: str,
        starts: Sequence[datetime],
        *,
        chair_id: str | None = None,
        **fields: object,
    ) -> dict[str, Any]:
        """A wish for a series in one chair."""
        return {
            "patient_id": patient_id,
            "prescriber_id": self.clinician_id,
            "location_id": self.location_id,
            "visit_type": "ketamine_mood",
            "diagnoses": ["F33.1"],
            "appointments": [
                {"chair_id": chair_id or self.chair_id, "starts_at": start.isoformat()}
                for start in starts
            ],
        } | fields

    async def opens(
        self, from_: str = "09:00", until: str = "17:00", **fields: object
    ) -> dict[str, Any]:
        """The location gives mood infusions at these hours on every day of the week."""
        week = [{"weekday": n, "from": from_, "until": until} for n in range(1, 8)]
        wish = {
            "visit_type": "ketamine_mood",
            "effective_from": "2026-10-05",
            "windows": week,
            "source": "made up",
        } | fields
        path = f"/locations/{self.location_id}/opening-hours"
        return dict(await self.post(path, wish))

    async def has_nurses(self, nurses: int, chairs_per_nurse: int) -> None:
        """So many nurses are on duty at every hour."""
        shifts = [
            {"weekday": n, "from": "00:00", "until": "24:00", "nurses": nurses} for n in range(1, 8)
        ]
        wish = {
            "effective_from": "2026-10-05",
            "chairs_per_nurse": chairs_per_nurse,
            "shifts": shifts,
            "source": "made up",
        }
        await self.post(f"/locations/{self.location_id}/rosters", wish)

    async def plans(self, patient_id: str, **fields: object) -> Any:
        """What is proposed for six mood infusions, unless said otherwise."""
        wish = {
            "patient_id": patient_id,
            "location_id": self.location_id,
            "visit_type": "ketamine_mood",
        } | fields
        return await self.post("/plans", wish)

    async def series(
        self,
        starts: Sequence[datetime] | None = None,
        patient_id: str | None = None,
        **fields: Any,
    ) -> Any:
        """A booked series: six mood infusions three days apart unless said otherwise."""
        patient_id = patient_id or await self.patient()
        return await self.post("/series", self.wish(patient_id, starts or every(3, 6), **fields))

    async def step(self, visit: dict[str, Any], step: str, body: object = None) -> Any:
        return await self.post(f"/appointments/{visit['appointment_id']}/{step}", body or {})

    def be_there(self, visit: dict[str, Any], *, late: timedelta = timedelta(0)) -> None:
        """Let time pass until a visit begins."""
        self.clock.step_to(datetime.fromisoformat(visit["starts_at"]) + late)

    async def plan_dose(self, visit: dict[str, Any], **fields: object) -> Any:
        """Half a milligram per kilogram, by the clinic's clinician, whoever else asks just now.

        They have looked at the plan that the visit has, and replace it.
        """
        asks, self.headers = self.headers, self.as_staff(self.subject)
        planned = (await self.get(f"/appointments/{visit['appointment_id']}/chart"))["dose"]
        if planned is not None:
            fields = {"instead_of": planned["plan_id"]} | fields
        answer = await self.step(visit, "dose-plan", self.dose(**fields))
        self.headers = asks
        return answer

    def dose(self, **fields: object) -> dict[str, Any]:
        plan = {"clinician_id": self.clinician_id, "dose_ug": 35_000, "weight_g": 70_000}
        return plan | fields

    async def give(self, visit: dict[str, Any], **fields: object) -> Any:
        """What was planned ran, and nothing is left over."""
        return await self.step(visit, "dose", GIVEN_DOSE | fields)

    async def check_in(self, visit: dict[str, Any]) -> None:
        """A visit with a ride, its patient here and fasted, cleared to start."""
        self.be_there(visit)
        await self.plan_dose(visit)
        await self.step(visit, "ride", {"mode": "rideshare"})
        await self.step(visit, "check-in", {"fasted": True})
        await self.vitals(visit)
        await self.step(visit, "clear")

    def as_staff(self, subject: str) -> dict[str, str]:
        return bearer(*STAFF, subject=subject)

    async def vitals(self, visit: dict[str, Any], **values: object) -> Any:
        return await self.step(visit, "vitals", VITALS | values)

    async def start(self, visit: dict[str, Any]) -> Any:
        return await self.step(visit, "start", {"clinician_id": self.clinician_id})

    async def infuse(self, visit: dict[str, Any]) -> Any:
        """A visit from its ride to the end of the drip, forty minutes later."""
        await self.check_in(visit)
        await self.start(visit)
        self.clock.step_to(self.clock.now() + timedelta(minutes=40))
        return await self.step(visit, "complete")

    async def given(self, visit: dict[str, Any]) -> Any:
        """A visit to the end of the drip, and what ran of it is on record."""
        over = await self.infuse(visit)
        await self.give(visit)
        return over

    async def discharge(self, visit: dict[str, Any], *, dosed: bool = False) -> Any:
        """After the drip: the dose unless it is on record, vitals, the driver, the way home."""
        if not dosed:
            await self.give(visit)
        await self.vitals(visit)
        await self.step(visit, "ride-seen", DRIVER)
        return await self.step(visit, "discharge", {"oriented": True})

    async def let_fall_due(self) -> None:
        """Decide all that is due by now, and what that leaves; none of it may fail."""
        while await Workers(on, unit_on(self.engine, self.clock), {}).decide_timers():
            pass
        failed = await self.rows("SELECT kind, payload FROM due_work WHERE attempts > 0")
        assert failed == [], "what fell due failed, and would be tried again"

    async def settle_round(self) -> None:
        """The round that looks for visits which nobody settled."""
        async with UnitOfWork(self.engine, self.clock, on).transaction() as tx:
            await raise_unsettled(LookForUnsettled(), tx)

    async def said(self, patient_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The events about a patient, first to last."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT headers, payload FROM outbox WHERE key = :key ORDER BY seq"),
                {"key": patient_id},
            )
            return [
                (row.headers["ce_type"].removeprefix("scheduling."), orjson.loads(row.payload))
                for row in rows
            ]

    async def kinds_said(self, patient_id: str) -> list[str]:
        return [kind for kind, _ in await self.said(patient_id)]

    async def rows(self, query: str, **values: object) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(query), values)).all())


def unit_on(engine: AsyncEngine, clock: FixedClock | RunClock) -> UnitOfWork:
    return UnitOfWork(engine, clock, on, vault=Vault(VAULT_KEYS))


def app_on(engine: AsyncEngine, clock: FixedClock) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = build_app(
        "scheduling",
        unit=unit_on(engine, clock),
        tokens=Tokens(SECRET, env="development"),
        vault=Vault(VAULT_KEYS),
        metrics=Metrics(),
        routers=ROUTERS,
        lifespan=lifespan,
    )
    app.state.booking_links = BookingLinks(SECRET)
    app.state.import_keys = ImportKeys(SECRET)
    app.state.reach = REACH
    return app


@pytest.fixture(scope="module")
async def engine(templates: Templates) -> AsyncIterator[AsyncEngine]:
    """Scheduling's own database, shared by the tests of one module."""
    async with templates.copied("scheduling", Base.metadata) as database:
        engine = create_engine(database.url, pool_size=40)
        yield engine
        await engine.dispose()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture(scope="module")
def module_app(engine: AsyncEngine) -> FastAPI:
    """The app of one module: a hundred routes take longer to build than most tests to run."""
    return app_on(engine, FixedClock(NOW))


@pytest.fixture
def app(module_app: FastAPI, engine: AsyncEngine, clock: FixedClock) -> FastAPI:
    """The module's app, by the test's own clock."""
    module_app.state.unit = unit_on(engine, clock)
    return module_app


@pytest.fixture
async def clinic(app: FastAPI, engine: AsyncEngine, clock: FixedClock) -> AsyncIterator[Clinic]:
    """A clinic of the test's own: its location, chair and clinician."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        clinic = Clinic(client, clock, engine)
        await clinic.open()
        yield clinic
