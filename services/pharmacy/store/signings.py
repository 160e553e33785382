"""Signings: each showing of a prescription to its prescriber, and the evidence of a signature."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlmodel import col

from services.pharmacy.rules.prescription import sha256_of
from services.pharmacy.store.prescriptions import lock_prescription
from services.pharmacy.tables import Prescription, Signing
from services.pharmacy.values import Displayed, Evidence, Session
from shared.messaging.transaction import Transaction


async def lock_signing(tx: Transaction, signing_id: UUID) -> tuple[Prescription, Signing] | None:
    """A signing and its prescription, which nobody else decides about meanwhile."""
    found = await find_signing(tx, signing_id)
    if found is None:
        return None
    prescription = await lock_prescription(tx, found.prescription_id)
    signing = await find_signing(tx, signing_id)  # as it is now that nobody else can change it
    return None if prescription is None or signing is None else (prescription, signing)


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


async def _signing(tx: Transaction, statement: Select[Any]) -> Signing | None:
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else Signing(**row)
