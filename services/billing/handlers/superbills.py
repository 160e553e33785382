"""Superbills: redeemed, built, numbered, printed, issued. None is ever changed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import structlog
from pydantic import BaseModel, TypeAdapter

from services.billing.gateways.typesetting import Template, Typesetter
from services.billing.rules import superbills as rules
from services.billing.rules.superbill_lint import lint
from services.billing.rules.superbills import Superbill
from services.billing.store import charges
from services.billing.store import superbills as store
from services.billing.store.superbills import Unbilled, Unprinted
from services.billing.tables import Superbill as SuperbillRow
from services.billing.tables import SuperbillDocument
from services.billing.work import (
    InfusionRedeemed,
    RedeemInfusion,
    RenderSuperbill,
    SuperbillRendered,
)
from shared.claims import ClaimCheck
from shared.errors import Poison
from shared.events.billing import SuperbillIssued
from shared.http.desk import Document
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction

log = structlog.get_logger(__name__)

_SUPERBILL = TypeAdapter(Superbill)


class SuperbillShown(BaseModel):
    superbill_id: UUID
    patient_id: UUID
    infusion_id: UUID
    issued_at: datetime
    content_sha256: str
    superbill: Superbill


async def redeem_infusion(unbilled: Unbilled, claims: ClaimCheck) -> InfusionRedeemed:
    record = await claims.infusion(unbilled.infusion_id, purpose="superbill")
    return InfusionRedeemed(charge_id=unbilled.paid.charge_id, record=record)


async def draft_superbill(redeemed: InfusionRedeemed, tx: Transaction) -> None:
    """Build, number and seal the superbill of a paid charge, or hold it with the reasons why."""
    await charges.lock(tx, redeemed.charge_id)
    unbilled = await store.find_unbilled(tx, redeemed.charge_id)
    if unbilled is None:
        return
    record = redeemed.record
    if not unbilled.is_about(record):
        raise Poison("claim_of_another")
    if broken := lint(record):
        reasons = [one.rule for one in broken]
        log.warning("superbill_held", reason=reasons)
        await store.hold(tx, redeemed.charge_id, reasons)
        return
    await store.let_go(tx, redeemed.charge_id)
    year = tx.now.astimezone(ZoneInfo(record.location.zone)).year
    number = rules.number_of(year, await store.take_number(tx, year))
    superbill = rules.build(record, unbilled.paid, number=number, issued_at=tx.now)
    content = orjson.dumps(superbill)
    superbill_id = new_id()
    tx.insert(
        SuperbillRow,
        superbill_id=superbill_id,
        number=number,
        patient_id=unbilled.patient_id,
        infusion_id=unbilled.infusion_id,
        charge_id=redeemed.charge_id,
        total_cents=superbill.total_cents,
        sealed=store.seal_content(tx, superbill_id, content),
        content_sha256=hashlib.sha256(content).digest(),
        issued_at=tx.now,
    )
    tx.do(RenderSuperbill(superbill_id=superbill_id), key=f"print:{superbill_id}")


async def render_superbill(unprinted: Unprinted, typesetter: Typesetter) -> SuperbillRendered:
    pdf = await typesetter.render(
        Template.SUPERBILL, unprinted.content, issued_at=unprinted.issued_at
    )
    return SuperbillRendered(superbill_id=unprinted.superbill_id, pdf=pdf)


async def issue_superbill(rendered: SuperbillRendered, tx: Transaction) -> None:
    """With its document the superbill is out."""
    kept = await store.find_superbill(tx, rendered.superbill_id)
    if kept is None or kept.document is not None:
        return
    tx.insert(
        SuperbillDocument,
        superbill_id=rendered.superbill_id,
        sealed=store.seal_document(tx, rendered.superbill_id, rendered.pdf),
        rendered_at=tx.now,
    )
    tx.publish(
        SuperbillIssued(
            patient_id=kept.patient_id,
            superbill_id=rendered.superbill_id,
            infusion_id=kept.infusion_id,
            charge_id=kept.charge_id,
            number=kept.number,
            total_cents=kept.total_cents,
            issued_at=kept.issued_at,
        )
    )


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
        tx.do(RedeemInfusion(charge_id=charge_id), key=f"superbill:{charge_id}")
    else:
        tx.do(RenderSuperbill(superbill_id=found.superbill_id), key=f"print:{found.superbill_id}")
    return SuperbillAsked(charge_id=charge_id, patient_id=found.patient_id)


async def show_superbill(superbill_id: UUID, tx: Transaction) -> SuperbillShown | Refused:
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None:
        return Refused.not_found("superbill")
    content = store.open_content(tx, superbill_id, kept.sealed)
    return SuperbillShown(
        superbill_id=superbill_id,
        patient_id=kept.patient_id,
        infusion_id=kept.infusion_id,
        issued_at=kept.issued_at,
        content_sha256=kept.content_sha256.hex(),
        superbill=_SUPERBILL.validate_json(content),
    )


async def fetch_document(superbill_id: UUID, tx: Transaction) -> Document | Refused:
    """The PDF, as it was issued."""
    kept = await store.find_superbill(tx, superbill_id)
    if kept is None or kept.document is None:
        return Refused.not_found("superbill")
    return Document(
        content=store.open_document(tx, superbill_id, kept.document),
        media_type="application/pdf",
        name=f"superbill-{kept.number}.pdf",
        patient_id=kept.patient_id,
    )
