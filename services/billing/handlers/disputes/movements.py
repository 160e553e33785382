"""What a dispute moved, posted once; another decision of the bank is booked by its money."""

from __future__ import annotations

from uuid import UUID

from services.billing.rules.books import ledger
from services.billing.rules.disputes import course as rules
from services.billing.rules.disputes.course import DisputeState
from services.billing.store import disputes as store
from services.billing.store.ledger import post
from services.billing.store.refunds import LockedPayment
from services.billing.work import DisputeStands
from shared.errors import Poison
from shared.messaging import Transaction


async def note_movements(
    dispute_id: UUID, paid: LockedPayment | None, stands: DisputeStands, tx: Transaction
) -> None:
    """The bank's money is neither the clinic's nor the patient's until it has decided."""
    patient_id, charge_id = (paid.patient_id, paid.charge_id) if paid else (None, None)
    for moved in stands.movements:
        if await store.note_movement(tx, dispute_id, moved):
            post(tx, ledger.dispute_moved(patient_id, charge_id, moved))


async def check_reversal(dispute_id: UUID, news: DisputeState, tx: Transaction) -> None:
    """What moved no money, or is decided again and again, is for a person."""
    if not rules.money_agrees(news, await store.held_cents(tx, dispute_id)):
        raise Poison(f"dispute_{news.value}_after_all_and_no_money_moved")
    if news is DisputeState.LOST and await store.was_won_back(tx, dispute_id):
        raise Poison("dispute_decided_more_than_twice")
