"""A dispute is looked at, its evidence prepared, and what a person decided is sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.billing.rules.disputes.course import DisputeState, Moved
from shared.claims import Attendance
from shared.messaging import Fact, Work


class WatchDisputes(Work):
    """Comes round every morning."""


class LookAtDispute(Work):
    """Ask Stripe how a dispute stands now."""

    stripe_dispute_id: str


class DisputeStands(Fact):
    """How a dispute stands. `reason` is Stripe's word; `due_at` is when an answer is too late."""

    stripe_dispute_id: str
    payment_intent_id: str
    state: DisputeState
    reason: str
    amount_cents: int
    opened_at: datetime
    due_at: datetime | None
    movements: tuple[Moved, ...]


class PrepareEvidence(Work):
    """Redeem what a bank needs to know of the visit that was paid for."""

    dispute_id: UUID


class AttendanceRedeemed(Fact):
    dispute_id: UUID
    attendance: Attendance


class RenderEvidence(Work):
    """Print the evidence of a dispute."""

    dispute_id: UUID


class EvidenceRendered(Fact):
    dispute_id: UUID
    pdf: bytes


class UploadEvidence(Work):
    """Have Stripe hold the documents of an answer."""

    answer_id: UUID


class EvidenceUploaded(Fact):
    """Stripe's ids of the evidence and, where one was issued, of the receipt."""

    answer_id: UUID
    evidence_file_id: str
    receipt_file_id: str | None


class SendAnswer(Work):
    """Have the bank get our evidence, or our word that the patient is right."""

    answer_id: UUID


class AnswerSent(Fact):
    """Stripe has it; how the dispute stands is news of its own."""

    answer_id: UUID
    stripe_dispute_id: str
