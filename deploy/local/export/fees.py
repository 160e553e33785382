"""The fee schedule: one fee for a kind of visit from a day on."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.local.export import cells
from deploy.local.export.records import Fee
from deploy.local.export.rows import Row
from shared.events.scheduling import VisitType


def fees(rows: Iterable[Row]) -> list[Fee]:
    found: list[Fee] = []
    lines: dict[tuple[object, object], int] = {}
    for row in rows:
        fee = Fee(
            visit_type=row.cell("visit_type", cells.one_of(VisitType)),
            amount_cents=row.cell("fee_usd", cells.dollars),
            effective_from=row.cell("effective_from", cells.day),
        )
        before = lines.setdefault((fee.visit_type, fee.effective_from), row.line)
        if row.sound and before != row.line:
            row.wrong(
                "effective_from",
                f"a fee for {fee.visit_type} from {fee.effective_from} stands in line {before} "
                "already",
            )
        if row.sound:
            found.append(fee)
    return found
