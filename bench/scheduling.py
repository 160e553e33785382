"""Scheduling, stood in for: the claim checks that the other services ask."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from uuid import UUID

import uvicorn
from fastapi import FastAPI, HTTPException

from shared.claims import (
    Address,
    ClinicianCard,
    DrugGiven,
    InfusionRecord,
    LocationCard,
    PatientCard,
)
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id

_ADDRESS = Address(line1="1 Made Up Street", city="Alexandria", state="VA", postal_code="22314")
_PHONE = "+12025550100"
_CLINICIAN = ClinicianCard(
    clinician_id=new_id(),
    name="Nora Madeup",
    credential="NP",
    npi="1234567893",
    license_number="0024000000",
    dea_number=None,
    phone=_PHONE,
    address=_ADDRESS,
)
_DRUG = DrugGiven(name="Ketamine, racemic", route="intravenous", dose_ug=40_000)
"""Recorded with every drip, so that its superbill waits for nothing."""


class Records:
    """The infusions that scheduling can be asked about: what was said of each."""

    def __init__(self) -> None:
        self._said: dict[UUID, InfusionCompleted] = {}

    def keep(self, event: InfusionCompleted) -> None:
        self._said[event.infusion_id] = event

    def answers(self) -> FastAPI:
        """`/internal` of scheduling, for patients and places that are made up and all alike."""
        app = FastAPI()

        @app.get("/internal/patients/{patient_id}")
        async def patient(patient_id: UUID) -> PatientCard:
            return _patient(patient_id)

        @app.get("/internal/locations/{location_id}")
        async def location(location_id: UUID) -> LocationCard:
            return _location(location_id)

        @app.get("/internal/infusions/{infusion_id}")
        async def infusion(infusion_id: UUID) -> InfusionRecord:
            said = self._said.get(infusion_id)
            if said is None:
                raise HTTPException(404)
            return InfusionRecord(
                infusion_id=infusion_id,
                patient=_patient(said.patient_id),
                rendering=_CLINICIAN,
                location=_location(said.location_id),
                visit_type=said.visit_type,
                diagnoses=("F33.1",),
                started_at=said.started_at,
                stopped_at=said.stopped_at,
                drug_name=_DRUG.name,
                drug=_DRUG,
            )

        return app


def _patient(patient_id: UUID) -> PatientCard:
    return PatientCard(
        patient_id=patient_id,
        first_name="Testa",
        last_name="Canary",
        birth_date=date(1980, 1, 31),
        phone="+12025550101",
        email="testa.canary@example.com",
        address=_ADDRESS,
    )


def _location(location_id: UUID) -> LocationCard:
    return LocationCard(
        location_id=location_id,
        name="Made Up Clinic",
        zone="America/New_York",
        legal_name="Made Up Clinic LLC",
        ein="12-3456789",
        npi="1245319599",
        phone=_PHONE,
        address=_ADDRESS,
    )


class _Server(uvicorn.Server):
    """Leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def answering(records: Records) -> AsyncIterator[str]:
    """Answer claim checks; yields the address."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:  # else each answer waits 40 ms
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(records.answers(), log_config=None, access_log=False)
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
