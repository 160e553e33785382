"""The ledger's pages, with few and with many transfers in it.

Balances are kept nowhere: each page sums over the transfers. A patient has twelve charges, each
with its payment, except every twentieth, which is still owed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

from bench.bare import connect
from bench.figures import Latency
from bench.practice import Stage
from bench.sizes import Sizes
from shared.auth import Role

EACH = 24
"""Transfers of a patient whose charges are all paid."""

_FILL = """
INSERT INTO ledger_transfers (transfer_id, reason, source_id, leg, debit, credit, amount_cents,
                              patient_id, charge_id, happened_at, posted_at)
SELECT gen_random_uuid(), reason, charge_id::text, 1, debit, credit, 39900,
       patient_id, charge_id, at, at
  FROM (SELECT patient_id, charge_id, now() - charge * interval '9 days' AS at,
               (patient + charge) % 20 = 0 AS owed
          FROM (SELECT patient, gen_random_uuid() AS patient_id
                  FROM generate_series(1, $1::int) AS patient OFFSET 0) AS patients,
               LATERAL (SELECT charge, gen_random_uuid() AS charge_id
                          FROM generate_series(1, 12) AS charge
                         WHERE patient > 0) AS charges) AS charges,
       (VALUES ('charge_posted', 'patient_receivable', 'revenue_infusion'),
               ('card_captured', 'stripe_clearing', 'patient_receivable'))
         AS moves (reason, debit, credit)
 WHERE reason = 'charge_posted' OR NOT owed
"""
_COUNT = "SELECT count(*) FROM ledger_transfers"
_SOME = "SELECT DISTINCT patient_id FROM ledger_transfers WHERE patient_id IS NOT NULL LIMIT $1"


@dataclass(frozen=True, slots=True)
class Looked:
    """How long each page takes with so many transfers stored."""

    transfers: int
    balance: Latency
    aged: Latency
    trial: Latency


@dataclass(frozen=True, slots=True)
class Ledgers:
    small: Looked
    large: Looked

    @property
    def balance_ratio(self) -> float:
        """A patient's balance with the larger ledger to that with the smaller."""
        return self.large.balance.p50_ms / self.small.balance.p50_ms


async def measure(stage: Stage, sizes: Sizes, step: Callable[[], object]) -> Ledgers:
    """First at the smaller size, then at the larger. `step` is called after each."""
    found = []
    for size in sizes.ledgers:
        found.append(await _look(stage, size, sizes.looks))
        step()
    return Ledgers(*found)


async def _look(stage: Stage, size: int, looks: int) -> Looked:
    transfers, patients = await _filled(stage, size, looks)

    async def read(path: str) -> float:
        began = perf_counter()
        await stage.desk.get("billing", path, role=Role.BILLER)
        return perf_counter() - began

    return Looked(
        transfers,
        Latency.of_seconds([await read(f"/patients/{one}/balance") for one in patients]),
        Latency.of_seconds([await read("/reports/aged-receivables") for _ in range(looks)]),
        Latency.of_seconds([await read("/ledger/accounts") for _ in range(looks)]),
    )


async def _filled(stage: Stage, size: int, some: int) -> tuple[int, list[UUID]]:
    """Have about so many transfers; how many there are, and patients who have some."""
    connection = await connect(stage.billing_database)
    try:
        missing = max(0, size - await connection.fetchval(_COUNT))
        await connection.execute(_FILL, missing // EACH)
        await connection.execute("ANALYZE ledger_transfers")
        rows = await connection.fetch(_SOME, some)
        return await connection.fetchval(_COUNT), [row["patient_id"] for row in rows]
    finally:
        await connection.close()
