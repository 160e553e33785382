"""The code of a session, as a person enters what the clinician documented."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.billing.handlers.superbills.issuing import ask, reissue
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.superbills.document import CorrectionReason
from services.billing.rules.superbills.sessions import Documented, broken_by_documenting
from services.billing.store import charges, codes
from services.billing.store import superbills as bills
from services.billing.tables import SessionCode
from shared.events.billing import ServiceKind
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

Code = Annotated[str, Field(min_length=5, max_length=5)]
Modifier = Annotated[str, Field(min_length=2, max_length=2)]
Place = Annotated[str, Field(min_length=2, max_length=2)]


class RecordSessionCode(BaseModel):
    """What the clinician documented: a code, its modifiers, and where the session was held."""

    code: Code
    modifiers: list[Modifier] = Field(default_factory=list, max_length=4)
    place_of_service: Place = "11"


class SessionCodeRecorded(RecordSessionCode):
    session_code_id: UUID
    charge_id: UUID
    patient_id: UUID


async def record_session_code(
    charge_id: UUID, wish: RecordSessionCode, by: str, tx: Transaction
) -> SessionCodeRecorded | Refused:
    """Note a session's code, by the codes that are in force today.

    A paid session gets its superbill, and one that has it a corrected version.
    """
    charge = await charges.lock_charge(tx, charge_id)
    if charge is None:
        return Refused.not_found("charge")
    if charge.service is not ServiceKind.SESSION:
        return Refused.because(
            "not_a_session",
            "This charge is for an infusion, whose codes follow from its clock. Correct its times.",
            source="CPT 96365: infusions are coded by time",
        )
    documented = Documented(wish.code, tuple(wish.modifiers), wish.place_of_service)
    book = await codes.code_book(tx, tx.now.astimezone(CLINIC_ZONE).date(), ())
    if broken := broken_by_documenting(documented, book):
        return Refused.by_rules(broken)
    session_code_id = new_id()
    tx.insert(
        SessionCode,
        session_code_id=session_code_id,
        charge_id=charge_id,
        code=wish.code,
        modifiers=wish.modifiers,
        place_of_service=wish.place_of_service,
        recorded_by=by,
        recorded_at=tx.now,
    )
    billed = await bills.find_billed(tx, charge_id)
    assert billed is not None, "the charge is ours until the commit"
    if billed.superbill_id is not None:
        reissue(charge_id, CorrectionReason.RECORD, tx)
    elif billed.is_paid:
        ask(charge_id, tx)
    return SessionCodeRecorded(
        session_code_id=session_code_id,
        charge_id=charge_id,
        patient_id=charge.patient_id,
        **wish.model_dump(),
    )
