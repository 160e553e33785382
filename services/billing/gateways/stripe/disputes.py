"""`Disputes` at Stripe: what a cardholder's bank doubts, what it moved, and what it is told."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from uuid import UUID

import orjson
import stripe

from services.billing.gateways.disputes import AnswerOrder, UploadOrder
from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import id_of
from services.billing.rules.disputes.course import UNANSWERED, DisputeState, Moved
from services.billing.rules.disputes.evidence import PRODUCT, AnswerKind
from services.billing.work import AnswerSent, DisputeStands, EvidenceUploaded
from shared.errors import Poison

_STATES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY_ANSWERED,
    "warning_closed": DisputeState.INQUIRY_CLOSED,
    "needs_response": DisputeState.NEEDS_RESPONSE,
    "under_review": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "prevented": DisputeState.INQUIRY_CLOSED,
    "lost": DisputeState.LOST,
}
"""docs.stripe.com/api/disputes/object. A prevented one was settled before it took anything."""


class StripeDisputes:
    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def dispute(self, stripe_dispute_id: str) -> DisputeStands:
        async with self._stripe.request():
            found = await self._stripe.v1.disputes.retrieve_async(stripe_dispute_id)
        return _stands(found)

    async def upload(self, order: UploadOrder) -> EvidenceUploaded:
        evidence_file_id = await self._hold(order.answer_id, "evidence", order.evidence)
        receipt_file_id = None
        if order.receipt is not None:
            receipt_file_id = await self._hold(order.answer_id, "receipt", order.receipt)
        return EvidenceUploaded(
            answer_id=order.answer_id,
            evidence_file_id=evidence_file_id,
            receipt_file_id=receipt_file_id,
        )

    async def answer(self, order: AnswerOrder) -> AnswerSent:
        """An answer that was sent is seen on the dispute: it needs none any more."""
        return await self._stripe.once(
            lambda: self._send(order), lambda: self._sent(order), look_first=order.look_first
        )

    async def _hold(self, answer_id: UUID, name: str, pdf: bytes) -> str:
        """A file that is uploaded twice costs nothing: only the one that is named is sent."""
        document = io.BytesIO(pdf)
        document.name = f"{name}.pdf"
        async with self._stripe.request():
            held = await self._stripe.v1.files.create_async(
                {"purpose": "dispute_evidence", "file": document},
                {"idempotency_key": f"{answer_id}-{name}"},
            )
        return held.id

    async def _send(self, order: AnswerOrder) -> AnswerSent:
        options: stripe.RequestOptions = {"idempotency_key": str(order.answer_id)}
        disputes = self._stripe.v1.disputes
        if order.kind is AnswerKind.ACCEPTANCE:
            await disputes.close_async(order.stripe_dispute_id, {}, options)
        else:
            await disputes.update_async(
                order.stripe_dispute_id, {"evidence": _evidence(order), "submit": True}, options
            )
        return AnswerSent(answer_id=order.answer_id, stripe_dispute_id=order.stripe_dispute_id)

    async def _sent(self, order: AnswerOrder) -> AnswerSent | None:
        found = await self._stripe.v1.disputes.retrieve_async(order.stripe_dispute_id)
        if _STATES.get(found.status) in UNANSWERED:
            return None
        return AnswerSent(answer_id=order.answer_id, stripe_dispute_id=order.stripe_dispute_id)


def _evidence(order: AnswerOrder) -> stripe.params.DisputeUpdateParamsEvidence:
    """The fields that fit, and no other: what the documents say is in them."""
    if order.content is None or order.evidence_file_id is None:
        raise Poison("dispute_answer_without_evidence")
    evidence: stripe.params.DisputeUpdateParamsEvidence = {
        "product_description": PRODUCT,
        "service_date": str(orjson.loads(order.content)["service_on"]),
        "service_documentation": order.evidence_file_id,
    }
    if order.receipt_file_id is not None:
        evidence["receipt"] = order.receipt_file_id
    return evidence


def _stands(found: stripe.Dispute) -> DisputeStands:
    if found.currency != "usd" or found.payment_intent is None:
        raise Poison("stripe_dispute_of_no_payment_of_ours")
    state = _STATES.get(found.status)
    if state is None:
        raise Poison("stripe_dispute_in_an_unknown_state")
    due_by = found.evidence_details.due_by
    return DisputeStands(
        stripe_dispute_id=found.id,
        payment_intent_id=id_of(found.payment_intent),
        state=state,
        reason=found.reason,
        amount_cents=found.amount,
        opened_at=_moment(found.created),
        due_at=None if due_by is None else _moment(due_by),
        movements=tuple(
            Moved(one.id, one.amount, _moment(one.created)) for one in found.balance_transactions
        ),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
