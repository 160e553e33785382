"""Notices about payments, statements and deliveries. Each goes at once."""

from __future__ import annotations

from uuid import UUID

from services.notifications.handlers import messages
from services.notifications.store.messages import Draft
from shared.events.billing import (
    CardExpiring,
    EstimateIssued,
    MonthlySuperbillIssued,
    OutsidePaymentRecorded,
    PackagePaid,
    PaymentCaptured,
    PaymentDeclined,
    SuperbillCorrected,
    SuperbillIssued,
    TenderKind,
)
from shared.events.notifications import Purpose
from shared.events.pharmacy import PrescriptionDelivered
from shared.messaging import Transaction

MONTHS = 12


async def send_receipt(
    event: PaymentCaptured | OutsidePaymentRecorded | PackagePaid, tx: Transaction
) -> None:
    """A visit that was paid ahead has none: its money came with its package."""
    if isinstance(event, OutsidePaymentRecorded) and event.tender is TenderKind.PREPAID:
        return
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.RECEIPT,
            subject_id=event.payment_id,
            amount_cents=event.amount_cents,
            due_at=tx.now,
        ),
    )


async def tell_payment_failed(event: PaymentDeclined, tx: Transaction) -> None:
    """Once per refused try; the patient learns that it failed, not why."""
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.PAYMENT_FAILED,
            subject_id=event.attempt_id,
            due_at=tx.now,
        ),
    )


async def tell_card_expiring(event: CardExpiring, tx: Transaction) -> None:
    """Worth sending while the card is good. One that its bank renews expires another month."""
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.CARD_EXPIRING,
            subject_id=event.card_id,
            revision=event.expires_at.year * MONTHS + event.expires_at.month,
            due_at=tx.now,
            until_at=event.expires_at,
        ),
    )


async def announce_superbill(event: SuperbillIssued, tx: Transaction) -> None:
    await _announce(event, Purpose.SUPERBILL, event.superbill_id, tx)


async def announce_correction(event: SuperbillCorrected, tx: Transaction) -> None:
    """Once per version: whoever sent the earlier one in learns what to send now."""
    await _announce(event, Purpose.SUPERBILL_CORRECTED, event.superbill_id, tx)


async def announce_month(event: MonthlySuperbillIssued, tx: Transaction) -> None:
    """The first version is ready; a later one takes the place of the one before."""
    purpose = Purpose.SUPERBILL if event.replaces_id is None else Purpose.SUPERBILL_CORRECTED
    await _announce(event, purpose, event.superbill_id, tx)


async def announce_estimate(event: EstimateIssued, tx: Transaction) -> None:
    """Each version: the earlier one does not hold any more."""
    await _announce(event, Purpose.ESTIMATE, event.estimate_id, tx)


async def _announce(
    event: SuperbillIssued | SuperbillCorrected | MonthlySuperbillIssued | EstimateIssued,
    purpose: Purpose,
    subject_id: UUID,
    tx: Transaction,
) -> None:
    """A numbered document is ready."""
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=purpose,
            subject_id=subject_id,
            document_no=event.number,
            due_at=tx.now,
        ),
    )


async def tell_spray_rule(event: PrescriptionDelivered, tx: Transaction) -> None:
    """FAQ: "You are not to drive for 4 hours after using the nasal spray"."""
    await messages.add(
        tx,
        Draft(
            patient_id=event.patient_id,
            purpose=Purpose.SPRAY_NO_DRIVING,
            subject_id=event.prescription_id,
            due_at=tx.now,
        ),
    )
