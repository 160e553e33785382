"""Tables as spreadsheets read them: RFC 4180, with amounts in dollars and no currency sign."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.http.desk import Document

MEDIA_TYPE = "text/csv; charset=utf-8"


def plain(amount_cents: int) -> str:
    """`399.00`."""
    sign = "-" if amount_cents < 0 else ""
    whole, cents = divmod(abs(amount_cents), 100)
    return f"{sign}{whole}.{cents:02d}"


def csv_file(
    name: str,
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    patient_id: UUID | None = None,
) -> Document:
    """A table. It holds ids, codes, days and amounts, no text that anybody typed."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return Document(out.getvalue().encode(), MEDIA_TYPE, name, patient_id)
