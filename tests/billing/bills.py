"""Superbills as the rules build them, and their documents."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pypdf import PdfReader

from services.billing.gateways.typesetting import Template, Typst
from services.billing.rules import superbills as rules
from services.billing.rules.superbills import Paid, Receipt, Superbill
from shared.events.billing import TenderKind
from shared.ids import new_id
from tests.billing.records import infusion_record

STOPPED_AT = datetime(2026, 11, 23, 19, 40, tzinfo=UTC)


def superbill(minutes: int, **changes: Any) -> Superbill:
    """The superbill of an infusion of so many minutes, paid by CareCredit."""
    record = infusion_record(
        started_at=STOPPED_AT - timedelta(minutes=minutes), stopped_at=STOPPED_AT, **changes
    )
    receipt = Receipt(TenderKind.CARE_CREDIT, "CC-118834", 39900, STOPPED_AT)
    paid = Paid(new_id(), 39900, (receipt,))
    return rules.build(record, paid, number=rules.number_of(2026, minutes), issued_at=STOPPED_AT)


async def printed(content: object) -> bytes:
    """The document of a superbill, or of what its JSON was made into."""
    return await Typst().render(Template.SUPERBILL, orjson.dumps(content), issued_at=STOPPED_AT)


def words_of(pdf: bytes) -> str:
    return " ".join(
        " ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages
    )
