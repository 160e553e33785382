"""What is on file of a visit: its fee, how it will be paid, a card."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.pricing import OnFile
from shared.events.billing import TenderKind
from shared.events.scheduling import InfusionCompleted
from shared.messaging import Transaction

_ON_FILE = text(
    """
    SELECT c.charge_id IS NOT NULL AS charged, f.fee_id, f.amount_cents, t.tender, k.card_id
      FROM unnest(:infusions, :appointments, :patients, :visit_types, :starts)
           WITH ORDINALITY AS i (infusion_id, appointment_id, patient_id, visit_type, started_at, n)
      LEFT JOIN charges AS c ON c.infusion_id = i.infusion_id
      LEFT JOIN tenders AS t
             ON t.appointment_id = i.appointment_id AND t.patient_id = i.patient_id
      LEFT JOIN LATERAL (SELECT fee_id, amount_cents FROM fees
                          WHERE visit_type = i.visit_type AND starts_at <= i.started_at
                          ORDER BY starts_at DESC LIMIT 1) AS f ON true
      LEFT JOIN LATERAL (SELECT card_id FROM cards WHERE patient_id = i.patient_id
                          ORDER BY saved_at DESC, card_id DESC LIMIT 1) AS k ON true
     ORDER BY i.n
    """
).bindparams(
    bindparam("infusions", type_=ARRAY(PG_UUID)),
    bindparam("appointments", type_=ARRAY(PG_UUID)),
    bindparam("patients", type_=ARRAY(PG_UUID)),
    bindparam("visit_types", type_=ARRAY(TEXT)),
    bindparam("starts", type_=ARRAY(TIMESTAMP(timezone=True))),
)

_FEE_OF_DAY = text(
    "SELECT amount_cents FROM fees"
    " WHERE visit_type = :visit_type AND effective_from = :effective_from"
)

_CHOOSE_TENDER = text(
    """
    INSERT INTO tenders (appointment_id, patient_id, tender, chosen_at)
    VALUES (:appointment_id, :patient_id, :tender, :at)
    ON CONFLICT (appointment_id)
    DO UPDATE SET tender = excluded.tender, chosen_at = excluded.chosen_at
     WHERE tenders.patient_id = excluded.patient_id
    """
)

_CHARGED_VISIT = text("SELECT EXISTS (SELECT FROM charges WHERE appointment_id = :appointment_id)")


async def load_on_file(tx: Transaction, completed: Sequence[InfusionCompleted]) -> list[OnFile]:
    """What pricing needs of each infusion, in one statement for the whole batch."""
    rows = await tx.execute(
        _ON_FILE,
        {
            "infusions": [event.infusion_id for event in completed],
            "appointments": [event.appointment_id for event in completed],
            "patients": [event.patient_id for event in completed],
            "visit_types": [event.visit_type.value for event in completed],
            "starts": [event.started_at for event in completed],
        },
    )
    return [
        OnFile(
            already_charged=row.charged,
            fee_id=row.fee_id,
            amount_cents=row.amount_cents,
            tender=row.tender and TenderKind(row.tender),
            card_id=row.card_id,
        )
        for row in rows
    ]


async def find_fee(tx: Transaction, *, visit_type: str, effective_from: object) -> int | None:
    """The cents of the fee that starts on a day, if one does."""
    found = await tx.execute(
        _FEE_OF_DAY, {"visit_type": visit_type, "effective_from": effective_from}
    )
    cents: int | None = found.scalar()
    return cents


async def choose_tender(
    tx: Transaction, *, appointment_id: UUID, patient_id: UUID, tender: TenderKind
) -> bool:
    """Note how a visit will be paid. False when another patient's choice stands there."""
    done = await tx.execute(
        _CHOOSE_TENDER,
        {
            "appointment_id": appointment_id,
            "patient_id": patient_id,
            "tender": tender.value,
            "at": tx.now,
        },
    )
    return done.rowcount == 1


async def visit_is_charged(tx: Transaction, appointment_id: UUID) -> bool:
    found = await tx.execute(_CHARGED_VISIT, {"appointment_id": appointment_id})
    return bool(found.scalar_one())
