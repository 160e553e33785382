"""Whether a patient may be asked for money now, and a card be tried: by dunning, or by the desk."""

from __future__ import annotations

from uuid import UUID

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.collecting.asking import HELD, allowed_from, broken_by_ceiling
from services.billing.store import collecting as store
from services.billing.store import holds
from shared.messaging import Transaction
from shared.refusals import Broken


async def broken_by_asking(tx: Transaction, patient_id: UUID, charge_id: UUID) -> list[Broken]:
    """What forbids asking for a charge."""
    return [HELD] if await holds.is_held(tx, patient_id, charge_id) else []


async def broken_by_trying(tx: Transaction, card_id: UUID) -> list[Broken]:
    """What forbids one more try at a card, after all those that it has had for whatever charge."""
    ceilings = await store.ceilings(tx, card_id, tx.now.astimezone(CLINIC_ZONE).date())
    allowed = allowed_from(await store.tried_at(tx, card_id), ceilings, tx.now)
    shown = f"{allowed.astimezone(CLINIC_ZONE):%B %-d, %-I:%M %p}"
    return broken_by_ceiling(allowed, tx.now, shown)
