"""What superbills say besides what scheduling knows, as it was recorded last."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.superbills.additions import (
    Additions,
    OfClinic,
    OfClinician,
    OfPatient,
)
from services.billing.rules.superbills.building import ServiceRecord, served_on
from services.billing.store.coverage import coverage_on
from services.billing.tables import SuperbillAddition
from shared.ids import new_id
from shared.messaging import Transaction


class About(StrEnum):
    PATIENT = "patient"
    CLINICIAN = "clinician"
    CLINIC = "clinic"


_SHAPES: dict[About, TypeAdapter[Any]] = {
    About.PATIENT: TypeAdapter(OfPatient),
    About.CLINICIAN: TypeAdapter(OfClinician),
    About.CLINIC: TypeAdapter(OfClinic),
}

_LAST = text(
    """
    SELECT DISTINCT ON (about) about, addition_id, sealed FROM superbill_additions
     WHERE subject_id = ANY(:subjects)
     ORDER BY about, recorded_at DESC, addition_id DESC
    """
).bindparams(bindparam("subjects", type_=ARRAY(PG_UUID)))


def add(
    tx: Transaction,
    about: About,
    subject_id: UUID,
    said: OfPatient | OfClinician | OfClinic,
    by: str,
) -> None:
    """From now on superbills say this. What is issued stays as it is."""
    addition_id = new_id()
    sealed = tx.vault.seal_bytes(
        orjson.dumps(said), table="superbill_additions", column="sealed", row=addition_id
    )
    tx.insert(
        SuperbillAddition,
        addition_id=addition_id,
        about=about.value,
        subject_id=subject_id,
        sealed=sealed,
        recorded_by=by,
        recorded_at=tx.now,
    )


async def of_visit(tx: Transaction, record: ServiceRecord) -> Additions:
    """What is recorded for the patient, the clinician and the place of a visit, for its day."""
    about = [record.patient_id, record.rendering.clinician_id, record.location.location_id]
    covered = await coverage_on(tx, record.patient_id, served_on(record))
    return Additions(**await _last(tx, about), coverage=covered)


async def of_one(tx: Transaction, about: About, subject_id: UUID) -> Any:
    """What is recorded for one of them; everything left out where nothing is."""
    found = await _last(tx, [subject_id])
    return found.get(about.value) or _SHAPES[about].validate_python({})


async def _last(tx: Transaction, subjects: list[UUID]) -> dict[str, Any]:
    rows = await tx.execute(_LAST, {"subjects": subjects})
    return {
        row.about: _SHAPES[About(row.about)].validate_json(
            tx.vault.open_bytes(
                row.sealed, table="superbill_additions", column="sealed", row=row.addition_id
            )
        )
        for row in rows
    }
