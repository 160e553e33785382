"""What billing asks of a card processor about disputes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.billing.rules.disputes.evidence import AnswerKind
from services.billing.work import AnswerSent, DisputeStands, EvidenceUploaded


@dataclass(frozen=True, slots=True)
class UploadOrder:
    """Documents to be held for an answer: the evidence, and the receipt where there is one."""

    answer_id: UUID
    evidence: bytes
    receipt: bytes | None


@dataclass(frozen=True, slots=True)
class AnswerOrder:
    """An answer to be sent; `content` is the JSON of the evidence."""

    answer_id: UUID
    stripe_dispute_id: str
    kind: AnswerKind
    content: bytes | None
    evidence_file_id: str | None
    receipt_file_id: str | None
    look_first: bool
    """The key may protect no longer: look whether it was sent before sending it."""


class Disputes(Protocol):
    """Every call may be repeated, and raises as those of `Payments` do."""

    async def dispute(self, stripe_dispute_id: str) -> DisputeStands: ...
    async def upload(self, order: UploadOrder) -> EvidenceUploaded: ...
    async def answer(self, order: AnswerOrder) -> AnswerSent: ...
