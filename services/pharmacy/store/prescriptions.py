"""Prescriptions: begun once per series, moved from state to state, their content sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.pharmacy.rules.states import CONTENT_IS_OPEN, MOVES, State
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Content, Violation
from shared.events.scheduling import SeriesCompleted
from shared.messaging.transaction import Transaction

_PRESCRIPTIONS: Table = Prescription.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_START = (_PRESCRIPTIONS.c.started_at, _PRESCRIPTIONS.c.prescription_id)

_STAMPS: dict[State, str] = {
    State.NEEDS_CORRECTION: "held_at",
    State.DRAFTED: "drafted_at",
    State.AWAITING_SIGNATURE: "shown_at",
    State.SIGNED: "signed_at",
    State.SIGNATURE_DECLINED: "declined_at",
    State.SENT: "sent_at",
    State.ACCEPTED: "accepted_at",
    State.SHIPPED: "shipped_at",
    State.DELIVERED: "delivered_at",
    State.REFUSED: "refused_at",
}


async def start_prescription(
    tx: Transaction, prescription_id: UUID, completed: SeriesCompleted
) -> bool:
    """Begin the one prescription of a series; false when it has one."""
    begun = await tx.execute(
        insert(Prescription)
        .values(
            prescription_id=prescription_id,
            series_id=completed.series_id,
            patient_id=completed.patient_id,
            prescriber_id=completed.prescriber_id,
            started_at=tx.now,
        )
        .on_conflict_do_nothing(index_elements=["series_id"])
    )
    return begun.rowcount == 1


async def find_prescription(tx: Transaction, prescription_id: UUID) -> Prescription | None:
    return await _prescription(tx, _by_id(prescription_id))


async def lock_prescription(tx: Transaction, prescription_id: UUID) -> Prescription | None:
    """A prescription that nobody else decides about until this transaction ends."""
    return await _prescription(tx, _by_id(prescription_id).with_for_update())


def prescriptions_of(patient_id: UUID) -> Select[Any]:
    return select(Prescription).where(col(Prescription.patient_id) == patient_id)


async def lock_prescription_of(tx: Transaction, series_id: UUID) -> Prescription | None:
    """A series' one prescription, locked as above."""
    of_series = select(Prescription).where(col(Prescription.series_id) == series_id)
    return await _prescription(tx, of_series.with_for_update())


async def lock_open_ones_of(tx: Transaction, patient_id: UUID) -> list[Prescription]:
    """A patient's prescriptions whose content may still change, locked as above."""
    rows = await tx.execute(
        prescriptions_of(patient_id)
        .where(col(Prescription.state).in_(CONTENT_IS_OPEN))
        .order_by(col(Prescription.prescription_id))
        .with_for_update()
    )
    return [Prescription(**row) for row in rows.mappings()]


async def move(
    tx: Transaction,
    prescription: Prescription,
    to: State,
    *,
    at: datetime | None = None,
    **marks: object,
) -> None:
    """Bring a prescription to its next state, at a moment, with what is known since."""
    assert to in MOVES[State(prescription.state)], f"{prescription.state} to {to}"
    stamp = _STAMPS.get(to)
    again = to is State.NEEDS_CORRECTION  # of several holds the last one counts
    if stamp is not None and (again or getattr(prescription, stamp) is None):
        marks[stamp] = at or tx.now
    await mark(tx, prescription, state=to.value, **marks)


async def mark(tx: Transaction, prescription: Prescription, **marks: object) -> None:
    """Set columns of a prescription, in its row and in the object at hand."""
    for name, value in marks.items():
        setattr(prescription, name, value)
    await tx.execute(
        update(Prescription)
        .where(col(Prescription.prescription_id) == prescription.prescription_id)
        .values(**marks)
    )


def seal_content(tx: Transaction, prescription_id: UUID, content: Content) -> bytes:
    return tx.vault.seal(
        content.model_dump(mode="json"),
        table="prescriptions",
        column="content",
        row=prescription_id,
    )


def open_content(tx: Transaction, prescription: Prescription) -> Content:
    """What a drafted prescription says."""
    assert prescription.content is not None
    return Content.model_validate(
        tx.vault.open(
            prescription.content,
            table="prescriptions",
            column="content",
            row=prescription.prescription_id,
        )
    )


def seal_violations(
    tx: Transaction, prescription_id: UUID, violations: Sequence[Violation]
) -> bytes | None:
    """What is wrong in the words of whoever says so, which may quote what they were sent."""
    if not violations:
        return None
    return tx.vault.seal(
        {"violations": [violation.model_dump() for violation in violations]},
        table="prescriptions",
        column="violations",
        row=prescription_id,
    )


def open_violations(tx: Transaction, prescription: Prescription) -> list[Violation]:
    if prescription.violations is None:
        return []
    opened = tx.vault.open(
        prescription.violations,
        table="prescriptions",
        column="violations",
        row=prescription.prescription_id,
    )
    return [Violation.model_validate(violation) for violation in opened["violations"]]


def _by_id(prescription_id: UUID) -> Select[Any]:
    return select(Prescription).where(col(Prescription.prescription_id) == prescription_id)


async def _prescription(tx: Transaction, statement: Select[Any]) -> Prescription | None:
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else Prescription(**row)
