"""A small billing on the real backbone, as a process of its own that a test kills.

An infusion is charged (event), the charge is captured at an outside party (call), and a superbill
is issued when that falls due (timer). No table has a constraint that would hide a doubled effect.

`POST /infusions` charges one without Kafka. `POST /arm` names a step of `tests.chaos.steps`; the
process ends by SIGKILL when it gets there.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import httpx
from fastapi import APIRouter, Request
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict
from sqlalchemy import MetaData, text

from shared.auth import public
from shared.errors import Poison, Retry
from shared.events.billing import ChargePosted, PaymentCaptured, SuperbillIssued
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id
from shared.messaging import Fact, Handlers, Transaction, UnitOfWork, Work
from shared.service import Parts
from shared.settings import PracticeSettings, ServiceSettings, load
from tests.chaos.steps import arm

TABLES = """
CREATE TABLE charges (charge_id uuid, infusion_id uuid, patient_id uuid);
CREATE TABLE payments (charge_id uuid, reference text);
CREATE TABLE superbills (charge_id uuid)
"""
FEE_CENTS = 39_900

on = Handlers("billing")


class CapturePayment(Work):
    charge_id: UUID


class IssueSuperbill(Work):
    charge_id: UUID


class Owed(BaseModel):
    charge_id: UUID
    infusion_id: UUID
    patient_id: UUID


class Captured(Fact):
    owed: Owed
    reference: str


class Processor(Protocol):
    async def capture(self, charge_id: UUID) -> str: ...


@on.event(InfusionCompleted)
async def charge_for_infusion(event: InfusionCompleted, tx: Transaction) -> None:
    owed = Owed(charge_id=new_id(), infusion_id=event.infusion_id, patient_id=event.patient_id)
    await tx.execute(
        text("INSERT INTO charges VALUES (:charge_id, :infusion_id, :patient_id)"),
        owed.model_dump(),
    )
    tx.publish(ChargePosted(**owed.model_dump(), amount_cents=FEE_CENTS, posted_at=tx.now))
    tx.do(CapturePayment(charge_id=owed.charge_id))


async def load_owed(tx: Transaction, work: CapturePayment | IssueSuperbill) -> Owed:
    rows = await tx.execute(
        text("SELECT * FROM charges WHERE charge_id = :charge_id"), {"charge_id": work.charge_id}
    )
    return Owed(**rows.one()._mapping)


@on.work(CapturePayment, loads=load_owed, calls=Processor, time_limit_s=2.0)
async def capture_payment(owed: Owed, processor: Processor) -> Captured:
    return Captured(owed=owed, reference=await processor.capture(owed.charge_id))


@on.outcome(Captured)
async def record_payment(paid: Captured, tx: Transaction) -> None:
    await tx.execute(
        text("INSERT INTO payments VALUES (:charge_id, :reference)"),
        {"charge_id": paid.owed.charge_id, "reference": paid.reference},
    )
    tx.publish(
        PaymentCaptured(
            **paid.owed.model_dump(),
            payment_id=new_id(),
            amount_cents=FEE_CENTS,
            captured_at=tx.now,
        )
    )
    tx.do(IssueSuperbill(charge_id=paid.owed.charge_id))


@on.due(IssueSuperbill)
async def issue_superbill(work: IssueSuperbill, tx: Transaction) -> None:
    owed = await load_owed(tx, work)
    await tx.execute(text("INSERT INTO superbills VALUES (:id)"), {"id": work.charge_id})
    tx.publish(
        SuperbillIssued(
            **owed.model_dump(),
            superbill_id=new_id(),
            number="S-1",
            total_cents=FEE_CENTS,
            issued_at=tx.now,
        )
    )


class HttpProcessor:
    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=5.0, trust_env=False)

    async def capture(self, charge_id: UUID) -> str:
        try:
            answer = await self._client.post("/", headers={"Idempotency-Key": str(charge_id)})
        except httpx.HTTPError as error:
            raise Retry("processor_unreachable") from error
        if answer.status_code != 200:
            raise Poison("processor_refuses")
        return answer.text


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="BILLING_", hide_input_in_errors=True)

    processor_url: str


class Arming(BaseModel):
    step: str
    passage: int = 1


def build() -> Parts:
    own = load(Settings)
    router = APIRouter()

    @router.post("/arm", status_code=204, dependencies=[public("the test arms this process")])
    async def arm_process(arming: Arming) -> None:
        arm(arming.step, arming.passage)

    @router.post("/infusions", status_code=204, dependencies=[public("a test's request")])
    async def complete_infusion(event: InfusionCompleted, request: Request) -> None:
        unit: UnitOfWork = request.app.state.unit
        async with unit.transaction(
            correlation_id=request.state.correlation_id, traceparent=request.state.traceparent
        ) as tx:
            await charge_for_infusion(event, tx)

    return Parts(
        handlers=on,
        metadata=MetaData(),
        practice=load(PracticeSettings),
        own=own,
        gateways={Processor: HttpProcessor(own.processor_url)},
        routers=[router],
        state={},
    )
