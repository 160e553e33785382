"""Every query of pharmacy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.pharmacy.rules.prescription import sha256_of
from services.pharmacy.rules.states import MOVES, UNSIGNED, State
from services.pharmacy.tables import FormularyItem, PartnerPharmacy, Prescription, Signing
from services.pharmacy.values import Content, Displayed, Evidence, Item, Partner, Session, Violation
from shared.errors import Poison
from shared.events.scheduling import SeriesCompleted
from shared.messaging.transaction import Transaction

_STAMPS: dict[State, str] = {
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


async def lock_signing(tx: Transaction, signing_id: UUID) -> tuple[Prescription, Signing] | None:
    """A signing and its prescription, which nobody else decides about meanwhile."""
    whose = select(col(Signing.prescription_id)).where(col(Signing.signing_id) == signing_id)
    prescription = await _prescription(
        tx,
        select(Prescription)
        .where(col(Prescription.prescription_id) == whose.scalar_subquery())
        .with_for_update(),
    )
    signing = await find_signing(tx, signing_id)
    return None if prescription is None or signing is None else (prescription, signing)


def prescriptions_of(patient_id: UUID) -> Select[Any]:
    return select(Prescription).where(col(Prescription.patient_id) == patient_id)


async def redeem_anew(tx: Transaction, patient_id: UUID) -> Sequence[Any]:
    """A patient's prescriptions whose content may still change; older redemptions are outdated.

    Rows of `prescription_id`, `series_id`, `redemption`.
    """
    found = await tx.execute(
        update(Prescription)
        .where(col(Prescription.patient_id) == patient_id, col(Prescription.state).in_(UNSIGNED))
        .values(redemption=col(Prescription.redemption) + 1)
        .returning(
            col(Prescription.prescription_id),
            col(Prescription.series_id),
            col(Prescription.redemption),
        )
    )
    return found.all()


async def formulary_on(tx: Transaction, day: date) -> tuple[Item, Partner]:
    """What is prescribed on a day, and where it is made. Raises `Poison` where there is nothing."""
    found = await tx.execute(
        select(FormularyItem, col(PartnerPharmacy.name), col(PartnerPharmacy.limits))
        .join(
            PartnerPharmacy,
            col(PartnerPharmacy.pharmacy_id) == col(FormularyItem.pharmacy_id),
        )
        .where(col(FormularyItem.effective_from) <= day)
        .order_by(col(FormularyItem.effective_from).desc())
        .limit(1)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise Poison("formulary_empty")
    return Item.model_validate(dict(row)), Partner.model_validate(dict(row))


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
    if stamp is not None and getattr(prescription, stamp) is None:
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


def seal_refusal(
    tx: Transaction, prescription_id: UUID, violations: Sequence[Violation]
) -> bytes | None:
    """A refusal in the words of whoever refused, which may quote what they were sent."""
    if not violations:
        return None
    return tx.vault.seal(
        {"violations": [violation.model_dump() for violation in violations]},
        table="prescriptions",
        column="refusal",
        row=prescription_id,
    )


def open_refusal(tx: Transaction, prescription: Prescription) -> list[Violation]:
    if prescription.refusal is None:
        return []
    opened = tx.vault.open(
        prescription.refusal,
        table="prescriptions",
        column="refusal",
        row=prescription.prescription_id,
    )
    return [Violation.model_validate(violation) for violation in opened["violations"]]


def begin_signing(
    tx: Transaction, signing_id: UUID, prescription_id: UUID, issue_date: date, shown: Displayed
) -> None:
    tx.insert(
        Signing,
        signing_id=signing_id,
        prescription_id=prescription_id,
        issue_date=issue_date,
        displayed=tx.vault.seal(shown, table="signings", column="displayed", row=signing_id),
        sha256=sha256_of(shown),
        begun_at=tx.now,
    )


def open_displayed(tx: Transaction, signing: Signing) -> Displayed:
    return tx.vault.open(
        signing.displayed, table="signings", column="displayed", row=signing.signing_id
    )


async def find_signing(tx: Transaction, signing_id: UUID) -> Signing | None:
    return await _signing(tx, select(Signing).where(col(Signing.signing_id) == signing_id))


async def signing_that_counts(tx: Transaction, prescription_id: UUID) -> Signing | None:
    """The newest showing of a prescription; older ones are superseded, whatever becomes of them."""
    return await _signing(
        tx,
        select(Signing).where(
            col(Signing.prescription_id) == prescription_id, col(Signing.state) != "superseded"
        ),
    )


async def supersede_undecided(tx: Transaction, prescription_id: UUID) -> None:
    """Whatever becomes of a session that is open now, it does not count."""
    await tx.execute(
        update(Signing)
        .where(
            col(Signing.prescription_id) == prescription_id,
            col(Signing.state).in_(("opening", "open")),
        )
        .values(state="superseded")
    )


async def keep_open_session(tx: Transaction, signing_id: UUID, session: Session) -> None:
    await _set_signing(tx, signing_id, state="open", session_id=session.session_id, url=session.url)


async def keep_declined_session(tx: Transaction, signing_id: UUID, session: Session) -> None:
    await _set_signing(
        tx, signing_id, state="declined", session_id=session.session_id, url=session.url
    )


async def keep_signature(
    tx: Transaction, signing_id: UUID, session: Session, evidence: Evidence
) -> None:
    await _set_signing(
        tx,
        signing_id,
        state="signed",
        session_id=session.session_id,
        url=session.url,
        signature_id=evidence.signature_id,
        signer_dea_number=evidence.signer_dea_number,
        signed_at=evidence.signed_at,
        factors=list(evidence.factors),
    )


def evidence_of(signing: Signing) -> Evidence:
    """The evidence of a signing that is signed."""
    return Evidence.model_validate(signing, from_attributes=True)


async def _set_signing(tx: Transaction, signing_id: UUID, **values: object) -> None:
    await tx.execute(update(Signing).where(col(Signing.signing_id) == signing_id).values(**values))


def _by_id(prescription_id: UUID) -> Select[Any]:
    return select(Prescription).where(col(Prescription.prescription_id) == prescription_id)


async def _prescription(tx: Transaction, statement: Select[Any]) -> Prescription | None:
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else Prescription(**row)


async def _signing(tx: Transaction, statement: Select[Any]) -> Signing | None:
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else Signing(**row)
