"""The obvious way to charge from a consumer: one payment after another, each between two commits.

It uses the same gateway. It keeps a row before and after each call and nothing else: no ledger, no
outbox, no retries, no limit on how long one slow answer holds up all that wait behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from bench.bare import connect
from services.billing.gateways.payments import Order, Payments
from services.billing.work import Captured

_TABLE = """
CREATE TABLE IF NOT EXISTS taken (attempt_id uuid PRIMARY KEY, payment_intent_id text)
"""


async def charge(database_url: str, payments: Payments, orders: Iterable[Order]) -> float:
    """Take every payment; seconds."""
    connection = await connect(database_url)
    try:
        await connection.execute(_TABLE)
        began = perf_counter()
        for order in orders:
            await connection.execute("INSERT INTO taken VALUES ($1)", order.attempt_id)
            outcome = await payments.capture(order)
            assert isinstance(outcome, Captured)
            await connection.execute(
                "UPDATE taken SET payment_intent_id = $2 WHERE attempt_id = $1",
                order.attempt_id,
                outcome.payment_intent_id,
            )
        return perf_counter() - began
    finally:
        await connection.close()
