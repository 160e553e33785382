"""Limits of vitals and doses: none is ever changed, a later row replaces it."""

from __future__ import annotations

from services.scheduling import store
from services.scheduling.forms.visits import LimitAnswer, LimitWish
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules.clinic import figures
from services.scheduling.rules.signing import Act
from services.scheduling.rules.visits.readings import (
    broken_by_ceiling_raised,
    broken_by_limit_order,
    broken_by_unlikely_limit,
)
from services.scheduling.store import charts as kept
from services.scheduling.tables.visits import LimitRow
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def record_limit(
    visit_type: str, wish: LimitWish, by: Actor, tx: Transaction
) -> LimitAnswer | Refused:
    """Keep a limit that a prescriber signs: to loosen one is a clinical judgment."""
    if not await store.visit_type_rows(tx, visit_type):
        return Refused.not_found("visit type", "visit_type")
    rows = [each for each in await kept.limit_rows(tx, visit_type) if each.measure == wish.measure]
    bounds = (wish.hard_low, wish.soft_low, wish.soft_high, wish.hard_high)
    broken = [
        *figures.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *broken_by_limit_order(*bounds),
        *broken_by_unlikely_limit(wish.measure, bounds),
        *broken_by_ceiling_raised(
            wish.measure, wish.hard_high, kept.as_limit(rows[0]) if rows else None
        ),
        *await broken_by_signer(tx, wish.clinician_id, by, Act.LIMITS),
    ]
    if broken:
        return Refused.by_rules(broken, "The limit is not recorded")
    row = LimitRow(
        visit_type=visit_type,
        revision=figures.next_revision(wish.effective_from, rows),
        signed_by=by.subject,
        recorded_at=tx.now,
        **wish.model_dump(),
    )
    tx.insert(LimitRow, **row.model_dump())
    return LimitAnswer(**row.model_dump())


async def read_limits(visit_type: str, tx: Transaction) -> list[LimitAnswer] | Refused:
    """Every row of a visit type, by measure and first day, those to come included."""
    if not await store.visit_type_rows(tx, visit_type):
        return Refused.not_found("visit type", "visit_type")
    return [LimitAnswer(**row.model_dump()) for row in await kept.limit_rows(tx, visit_type)]
