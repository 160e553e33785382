"""Superbills as they were issued: content, document, receipt, and FHIR."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import orjson
from pydantic import BaseModel

from services.billing.documents.fhir import bundles as fhir
from services.billing.handlers.superbills.issuing import content_of
from services.billing.rules.superbills.document import CorrectionReason, Superbill
from services.billing.rules.superbills.receipts import CareReceipt, receipt_of
from services.billing.store import superbill_wordings
from services.billing.store import superbills as store
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.messaging import Transaction

PDF = "application/pdf"


class SuperbillShown(BaseModel):
    """A superbill of one charge, or of a month. `content_sha256` is over its JSON as issued."""

    superbill_id: UUID
    replaces_id: UUID | None
    reason: CorrectionReason | None
    patient_id: UUID
    infusion_id: UUID | None
    month: date | None
    issued_at: datetime
    content_sha256: str
    superbill: Superbill


class ReceiptShown(BaseModel):
    """A receipt for a health account: no diagnosis, no code, no drug."""

    superbill_id: UUID
    patient_id: UUID
    receipt: CareReceipt


async def show_superbill(superbill_id: UUID, tx: Transaction) -> SuperbillShown | Refused:
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None:
        return Refused.not_found("superbill")
    return SuperbillShown(
        superbill_id=superbill_id,
        replaces_id=kept.replaces_id,
        reason=kept.reason and CorrectionReason(kept.reason),
        patient_id=kept.patient_id,
        infusion_id=kept.infusion_id,
        month=kept.month,
        issued_at=kept.issued_at,
        content_sha256=kept.content_sha256.hex(),
        superbill=content_of(kept, tx),
    )


async def show_receipt(superbill_id: UUID, tx: Transaction) -> ReceiptShown | Refused:
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None:
        return Refused.not_found("superbill")
    words = await superbill_wordings.receipt_words(tx, kept.wording_id)
    return ReceiptShown(
        superbill_id=superbill_id,
        patient_id=kept.patient_id,
        receipt=receipt_of(content_of(kept, tx), words),
    )


async def fetch_document(superbill_id: UUID, tx: Transaction) -> Document | Refused:
    """The PDF, as it was issued."""
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None or kept.document is None:
        return Refused.not_found("superbill")
    content = store.open_document(tx, superbill_id, "sealed", kept.document)
    return Document(content, PDF, f"superbill-{kept.file_name}.pdf", kept.patient_id)


async def fetch_receipt(superbill_id: UUID, tx: Transaction) -> Document | Refused:
    """The receipt's PDF, as it was issued."""
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None or kept.receipt is None:
        return Refused.not_found("superbill")
    content = store.open_document(tx, superbill_id, "receipt", kept.receipt)
    return Document(content, PDF, f"receipt-{kept.file_name}.pdf", kept.patient_id)


async def export_fhir(superbill_id: UUID, tx: Transaction) -> Document | Refused:
    """A superbill for programs that speak FHIR."""
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None:
        return Refused.not_found("superbill")
    content = orjson.dumps(fhir.bundle(content_of(kept, tx), superbill_id))
    name = f"superbill-{kept.file_name}.fhir.json"
    return Document(content, fhir.MEDIA_TYPE, name, kept.patient_id)
