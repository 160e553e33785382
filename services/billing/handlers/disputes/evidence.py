"""Evidence of a disputed payment prepares itself; two people decide what the bank is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson
from pydantic import BaseModel, TypeAdapter

from services.billing.gateways.disputes import AnswerOrder, Disputes, UploadOrder
from services.billing.gateways.typesetting import Template, Typesetter
from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.rules.approvals import Entry
from services.billing.rules.disputes import evidence as rules
from services.billing.rules.disputes.course import DisputeState
from services.billing.rules.disputes.evidence import AnswerKind, Evidence
from services.billing.store import dispute_evidence as store
from services.billing.store import disputes
from services.billing.store.dispute_evidence import Disputed, Prepared
from services.billing.tables import DisputeAnswer
from services.billing.work import (
    AnswerSent,
    AttendanceRedeemed,
    EvidenceRendered,
    EvidenceUploaded,
    LookAtDispute,
    PrepareEvidence,
    RenderEvidence,
    SendAnswer,
    UploadEvidence,
)
from shared.claims import ClaimCheck
from shared.errors import Poison
from shared.events.billing import ServiceKind
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

EVIDENCE = TypeAdapter(Evidence)


def prepare(dispute_id: UUID, tx: Transaction) -> None:
    """Have the evidence made of what is on record now."""
    tx.do(PrepareEvidence(dispute_id=dispute_id), key=f"evidence:{dispute_id}")


async def redeem_attendance(disputed: Disputed, claims: ClaimCheck) -> AttendanceRedeemed:
    service_id, purpose = disputed.infusion_id, "card_dispute"
    if disputed.service is ServiceKind.SESSION:
        attendance = await claims.session_attendance(service_id, purpose=purpose)
    else:
        attendance = await claims.attendance(service_id, purpose=purpose)
    return AttendanceRedeemed(dispute_id=disputed.dispute_id, attendance=attendance)


async def draft_evidence(redeemed: AttendanceRedeemed, tx: Transaction) -> None:
    """Build what can be shown, and have it printed. What is on its way is not replaced."""
    disputed = await store.find_disputed(tx, redeemed.dispute_id)
    if disputed is None or await store.is_under_way(tx, redeemed.dispute_id):
        return
    told = redeemed.attendance
    if (told.infusion_id, told.patient_id) != (disputed.infusion_id, disputed.patient_id):
        raise Poison("claim_of_another")
    evidence = rules.evidence_of(disputed.known, told, tx.now)
    await store.keep(tx, redeemed.dispute_id, orjson.dumps(evidence))
    tx.do(
        RenderEvidence(dispute_id=redeemed.dispute_id), key=f"print-evidence:{redeemed.dispute_id}"
    )


async def render_evidence(prepared: Prepared, typesetter: Typesetter) -> EvidenceRendered:
    at = prepared.prepared_at
    pdf = await typesetter.render(Template.DISPUTE, prepared.content, issued_at=at)
    return EvidenceRendered(dispute_id=prepared.dispute_id, pdf=pdf)


async def keep_evidence(rendered: EvidenceRendered, tx: Transaction) -> None:
    await store.keep_document(tx, rendered.dispute_id, rendered.pdf)


class EvidenceAsked(BaseModel):
    dispute_id: UUID
    patient_id: UUID


async def prepare_again(dispute_id: UUID, tx: Transaction) -> EvidenceAsked | Refused:
    """Have the evidence made anew: something was recorded since."""
    disputed = await store.find_disputed(tx, dispute_id)
    if disputed is None:
        return Refused.not_found("open dispute")
    prepare(dispute_id, tx)
    return EvidenceAsked(dispute_id=dispute_id, patient_id=disputed.patient_id)


class EvidenceShown(BaseModel):
    dispute_id: UUID
    patient_id: UUID
    prepared_at: datetime
    is_printed: bool
    evidence: Evidence


async def show_evidence(dispute_id: UUID, tx: Transaction) -> EvidenceShown | Refused:
    dispute, prepared = await disputes.find(tx, dispute_id), await store.find(tx, dispute_id)
    if dispute is None or prepared is None:
        return Refused.not_found("evidence")
    return EvidenceShown(
        dispute_id=dispute_id,
        patient_id=dispute.patient_id,
        prepared_at=prepared.prepared_at,
        is_printed=prepared.document is not None,
        evidence=EVIDENCE.validate_json(prepared.content),
    )


async def fetch_evidence(dispute_id: UUID, tx: Transaction) -> Document | Refused:
    """The PDF that the bank would get."""
    dispute, prepared = await disputes.find(tx, dispute_id), await store.find(tx, dispute_id)
    if dispute is None or prepared is None or prepared.document is None:
        return Refused.not_found("evidence")
    name = f"evidence-{dispute.stripe_dispute_id}.pdf"
    return Document(prepared.document, "application/pdf", name, dispute.patient_id)


class AnswerDispute(BaseModel):
    """What the bank is told: our evidence, or that the patient is right."""

    kind: AnswerKind


class AnswerDecided(AnswerDispute):
    answer_id: UUID
    dispute_id: UUID
    patient_id: UUID | None
    decided_at: datetime


async def answer_dispute(
    dispute_id: UUID, wish: AnswerDispute, by: str, tx: Transaction, *, seen: bool = False
) -> AnswerDecided | ApprovalAsked | Refused:
    """Have the bank told, once a second person has looked at it; `seen` says that one has."""
    dispute = await disputes.lock_by_id(tx, dispute_id)
    if dispute is None:
        return Refused.not_found("dispute")
    prepared = await store.find(tx, dispute_id)
    broken = rules.broken_by_answer(
        DisputeState(dispute.state),
        wish.kind,
        is_prepared=prepared is not None and prepared.document is not None,
        is_under_way=await store.is_under_way(tx, dispute_id),
    )
    if broken:
        return Refused.by_rules(broken)
    if not seen and (
        asked := await hold(
            tx,
            Entry.DISPUTE_ANSWER,
            wish,
            subject_id=dispute_id,
            patient_id=dispute.patient_id,
            amount_cents=dispute.amount_cents,
            by=by,
        )
    ):
        return asked
    decided = AnswerDecided(
        answer_id=new_id(),
        dispute_id=dispute_id,
        patient_id=dispute.patient_id,
        kind=wish.kind,
        decided_at=tx.now,
    )
    tx.insert(
        DisputeAnswer,
        answer_id=decided.answer_id,
        dispute_id=dispute_id,
        kind=wish.kind.value,
        asked_by=by,
        decided_at=tx.now,
    )
    if wish.kind is AnswerKind.EVIDENCE:
        tx.do(UploadEvidence(answer_id=decided.answer_id), key=f"upload:{decided.answer_id}")
    else:
        _send(decided.answer_id, tx)
    return decided


async def upload_evidence(order: UploadOrder, at: Disputes) -> EvidenceUploaded:
    """Have Stripe hold the documents. Safe to repeat: the keys are made of the answer's id."""
    return await at.upload(order)


async def keep_uploaded(uploaded: EvidenceUploaded, tx: Transaction) -> None:
    answer_id = uploaded.answer_id
    if await store.uploaded(tx, answer_id, uploaded.evidence_file_id, uploaded.receipt_file_id):
        _send(answer_id, tx)


def _send(answer_id: UUID, tx: Transaction) -> None:
    tx.do(SendAnswer(answer_id=answer_id), key=f"answer:{answer_id}")


async def send_answer(order: AnswerOrder, at: Disputes) -> AnswerSent:
    """Tell the bank. Safe to repeat: the key is the answer's id, committed before."""
    return await at.answer(order)


async def note_sent(sent: AnswerSent, tx: Transaction) -> None:
    """How the dispute stands now is asked for as after any news."""
    await store.sent(tx, sent.answer_id)
    look = LookAtDispute(stripe_dispute_id=sent.stripe_dispute_id)
    tx.do(look, key=f"look:{sent.stripe_dispute_id}")


async def give_up_answer(work: UploadEvidence | SendAnswer, tx: Transaction) -> None:
    """A person gave up sending it: another answer may be decided while the bank waits."""
    await store.take_back(tx, work.answer_id)
