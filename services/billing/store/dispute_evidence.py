"""What is shown to a bank: what it is made of, its document, and what was decided to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import BYTEA, TEXT

from services.billing.gateways.disputes import AnswerOrder, UploadOrder
from services.billing.rules.charges.attempts import key_may_be_forgotten
from services.billing.rules.disputes.evidence import AnswerKind, Known, KnownMandate
from services.billing.rules.payments.mandates import Way
from services.billing.store.mandates import ip_of
from services.billing.work import PrepareEvidence, RenderEvidence, SendAnswer, UploadEvidence
from shared.events.billing import ServiceKind
from shared.messaging import Transaction

TABLE = "dispute_evidence"

_KNOWN = text(
    """
    SELECT d.stripe_dispute_id, d.opened_at, d.amount_cents AS disputed_cents, p.payment_id,
           p.amount_cents AS paid_cents, p.taken_at AS paid_at, v.arrived_at, v.left_at,
           s.number AS receipt_number, s.issued_at AS receipt_issued_at, c.infusion_id,
           c.service, d.patient_id, m.mandate_id, m.way, m.ip, m.agreed_at, t.body,
           t.content_sha256, u.stripe_setup_intent_id
      FROM disputes AS d JOIN payments AS p USING (payment_id)
      JOIN charges AS c ON c.charge_id = d.charge_id
      LEFT JOIN visits AS v ON v.appointment_id = c.appointment_id
      LEFT JOIN payment_attempts AS a ON a.attempt_id = p.payment_id
      LEFT JOIN cards AS k ON k.card_id = a.card_id
      LEFT JOIN card_setups AS u ON u.setup_id = k.setup_id
      LEFT JOIN mandates AS m ON m.setup_id = k.setup_id
      LEFT JOIN mandate_texts AS t ON t.text_id = m.text_id
      LEFT JOIN LATERAL (SELECT number, issued_at FROM superbills AS b
                           JOIN superbill_documents USING (superbill_id)
                          WHERE b.charge_id = d.charge_id
                          ORDER BY b.version DESC LIMIT 1) AS s ON true
     WHERE d.dispute_id = :dispute_id AND d.closed_at IS NULL
    """
)

_KEEP = text(
    """
    INSERT INTO dispute_evidence (dispute_id, sealed, prepared_at)
    VALUES (:dispute_id, :sealed, :at)
    ON CONFLICT (dispute_id) DO UPDATE
       SET sealed = excluded.sealed, document = NULL, prepared_at = excluded.prepared_at
    """
).bindparams(bindparam("sealed", type_=BYTEA))

_KEPT = text("SELECT sealed, document, prepared_at FROM dispute_evidence WHERE dispute_id = :id")

_KEEP_DOCUMENT = text(
    "UPDATE dispute_evidence SET document = :document WHERE dispute_id = :dispute_id"
).bindparams(bindparam("document", type_=BYTEA))

_ANSWER = text(
    """
    SELECT a.answer_id, a.kind, a.decided_at, a.evidence_file_id, a.receipt_file_id,
           d.dispute_id, d.stripe_dispute_id, e.document, b.superbill_id, b.receipt
      FROM dispute_answers AS a JOIN disputes AS d USING (dispute_id)
      LEFT JOIN dispute_evidence AS e USING (dispute_id)
      LEFT JOIN LATERAL (SELECT s.superbill_id, o.receipt FROM superbills AS s
                           JOIN superbill_documents AS o USING (superbill_id)
                          WHERE s.charge_id = d.charge_id
                          ORDER BY s.version DESC LIMIT 1) AS b ON true
     WHERE a.answer_id = :answer_id AND a.sent_at IS NULL
    """
)

_UNDER_WAY = text(
    "SELECT EXISTS (SELECT FROM dispute_answers WHERE dispute_id = :id AND sent_at IS NULL)"
)

_UPLOADED = text(
    """
    UPDATE dispute_answers
       SET evidence_file_id = :evidence_file_id, receipt_file_id = :receipt_file_id
     WHERE answer_id = :answer_id AND sent_at IS NULL
    """
).bindparams(bindparam("receipt_file_id", type_=TEXT))

_SENT = text(
    "UPDATE dispute_answers SET sent_at = :at WHERE answer_id = :answer_id AND sent_at IS NULL"
)

_TAKE_BACK = text("DELETE FROM dispute_answers WHERE answer_id = :answer_id AND sent_at IS NULL")


@dataclass(frozen=True, slots=True)
class Disputed:
    """A disputed payment of a charge, and the infusion or the session that was paid for."""

    dispute_id: UUID
    service: ServiceKind
    infusion_id: UUID
    patient_id: UUID
    known: Known


async def find_disputed(tx: Transaction, dispute_id: UUID) -> Disputed | None:
    """`None` once the dispute is closed, and where no charge was paid."""
    row = (await tx.execute(_KNOWN, {"dispute_id": dispute_id})).one_or_none()
    if row is None:
        return None
    known = Known(
        stripe_dispute_id=row.stripe_dispute_id,
        opened_at=row.opened_at,
        disputed_cents=row.disputed_cents,
        payment_id=row.payment_id,
        paid_cents=row.paid_cents,
        paid_at=row.paid_at,
        arrived_at=row.arrived_at,
        left_at=row.left_at,
        mandate=row.mandate_id and _mandate(tx, row),
        receipt_number=row.receipt_number,
        receipt_issued_at=row.receipt_issued_at,
    )
    return Disputed(dispute_id, ServiceKind(row.service), row.infusion_id, row.patient_id, known)


def _mandate(tx: Transaction, row: Any) -> KnownMandate:
    return KnownMandate(
        mandate_id=row.mandate_id,
        agreed_at=row.agreed_at,
        way=Way(row.way),
        ip=ip_of(tx, row.mandate_id, row.ip),
        body=row.body,
        content_sha256=row.content_sha256.hex(),
        stripe_setup_intent_id=row.stripe_setup_intent_id,
    )


async def load_disputed(tx: Transaction, work: PrepareEvidence) -> Disputed | None:
    return await find_disputed(tx, work.dispute_id)


async def keep(tx: Transaction, dispute_id: UUID, content: bytes) -> None:
    """Seal what can be shown; an earlier one is replaced, and its document with it."""
    sealed = tx.vault.seal_bytes(content, table=TABLE, column="sealed", row=dispute_id)
    await tx.execute(_KEEP, {"dispute_id": dispute_id, "sealed": sealed, "at": tx.now})


@dataclass(frozen=True, slots=True)
class Prepared:
    """The evidence of a dispute, opened. `document` is missing until it is printed."""

    dispute_id: UUID
    content: bytes
    document: bytes | None
    prepared_at: datetime


async def find(tx: Transaction, dispute_id: UUID) -> Prepared | None:
    row = (await tx.execute(_KEPT, {"id": dispute_id})).one_or_none()
    if row is None:
        return None
    return Prepared(
        dispute_id,
        tx.vault.open_bytes(row.sealed, table=TABLE, column="sealed", row=dispute_id),
        row.document
        and tx.vault.open_bytes(row.document, table=TABLE, column="document", row=dispute_id),
        row.prepared_at,
    )


async def load_unprinted(tx: Transaction, work: RenderEvidence) -> Prepared | None:
    """`None` once the document is kept."""
    found = await find(tx, work.dispute_id)
    return None if found is None or found.document is not None else found


async def keep_document(tx: Transaction, dispute_id: UUID, pdf: bytes) -> None:
    sealed = tx.vault.seal_bytes(pdf, table=TABLE, column="document", row=dispute_id)
    await tx.execute(_KEEP_DOCUMENT, {"dispute_id": dispute_id, "document": sealed})


async def is_under_way(tx: Transaction, dispute_id: UUID) -> bool:
    """Whether an answer was decided and is not at Stripe yet."""
    return bool((await tx.execute(_UNDER_WAY, {"id": dispute_id})).scalar_one())


async def _answer(tx: Transaction, answer_id: UUID) -> Any | None:
    return (await tx.execute(_ANSWER, {"answer_id": answer_id})).one_or_none()


async def load_upload(tx: Transaction, work: UploadEvidence) -> UploadOrder | None:
    """The documents of an answer; `None` once Stripe holds them."""
    row = await _answer(tx, work.answer_id)
    if row is None or row.document is None or row.evidence_file_id is not None:
        return None
    receipt = row.receipt and tx.vault.open_bytes(
        row.receipt, table="superbill_documents", column="receipt", row=row.superbill_id
    )
    document = tx.vault.open_bytes(row.document, table=TABLE, column="document", row=row.dispute_id)
    return UploadOrder(work.answer_id, document, receipt)


async def uploaded(
    tx: Transaction, answer_id: UUID, evidence_file_id: str, receipt_file_id: str | None
) -> bool:
    """Keep Stripe's ids of the documents. False where the answer was taken back."""
    done = await tx.execute(
        _UPLOADED,
        {
            "answer_id": answer_id,
            "evidence_file_id": evidence_file_id,
            "receipt_file_id": receipt_file_id,
        },
    )
    return done.rowcount == 1


async def load_answer(tx: Transaction, work: SendAnswer) -> AnswerOrder | None:
    """What Stripe is told; `None` once it was."""
    row = await _answer(tx, work.answer_id)
    if row is None:
        return None
    prepared = await find(tx, row.dispute_id)
    return AnswerOrder(
        answer_id=row.answer_id,
        stripe_dispute_id=row.stripe_dispute_id,
        kind=AnswerKind(row.kind),
        content=None if prepared is None else prepared.content,
        evidence_file_id=row.evidence_file_id,
        receipt_file_id=row.receipt_file_id,
        look_first=key_may_be_forgotten(row.decided_at, tx.now),
    )


async def sent(tx: Transaction, answer_id: UUID) -> None:
    await tx.execute(_SENT, {"answer_id": answer_id, "at": tx.now})


async def take_back(tx: Transaction, answer_id: UUID) -> None:
    """A person gave up sending it: another answer may be decided."""
    await tx.execute(_TAKE_BACK, {"answer_id": answer_id})
