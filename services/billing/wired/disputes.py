"""A cardholder's bank doubts a payment: it is followed to its end, and answered."""

from __future__ import annotations

from services.billing.gateways.disputes import Disputes
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.gateways.typesetting import Typesetter
from services.billing.handlers.disputes import evidence, following
from services.billing.rules.books.reconciliation import next_round
from services.billing.store import dispute_evidence as store
from services.billing.work import (
    AnswerSent,
    AttendanceRedeemed,
    DisputeStands,
    EvidenceRendered,
    EvidenceUploaded,
    LookAtDispute,
    PrepareEvidence,
    RenderEvidence,
    SendAnswer,
    UploadEvidence,
    WatchDisputes,
)
from shared.claims import ClaimCheck
from shared.messaging import Handlers

on = Handlers("billing")

on.work(LookAtDispute, calls=Disputes)(following.look_at_dispute)
on.outcome(DisputeStands)(following.record_dispute)
on.round(WatchDisputes, after=next_round)(following.watch_disputes)

on.work(PrepareEvidence, loads=store.load_disputed, calls=ClaimCheck)(evidence.redeem_attendance)
on.outcome(AttendanceRedeemed)(evidence.draft_evidence)
on.work(RenderEvidence, loads=store.load_unprinted, calls=Typesetter)(evidence.render_evidence)
on.outcome(EvidenceRendered)(evidence.keep_evidence)
on.work(UploadEvidence, loads=store.load_upload, calls=Disputes, time_limit_s=CALL_LIMIT_S)(
    evidence.upload_evidence
)
on.discarded(UploadEvidence)(evidence.give_up_answer)
on.outcome(EvidenceUploaded)(evidence.keep_uploaded)
on.work(SendAnswer, loads=store.load_answer, calls=Disputes, time_limit_s=CALL_LIMIT_S)(
    evidence.send_answer
)
on.discarded(SendAnswer)(evidence.give_up_answer)
on.outcome(AnswerSent)(evidence.note_sent)
