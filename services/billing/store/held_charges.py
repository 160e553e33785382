"""Charges that are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, TEXT

from services.billing.rules.charges.gates import Decision, HeldState
from services.billing.rules.charges.pricing import Service
from services.billing.tables import HeldCharge
from shared.events.billing import ServiceKind
from shared.messaging import Transaction

_LOCK = text("SELECT * FROM held_charges WHERE infusion_id = :infusion_id FOR UPDATE")

_WAITS_FOR = text(
    "UPDATE held_charges SET waits_for = :rules WHERE infusion_id = :infusion_id"
).bindparams(bindparam("rules", type_=ARRAY(TEXT)))

_CLINICIAN = text(
    "UPDATE held_charges SET clinician_id = :clinician_id WHERE infusion_id = :infusion_id"
)

_DECIDE = text(
    """
    UPDATE held_charges
       SET decision = :decision, charged_cents = :charged_cents, decided_by = :by,
           decided_because = :because, decided_at = :at
     WHERE infusion_id = :infusion_id
    """
).bindparams(bindparam("charged_cents", type_=INTEGER))

_WAIVE = text(
    """
    UPDATE held_charges
       SET decision = 'write_down', charged_cents = 0, decided_by = :by,
           decided_because = :because, decided_at = :at,
           state = 'waived', waits_for = '{}', ended_at = :at
     WHERE infusion_id = :infusion_id
    """
)

_POSTED = text(
    """
    UPDATE held_charges SET state = 'posted', waits_for = '{}', ended_at = :at
     WHERE infusion_id = :infusion_id
    """
)

_OF_SERIES = text(
    """
    SELECT infusion_id FROM held_charges
     WHERE series_id = :series_id AND state = 'held' ORDER BY started_at, infusion_id
    """
)

_OF_PATIENT = text(
    """
    SELECT infusion_id FROM held_charges
     WHERE patient_id = :patient_id AND state = 'held' ORDER BY started_at, infusion_id
    """
)

_OF_CLINICIAN = text(
    """
    SELECT infusion_id FROM held_charges
     WHERE clinician_id = :clinician_id AND state = 'held' ORDER BY started_at, infusion_id
    """
)


@dataclass(frozen=True, slots=True)
class Held:
    """A held charge whose row is ours until the commit."""

    service: Service
    amount_cents: int
    clinician_id: UUID | None
    waits_for: tuple[str, ...]
    state: HeldState
    decision: Decision | None
    charged_cents: int | None


async def lock(tx: Transaction, infusion_id: UUID) -> Held | None:
    row = (await tx.execute(_LOCK, {"infusion_id": infusion_id})).one_or_none()
    if row is None:
        return None
    return Held(
        Service(
            ServiceKind(row.service),
            row.infusion_id,
            row.patient_id,
            row.appointment_id,
            row.visit_type,
            row.started_at,
        ),
        amount_cents=row.amount_cents,
        clinician_id=row.clinician_id,
        waits_for=tuple(row.waits_for),
        state=HeldState(row.state),
        decision=row.decision and Decision(row.decision),
        charged_cents=row.charged_cents,
    )


async def note_waits_for(tx: Transaction, infusion_id: UUID, rules: Sequence[str]) -> None:
    """Note which rules still keep a charge from being posted."""
    await tx.execute(_WAITS_FOR, {"infusion_id": infusion_id, "rules": list(rules)})


async def note_clinician(tx: Transaction, infusion_id: UUID, clinician_id: UUID) -> None:
    await tx.execute(_CLINICIAN, {"infusion_id": infusion_id, "clinician_id": clinician_id})


async def note_decision(
    tx: Transaction,
    infusion_id: UUID,
    decision: Decision,
    charged_cents: int | None,
    *,
    by: str,
    because: str,
) -> None:
    """Note what a person decided; it is posted once nothing else is waited for."""
    values = {"decision": decision.value, "charged_cents": charged_cents, "by": by}
    await tx.execute(
        _DECIDE, values | {"infusion_id": infusion_id, "because": because, "at": tx.now}
    )


async def waive(tx: Transaction, infusion_id: UUID, *, by: str, because: str) -> None:
    """Nothing is charged, ever."""
    values = {"infusion_id": infusion_id, "by": by, "because": because, "at": tx.now}
    await tx.execute(_WAIVE, values)


async def note_posted(tx: Transaction, infusion_id: UUID) -> None:
    await tx.execute(_POSTED, {"infusion_id": infusion_id, "at": tx.now})


async def of_series(tx: Transaction, series_id: UUID) -> list[UUID]:
    """Infusions of a series whose charge is held, the earliest first."""
    return list((await tx.execute(_OF_SERIES, {"series_id": series_id})).scalars())


async def of_patient(tx: Transaction, patient_id: UUID) -> list[UUID]:
    """Infusions of a patient whose charge is held, the earliest first."""
    return list((await tx.execute(_OF_PATIENT, {"patient_id": patient_id})).scalars())


async def of_clinician(tx: Transaction, clinician_id: UUID) -> list[UUID]:
    """Infusions that a clinician gave and whose charge is held, the earliest first."""
    return list((await tx.execute(_OF_CLINICIAN, {"clinician_id": clinician_id})).scalars())


_HELD: Table = HeldCharge.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_HELD = (_HELD.c.held_at, _HELD.c.infusion_id)


def held() -> Select[Any]:
    """All charges that are held."""
    return select(*_HELD.c).where(_HELD.c.state == HeldState.HELD.value)
