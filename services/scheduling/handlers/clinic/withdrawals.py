"""A figure that was mistyped is taken back before its first day; after that another replaces it."""

from __future__ import annotations

from typing import Any

from services.scheduling import store
from services.scheduling.forms.withdrawals import (
    WithdrawChartWord,
    WithdrawFigure,
    WithdrawLimit,
    WithdrawNamed,
    WithdrawnAnswer,
    WithdrawPlace,
    WithdrawSigning,
)
from services.scheduling.handlers.signers import broken_by_clinical, broken_by_signer
from services.scheduling.rules.clinic.figures import broken_by_force
from services.scheduling.rules.signing import Act
from services.scheduling.store import withdrawals as kept
from shared import audit
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def withdraw_figure(
    wish: WithdrawFigure, by: Actor, tx: Transaction
) -> WithdrawnAnswer | Refused:
    """Take a figure back that nothing was decided by yet. What was booked for its days stands."""
    key = _key(wish)
    if isinstance(wish, WithdrawPlace):
        location_id = await kept.location_of(tx, wish.kind, wish.id)
        if location_id is not None:
            await store.lock_location(tx, location_id)
    first_day = await kept.first_day_of(tx, wish.kind, key)
    if first_day is None:
        return Refused.not_found("figure", "kind")
    broken = broken_by_force(first_day, tx.now.date())
    if isinstance(wish, WithdrawNamed):
        signed = {wish.kind} if await kept.is_signed(tx, wish.kind, key) else set()
        broken += await broken_by_clinical(tx, signed, wish.clinician_id, by)
    if isinstance(wish, WithdrawLimit | WithdrawSigning | WithdrawChartWord):
        broken += await broken_by_signer(tx, wish.clinician_id, by, Act.LIMITS)
    if broken:
        return Refused.by_rules(broken, "The figure stands")
    await kept.take_back(tx, wish.kind, key)
    audit.append(
        tx,
        by,
        action="withdraw",
        entity=wish.kind,
        entity_id=" ".join(str(part) for part in key.values()),
    )
    return WithdrawnAnswer(kind=wish.kind, effective_from=first_day)


def _key(wish: WithdrawFigure) -> dict[str, Any]:
    match wish:
        case WithdrawPlace():
            return {"hours_id" if wish.kind == "opening_hours" else "roster_id": wish.id}
        case WithdrawNamed():
            of = {"figure" if wish.kind == "house_figure" else "visit_type": wish.name}
        case WithdrawLimit():
            of = {"visit_type": wish.visit_type, "measure": wish.measure}
        case WithdrawSigning():
            of = {"act": wish.act}
        case WithdrawChartWord():
            of = {"kind": wish.of, "word": wish.word}
    return of | {"effective_from": wish.effective_from}
