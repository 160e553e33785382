"""Charts: consents, readings, overrides, notes, limits. What they hold is sealed and opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col

from services.scheduling.rules.patients.consents import ConsentKind
from services.scheduling.rules.visits.readings import Limit, Measure, Outside, Phase
from services.scheduling.store.rows import every, one, seal, unseal
from services.scheduling.tables import Appointment
from services.scheduling.tables.visits import (
    ChartNote,
    Consent,
    LimitRow,
    Reading,
    VitalsOverride,
)
from shared.ids import new_id
from shared.messaging import Transaction

OVERRIDES: Table = VitalsOverride.__table__  # type: ignore[attr-defined]  # every table=True model has one
BY_SIGNED = (OVERRIDES.c.signed_at, OVERRIDES.c.override_id)


def add_consent(tx: Transaction, signer: Mapping[str, str], **values: Any) -> Consent:
    """`signer`: a `name`, and of a representative the `authority`."""
    consent_id = new_id()
    sealed = seal(tx, dict(signer), "consents", "signer", consent_id)
    consent = Consent(consent_id=consent_id, signer=sealed, recorded_at=tx.now, **values)
    tx.insert(Consent, **consent.model_dump())
    return consent


def signer_of(tx: Transaction, consent: Consent) -> dict[str, str]:
    """The `name`, and of a representative the `authority`."""
    return unseal(tx, consent.signer, "consents", "signer", consent.consent_id)


async def consents_of(tx: Transaction, patient_id: UUID) -> list[Consent]:
    """All of a patient's, the newest first, those withdrawn included."""
    rows = select(Consent).where(col(Consent.patient_id) == patient_id)
    order = col(Consent.signed_at).desc(), col(Consent.consent_id).desc()
    return await every(tx, rows.order_by(*order), Consent)


async def consent_on_file(tx: Transaction, patient_id: UUID, visit_type: str) -> Consent | None:
    """The newest to infusions of a type: who withdraws it does not fall back on an older one.

    It is told also where it is withdrawn or over; `rules/visits/gates.py` judges that.
    """
    return next(
        (
            each
            for each in await consents_of(tx, patient_id)
            if each.kind == ConsentKind.INFUSION and visit_type in each.visit_types
        ),
        None,
    )


async def find_consent(tx: Transaction, consent_id: UUID) -> Consent | None:
    return await one(tx, select(Consent).where(col(Consent.consent_id) == consent_id), Consent)


async def withdraw_consent(tx: Transaction, consent: Consent, by: str) -> Consent:
    values = {"withdrawn_at": tx.now, "withdrawn_by": by}
    await tx.execute(
        update(Consent).where(col(Consent.consent_id) == consent.consent_id).values(**values)
    )
    return Consent(**(consent.model_dump() | values))


def add_reading(
    tx: Transaction, appointment_id: UUID, phase: Phase, by: str, vitals: Mapping[str, Any]
) -> Reading:
    reading_id = new_id()
    reading = Reading(
        reading_id=reading_id,
        appointment_id=appointment_id,
        phase=phase,
        taken_at=tx.now,
        taken_by=by,
        vitals=seal(tx, dict(vitals), "readings", "vitals", reading_id),
    )
    tx.insert(Reading, **reading.model_dump())
    return reading


def vitals_of(tx: Transaction, reading: Reading) -> dict[str, Any]:
    return unseal(tx, reading.vitals, "readings", "vitals", reading.reading_id)


async def readings_of(tx: Transaction, appointment_id: UUID) -> list[Reading]:
    rows = select(Reading).where(col(Reading.appointment_id) == appointment_id)
    order = col(Reading.taken_at), col(Reading.reading_id)
    return await every(tx, rows.order_by(*order), Reading)


async def limits_on(tx: Transaction, visit_type: str, day: date) -> list[Limit]:
    """Every limit of a visit type in force on a day."""
    rows = (
        select(LimitRow)
        .ext(distinct_on(col(LimitRow.measure)))
        .where(col(LimitRow.visit_type) == visit_type, col(LimitRow.effective_from) <= day)
        .order_by(
            col(LimitRow.measure),
            col(LimitRow.effective_from).desc(),
            col(LimitRow.revision).desc(),
        )
    )
    return [as_limit(row) for row in await every(tx, rows, LimitRow)]


def as_limit(row: LimitRow) -> Limit:
    of_row = {"visit_type", "measure", "clinician_id", "signed_by", "revision", "recorded_at"}
    return Limit(**row.model_dump(exclude=of_row), measure=Measure(row.measure))


async def copy_limits(tx: Transaction, like: str, visit_type: str) -> None:
    """Hold a new type's visits to the limits of another."""
    for row in await limit_rows(tx, like):
        tx.insert(LimitRow, **(row.model_dump() | {"visit_type": visit_type}))


async def limit_rows(tx: Transaction, visit_type: str) -> list[LimitRow]:
    rows = select(LimitRow).where(col(LimitRow.visit_type) == visit_type)
    order = col(LimitRow.measure), col(LimitRow.effective_from), col(LimitRow.revision)
    return await every(tx, rows.order_by(*order), LimitRow)


def add_override(
    tx: Transaction,
    visit: Appointment,
    reading_id: UUID,
    clinician_id: UUID,
    by: str,
    reason: str,
    outside: Sequence[Outside],
) -> VitalsOverride:
    override_id = new_id()
    why = {"reason": reason, "outside": [asdict(each) for each in outside]}
    override = VitalsOverride(
        override_id=override_id,
        reading_id=reading_id,
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        clinician_id=clinician_id,
        signed_at=tx.now,
        signed_by=by,
        why=seal(tx, why, "vitals_overrides", "why", override_id),
    )
    tx.insert(VitalsOverride, **override.model_dump())
    return override


def why_of(tx: Transaction, override: VitalsOverride) -> dict[str, Any]:
    """`reason`, and what was `outside`."""
    return unseal(tx, override.why, "vitals_overrides", "why", override.override_id)


async def overrides_of(tx: Transaction, appointment_id: UUID) -> list[VitalsOverride]:
    rows = select(VitalsOverride).where(col(VitalsOverride.appointment_id) == appointment_id)
    return await every(tx, rows.order_by(*BY_SIGNED), VitalsOverride)


def add_note(tx: Transaction, appointment_id: UUID, by: str, note: Mapping[str, Any]) -> ChartNote:
    note_id = new_id()
    made = ChartNote(
        note_id=note_id,
        appointment_id=appointment_id,
        noted_at=tx.now,
        noted_by=by,
        note=seal(tx, dict(note), "chart_notes", "note", note_id),
    )
    tx.insert(ChartNote, **made.model_dump())
    return made


def note_of(tx: Transaction, note: ChartNote) -> dict[str, Any]:
    return unseal(tx, note.note, "chart_notes", "note", note.note_id)


async def notes_of(tx: Transaction, appointment_id: UUID) -> list[ChartNote]:
    rows = select(ChartNote).where(col(ChartNote.appointment_id) == appointment_id)
    order = col(ChartNote.noted_at), col(ChartNote.note_id)
    return await every(tx, rows.order_by(*order), ChartNote)
