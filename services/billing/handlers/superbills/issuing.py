"""Superbills: redeemed, built, numbered, printed, issued. None is ever changed."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import structlog
from pydantic import BaseModel, TypeAdapter

from services.billing.gateways.typesetting import Template, Typesetter
from services.billing.rules.clinic import clinic_day
from services.billing.rules.superbills import building, lint, sessions, words
from services.billing.rules.superbills import document as rules
from services.billing.rules.superbills.building import ServiceRecord
from services.billing.rules.superbills.document import CorrectionReason, Issue, Replaced, Superbill
from services.billing.rules.superbills.receipts import receipt_of
from services.billing.store import (
    charges,
    codes,
    session_codes,
    superbill_additions,
    superbill_wordings,
)
from services.billing.store import superbills as store
from services.billing.store.superbills import Kept, Unbilled, Unprinted
from services.billing.tables import Superbill as SuperbillRow
from services.billing.tables import SuperbillDocument
from services.billing.work import (
    RedeemService,
    ReissueSuperbill,
    RenderSuperbill,
    ServiceRedeemed,
    SuperbillRendered,
    reissue_key,
)
from shared.claims import ClaimCheck, ConsultRecord, InfusionRecord
from shared.errors import Poison, Retry
from shared.events.billing import (
    MonthlySuperbillIssued,
    ServiceKind,
    SuperbillCorrected,
    SuperbillIssued,
)
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken

log = structlog.get_logger(__name__)

SUPERBILL = TypeAdapter(Superbill)


async def redeem_service(unbilled: Unbilled, claims: ClaimCheck) -> ServiceRedeemed:
    redeem = claims.consult if unbilled.service is ServiceKind.SESSION else claims.infusion
    record = await redeem(unbilled.infusion_id, purpose="superbill")
    return ServiceRedeemed(
        charge_id=unbilled.paid.charge_id, record=record, correction=unbilled.correction
    )


async def draft_superbill(redeemed: ServiceRedeemed, tx: Transaction) -> None:
    """Build, number and seal the superbill of a paid charge, or hold it with the reasons why.

    Where one is issued already the next version is made, unless it would say the same again.
    """
    await charges.lock(tx, redeemed.charge_id)
    unbilled = await store.find_settled(tx, redeemed.charge_id, redeemed.correction)
    if unbilled is None:
        return
    record = redeemed.record
    if not unbilled.is_about(record):
        raise Poison("claim_of_another")
    before = await store.find_latest(tx, redeemed.charge_id)
    if before is not None and redeemed.correction is None:
        return  # asked for before that one was drafted: it is no correction
    if before is not None and before.document is None:
        raise Retry("superbill_being_printed")  # else its news would come after this one's
    earlier = None if before is None else content_of(before, tx)
    bill = await _build(unbilled, record, earlier, tx)
    if not isinstance(bill, Superbill):
        reasons = [one.rule for one in bill]
        log.warning("superbill_held", reason=reasons)
        await store.hold(tx, redeemed.charge_id, reasons, redeemed.correction)
        return
    await store.let_go(tx, redeemed.charge_id)
    if earlier is not None and rules.says_the_same(bill, earlier):
        return
    await _keep(unbilled, bill, before, tx)


async def _build(
    unbilled: Unbilled, record: ServiceRecord, earlier: Superbill | None, tx: Transaction
) -> Superbill | list[Broken]:
    """The superbill under its number, or what keeps it from being issued; no number is lost."""
    documented, served_on = None, building.served_on(record)
    book = await codes.code_book(tx, served_on, record.diagnoses)
    if isinstance(record, ConsultRecord):
        documented = await session_codes.newest(tx, unbilled.paid.charge_id)
        broken = sessions.lint_session(record, documented)
    else:
        broken = lint.lint_record(record, book)
    if broken:
        return broken
    added = await superbill_additions.of_visit(tx, record)
    wording = await superbill_wordings.wording_on(tx, clinic_day(tx.now))

    def made(number: str) -> Superbill:
        replaces = None
        if earlier is not None:
            why = unbilled.correction or CorrectionReason.RECORD
            replaces = Replaced(earlier.version, earlier.issued_on, wording.corrections[why])
        issue = Issue(number=number, issued_at=tx.now, wording=wording, replaces=replaces)
        if isinstance(record, InfusionRecord):
            return building.build(record, unbilled.paid, book, issue, added)
        assert documented is not None, "lint holds a session without a code"
        return sessions.build_session(record, documented, unbilled.paid, book, issue, added)

    year = tx.now.astimezone(ZoneInfo(record.location.zone)).year
    draft = made(earlier.number if earlier else rules.number_of(year, 0))
    others = await store.issued_on(
        tx, unbilled.patient_id, served_on, but_of=unbilled.paid.charge_id
    )
    beside = [line for kept in others for line in content_of(kept, tx).lines]
    if broken := lint.lint(draft, book, beside):
        return broken
    return draft if earlier else made(rules.number_of(year, await store.take_number(tx, year)))


async def _keep(unbilled: Unbilled, bill: Superbill, before: Kept | None, tx: Transaction) -> None:
    wording = await superbill_wordings.wording_on(tx, clinic_day(tx.now))
    keep(
        bill,
        before,
        unbilled.correction or CorrectionReason.RECORD,
        tx,
        patient_id=unbilled.patient_id,
        infusion_id=unbilled.infusion_id,
        charge_id=unbilled.paid.charge_id,
        month=None,
        wording_id=wording.wording_id,
        served_on=bill.visits[0].date_of_service,
    )


def keep(
    bill: Superbill,
    before: Kept | None,
    reason: CorrectionReason,
    tx: Transaction,
    **about: UUID | date | int | None,
) -> UUID:
    """Seal a version, and have it printed. `about` says whose it is, and of what charge or month.

    `reason` is told where it replaces the version `before`.
    """
    content = orjson.dumps(bill)
    superbill_id = new_id()
    tx.insert(
        SuperbillRow,
        superbill_id=superbill_id,
        number=bill.number,
        version=bill.version,
        replaces_id=before and before.superbill_id,
        reason=before and reason.value,
        total_cents=bill.total_cents,
        sealed=store.seal_content(tx, superbill_id, content),
        content_sha256=hashlib.sha256(content).digest(),
        issued_at=tx.now,
        **about,
    )
    tx.do(RenderSuperbill(superbill_id=superbill_id), key=f"print:{superbill_id}")
    return superbill_id


async def render_superbill(unprinted: Unprinted, typesetter: Typesetter) -> SuperbillRendered:
    """Print a superbill, and the receipt without diagnosis that goes with it."""
    receipt = orjson.dumps(receipt_of(SUPERBILL.validate_json(unprinted.content), unprinted.words))
    issued_at = unprinted.issued_at
    return SuperbillRendered(
        superbill_id=unprinted.superbill_id,
        pdf=await typesetter.render(Template.SUPERBILL, unprinted.content, issued_at=issued_at),
        receipt=await typesetter.render(Template.RECEIPT, receipt, issued_at=issued_at),
    )


async def issue_superbill(rendered: SuperbillRendered, tx: Transaction) -> None:
    """With its documents the superbill is out."""
    superbill_id = rendered.superbill_id
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None or kept.document is not None:
        return
    tx.insert(
        SuperbillDocument,
        superbill_id=superbill_id,
        sealed=store.seal_document(tx, superbill_id, "sealed", rendered.pdf),
        receipt=store.seal_document(tx, superbill_id, "receipt", rendered.receipt),
        rendered_at=tx.now,
    )
    tx.publish(_said(kept))


_TOLD_AS: dict[CorrectionReason, Literal["refund", "record", "payment"]] = {
    CorrectionReason.REFUND: "refund",
    CorrectionReason.RECORD: "record",
    CorrectionReason.PAYMENT: "payment",
}


def _said(kept: Kept) -> SuperbillIssued | SuperbillCorrected | MonthlySuperbillIssued:
    if kept.month is not None:
        return MonthlySuperbillIssued(
            patient_id=kept.patient_id,
            superbill_id=kept.superbill_id,
            replaces_id=kept.replaces_id,
            number=kept.number,
            document_version=kept.version,
            month=kept.month,
            total_cents=kept.total_cents,
            issued_at=kept.issued_at,
        )
    assert kept.infusion_id is not None
    assert kept.charge_id is not None
    assert kept.service is not None
    service = ServiceKind(kept.service)
    if kept.replaces_id is None:
        return SuperbillIssued(
            patient_id=kept.patient_id,
            superbill_id=kept.superbill_id,
            infusion_id=kept.infusion_id,
            service=service,
            charge_id=kept.charge_id,
            number=kept.number,
            total_cents=kept.total_cents,
            issued_at=kept.issued_at,
        )
    assert kept.reason is not None, "what replaces another says why"
    return SuperbillCorrected(
        patient_id=kept.patient_id,
        superbill_id=kept.superbill_id,
        replaces_id=kept.replaces_id,
        infusion_id=kept.infusion_id,
        service=service,
        charge_id=kept.charge_id,
        number=kept.number,
        document_version=kept.version,
        reason=_TOLD_AS[CorrectionReason(kept.reason)],
        total_cents=kept.total_cents,
        issued_at=kept.issued_at,
    )


def content_of(kept: Kept, tx: Transaction) -> Superbill:
    """What a superbill says, opened."""
    return SUPERBILL.validate_json(store.open_content(tx, kept.superbill_id, kept.sealed))


class SuperbillAsked(BaseModel):
    """The superbill of this charge is being made."""

    charge_id: UUID
    patient_id: UUID


async def ask_for_superbill(charge_id: UUID, tx: Transaction) -> SuperbillAsked | Refused:
    """Have a superbill made that was held or given up, now that its cause is mended."""
    found = await store.find_billed(tx, charge_id)
    if found is None:
        return Refused.not_found("charge")
    if broken := rules.broken_by_asking(found):
        return Refused.by_rules(broken)
    if found.superbill_id is None:
        ask(charge_id, tx)
    elif found.held_correction is not None:
        reissue(charge_id, found.held_correction, tx)
    else:
        tx.do(RenderSuperbill(superbill_id=found.superbill_id), key=f"print:{found.superbill_id}")
    return SuperbillAsked(charge_id=charge_id, patient_id=found.patient_id)


async def ask_with_drug(infusion_id: UUID, tx: Transaction) -> None:
    """Have the superbill made that waited for what ran: at the discharge that is on record."""
    waiting = await store.find_waiting(tx, infusion_id, words.NO_DRUG.rule)
    if waiting is None:
        return
    if waiting.correction is None:
        ask(waiting.charge_id, tx)
    else:
        reissue(waiting.charge_id, waiting.correction, tx)


def ask(charge_id: UUID, tx: Transaction) -> None:
    """Have the first superbill of a paid charge made."""
    tx.do(RedeemService(charge_id=charge_id), key=f"superbill:{charge_id}")


def reissue(charge_id: UUID, reason: CorrectionReason, tx: Transaction) -> None:
    """Have a charge's superbill say what is true now. Nothing comes of it where it does."""
    tx.do(ReissueSuperbill(charge_id=charge_id, reason=reason), key=reissue_key(charge_id))


class AskCorrection(BaseModel):
    """Why the superbill is wrong. A refund has it corrected by itself."""

    reason: Literal[CorrectionReason.REFUND, CorrectionReason.RECORD]


async def correct_superbill(
    superbill_id: UUID, wish: AskCorrection, tx: Transaction
) -> SuperbillAsked | Refused:
    """Have a corrected version made of what scheduling and the payments say now."""
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None or kept.charge_id is None:
        return Refused.not_found("superbill")
    latest = await store.find_latest(tx, kept.charge_id)
    assert latest is not None
    if broken := rules.broken_by_correcting(
        is_printed=kept.document is not None, latest_id=latest.superbill_id, asked_id=superbill_id
    ):
        return Refused.by_rules(broken)
    reissue(kept.charge_id, wish.reason, tx)
    return SuperbillAsked(charge_id=kept.charge_id, patient_id=kept.patient_id)
