"""interim"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import Column, MetaData, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.db import NAMING
from shared.events.billing import ChargePosted
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id
from shared.messaging import Fact, Handlers, Transaction, Work
from shared.moments import moment

on = Handlers("billing")


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    pass


class Charge(Base, table=True):
    __tablename__ = "charges"
    charge_id: UUID = Field(primary_key=True)
    patient_id: UUID
    infusion_id: UUID = Field(unique=True)
    appointment_id: UUID
    amount_cents: int
    state: str = Field(sa_column=Column(Text, nullable=False))
    posted_at: datetime = Field(sa_column=moment())


class Attempt(Base, table=True):
    __tablename__ = "attempts"
    attempt_id: UUID = Field(primary_key=True)
    charge_id: UUID
    state: str = Field(sa_column=Column(Text, nullable=False))
    started_at: datetime = Field(sa_column=moment())


DDL = """
CREATE TABLE fees (fee_id uuid PRIMARY KEY, visit_type text NOT NULL, amount_cents integer NOT NULL,
  effective_from date NOT NULL);
CREATE TABLE tenders (appointment_id uuid PRIMARY KEY, tender text NOT NULL);
CREATE TABLE charges (charge_id uuid PRIMARY KEY, patient_id uuid NOT NULL,
  infusion_id uuid NOT NULL UNIQUE, appointment_id uuid NOT NULL, amount_cents integer NOT NULL,
  state text NOT NULL, posted_at timestamptz NOT NULL);
CREATE INDEX ix_charges_patient ON charges (patient_id);
CREATE TABLE attempts (attempt_id uuid PRIMARY KEY, charge_id uuid NOT NULL REFERENCES charges,
  state text NOT NULL, started_at timestamptz NOT NULL);
CREATE INDEX ix_attempts_charge ON attempts (charge_id);
INSERT INTO fees VALUES (gen_random_uuid(), 'ketamine_mood', 39900, '2020-01-01')
"""


class CapturePayment(Work):
    attempt_id: UUID


class Paid(Fact):
    pass


class Payments:
    pass


_FEES = text("SELECT visit_type, effective_from, amount_cents FROM fees ORDER BY effective_from DESC")
_TENDERS = text("SELECT appointment_id, tender FROM tenders WHERE appointment_id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(PG_UUID))
)


async def loads(
    tx: Transaction, events: Sequence[InfusionCompleted]
) -> list[tuple[list[tuple[str, date, int]], str]]:
    fees = [tuple(r) for r in await tx.execute(_FEES)]
    tenders = {
        r[0]: r[1]
        for r in await tx.execute(_TENDERS, {"ids": [e.appointment_id for e in events]})
    }
    return [(fees, tenders.get(e.appointment_id, "card")) for e in events]


@on.event(InfusionCompleted, loads=loads)
async def charge_for_infusion(event: InfusionCompleted, tx: Transaction, loaded) -> None:
    fees, tender = loaded
    day = event.stopped_at.date()
    amount = next(c for kind, start, c in fees if kind == event.visit_type and start <= day)
    charge_id = new_id()
    tx.insert(
        Charge,
        charge_id=charge_id,
        patient_id=event.patient_id,
        infusion_id=event.infusion_id,
        appointment_id=event.appointment_id,
        amount_cents=amount,
        state="open",
        posted_at=tx.now,
    )
    tx.publish(
        ChargePosted(
            patient_id=event.patient_id,
            charge_id=charge_id,
            infusion_id=event.infusion_id,
            amount_cents=amount,
            posted_at=tx.now,
        )
    )
    if tender == "card":
        attempt_id = new_id()
        tx.insert(
            Attempt, attempt_id=attempt_id, charge_id=charge_id, state="started", started_at=tx.now
        )
        tx.do(CapturePayment(attempt_id=attempt_id))


@on.work(CapturePayment, calls=Payments)
async def capture(work: CapturePayment, gateway: Payments) -> Paid:
    return Paid()


@on.outcome(Paid)
async def record(fact: Paid, tx: Transaction) -> None:
    pass
