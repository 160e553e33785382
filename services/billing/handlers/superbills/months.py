"""A month's superbill, on request: what the superbills of its visits say, in one document."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from services.billing.handlers.superbills.issuing import content_of, keep
from services.billing.rules.superbills import lint
from services.billing.rules.superbills import months as rules
from services.billing.rules.superbills.document import (
    BEING_PRINTED,
    CorrectionReason,
    Issue,
    Replaced,
    number_of,
)
from services.billing.store import codes, collecting, superbill_wordings
from services.billing.store import superbills as store
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.written import told

MonthName = Annotated[
    str, StringConstraints(pattern=told(r"^20[0-9]{2}-(0[1-9]|1[0-2])$", "a month such as 2026-10"))
]


class GatherMonth(BaseModel):
    """The month whose visits are to stand in one document, as `2026-11`."""

    month: MonthName


class MonthGathered(BaseModel):
    """The superbill of the month is being printed."""

    superbill_id: UUID
    patient_id: UUID
    number: str
    version: int
    gathers: tuple[str, ...]


async def gather_month(
    patient_id: UUID, wish: GatherMonth, tx: Transaction
) -> MonthGathered | Refused:
    """Gather the newest superbill of each visit of a month. Asked again, it says what is new.

    Each visit is of the month of its own place's wall; the document is of the day at the place of
    the last one.
    """
    month = date.fromisoformat(f"{wish.month}-01")
    issued = await store.issued_in(tx, patient_id, month)
    bills = [content_of(kept, tx) for kept in issued]
    before = await store.find_month(tx, patient_id, month)
    earlier = None if before is None else content_of(before, tx)
    broken = rules.broken_by_gathering(bills, earlier)
    if before is not None and before.document is None:
        broken.append(BEING_PRINTED)
    if broken:
        return Refused.by_rules(broken)
    last_charge_id = issued[-1].charge_id
    assert last_charge_id is not None, "only a month's superbill has none"
    zone = await collecting.zone(tx, last_charge_id)
    today, replaces = tx.now.astimezone(zone).date(), None
    wording = await superbill_wordings.wording_on(tx, today)
    if earlier is not None:
        why = wording.corrections[CorrectionReason.VISIT]
        replaces = Replaced(earlier.version, earlier.issued_on, why)
    number = earlier.number if earlier else number_of(today.year, 0)
    draft = rules.gather(bills, wish.month, Issue(number, tx.now, wording, replaces), today)
    book = await codes.code_book(
        tx, draft.visits[-1].date_of_service, [one.code for one in draft.diagnoses]
    )
    if broken := lint.lint(draft, book):
        return Refused.by_rules(broken)
    if earlier is None:
        number = number_of(today.year, await store.take_number(tx, today.year))
    bill = replace(draft, number=number)
    superbill_id = keep(
        bill,
        before,
        CorrectionReason.VISIT,
        tx,
        patient_id=patient_id,
        infusion_id=None,
        charge_id=None,
        month=month,
        wording_id=wording.wording_id,
        served_on=bill.visits[0].date_of_service,
    )
    return MonthGathered(
        superbill_id=superbill_id,
        patient_id=patient_id,
        number=bill.number,
        version=bill.version,
        gathers=bill.gathers,
    )
