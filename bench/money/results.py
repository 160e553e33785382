"""What a run found of billing, and its figures under the names by which others read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.ground import Ground
from bench.money import charges, ledger, superbills, webhooks
from bench.money.charges import Charges
from bench.money.ledger import Ledgers
from bench.money.stripe import slow_down
from bench.money.superbills import Superbills
from bench.money.webhooks import Webhooks
from bench.practice import practice_of
from bench.sizes import Sizes
from shared.ids import new_id

PATIENTS = 60


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in one practice, one after the other."""

    charges: Charges
    webhooks: Webhooks
    superbills: Superbills
    ledgers: Ledgers


@dataclass(frozen=True, slots=True)
class Results:
    """One run, whole."""

    at: datetime
    took_s: float
    quick: bool
    machine: Mapping[str, str]
    measured: Measured

    def figures(self) -> dict[str, Any]:
        """Their part of `docs/benchmarks.json`."""
        found = self.measured
        charged, told, printed = found.charges, found.webhooks, found.superbills
        return {
            "charges": {
                "per_s": round(charged.workers.median, 1),
                "one_by_one_per_s": round(charged.one_by_one.median, 1),
                "ratio": round(charged.ratio, 2),
            },
            "webhooks": {
                "per_s": round(told.billing.rate.median, 1),
                "p99_ms": round(told.billing.delay.p99_ms, 1),
                "worked_per_s": round(told.worked.median, 1),
                "in_request_per_s": round(told.in_request.rate.median, 1),
                "in_request_p99_ms": round(told.in_request.delay.p99_ms, 1),
                "ratio": round(told.ratio, 2),
            },
            "superbills": {
                "per_s": round(printed.whole.median, 1),
                "pdfs_per_s": round(printed.archived.median, 1),
                "plain_pdfs_per_s": round(printed.plain.median, 1),
                "kb": round(printed.kb),
            },
            "ledger": {
                "transfers": found.ledgers.large.transfers,
                "balance_p50_ms": round(found.ledgers.large.balance.p50_ms, 1),
                "balance_ratio": round(found.ledgers.balance_ratio, 2),
                "aged_p50_ms": round(found.ledgers.large.aged.p50_ms, 1),
                "trial_p50_ms": round(found.ledgers.large.trial.p50_ms, 1),
            },
        }


def steps(sizes: Sizes) -> dict[str, int]:
    """How many steps each measurement has."""
    return dict.fromkeys(("charges", "webhooks", "superbills"), 2 * sizes.rounds) | {
        "ledger": len(sizes.ledgers)
    }


async def measure(
    ground: Ground, sizes: Sizes, begin: Callable[[str], Callable[[], object]]
) -> Measured:
    """One measurement after the other, so that none disturbs another, in one practice.

    The first charges' infusions cannot be asked about, so that no superbill is printed beside
    them; the work that redeems them is parked.
    """
    async with practice_of(ground, "money") as stage:
        patients = [new_id() for _ in range(PATIENTS)]
        await stage.take_in(patients)
        await slow_down(stage)
        plain = await ground.scheduling()
        charged = await charges.measure(stage, plain, patients, sizes, begin("charges"))
        told = await webhooks.measure(ground, stage, plain, sizes, begin("webhooks"))
        printed = await superbills.measure(stage, patients, sizes, begin("superbills"))
        looked = await ledger.measure(stage, sizes, begin("ledger"))
    return Measured(charged, told, printed, looked)
