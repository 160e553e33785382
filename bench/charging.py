"""The decider that is measured: billing's `charge_for_infusion`, and what it finds on file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from bench.bare import connect
from services.billing.rules.charges.pricing import fee_starts_at
from shared.clock import real_now
from shared.events.scheduling import VisitType
from shared.ids import new_id

FEE_CENTS = 39_900  # clinic FAQ: $399 per infusion
_FEE_SINCE = date(2020, 1, 1)

KEPT = ("inbox", "charges", "ledger_transfers", "payment_attempts", "due_work", "event_log")
"""The tables in which every charged infusion leaves one row."""

_FEE = """
INSERT INTO fees (fee_id, visit_type, amount_cents, effective_from, revision, starts_at,
                  recorded_at)
VALUES ($1, $2, $3, $4, 1, $5, $6)
"""
_CUSTOMERS = """
INSERT INTO customers (patient_id, stripe_customer_id, created_at)
SELECT p, 'cus_' || p, $2 FROM unnest($1::uuid[]) AS p
"""
_SETUPS = """
INSERT INTO card_setups (setup_id, patient_id, state, stripe_setup_intent_id, created_at, text_id)
SELECT p, p, 'saved', 'seti_' || p, $2, 1 FROM unnest($1::uuid[]) AS p
"""
_MANDATES = """
INSERT INTO mandates (mandate_id, patient_id, setup_id, text_id, way, agreed_at)
SELECT p, p, p, 1, 'hosted_page', $2 FROM unnest($1::uuid[]) AS p
"""
_CARDS = """
INSERT INTO cards (card_id, patient_id, setup_id, stripe_payment_method_id, set_up_at, saved_at)
SELECT p, p, p, 'pm_' || p, $2, $2 FROM unnest($1::uuid[]) AS p
"""


async def put_on_file(database_url: str, patients: Sequence[UUID]) -> None:
    """The fee in force, and a card of each patient."""
    now = real_now()
    connection = await connect(database_url)
    try:
        fee = (new_id(), VisitType.KETAMINE_MOOD.value, FEE_CENTS, _FEE_SINCE)
        await connection.execute(_FEE, *fee, fee_starts_at(_FEE_SINCE), now)
        for statement in (_CUSTOMERS, _SETUPS, _MANDATES, _CARDS):
            await connection.execute(statement, patients, now)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def kept(database_url: str) -> dict[str, int]:
    """How many rows each of the tables holds."""
    connection = await connect(database_url)
    try:
        return {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in KEPT}
    finally:
        await connection.close()
