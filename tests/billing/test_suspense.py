"""What Stripe moves of itself: its fees are booked, and what nobody knows waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.billing.rules.books.ledger import Account
from services.billing.rules.books.reconciliation import BreakKind
from services.billing.rules.books.suspense import IN_SUSPENSE, Belongs, broken_by_settling
from tests.billing.conftest import Billing
from tests.billing.test_approvals import limit, waiting
from tests.billing.test_reconciliation import FEE, accounts, breaks, pay_for_infusions, reconciled
from tests.billing.test_split_tenders import approve

DAY = timedelta(days=1)
NOTE = "Rolling reserve of 2026-11; ticket MADE-UP-2"


async def settle(billing: Billing, break_id: str, **wish: object) -> Any:
    path = f"/reconciliation-breaks/{break_id}/settle"
    return await billing.ask("POST", path, {"note": NOTE} | wish)


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("stripe_fee", "fee"),
        ("stripe_fee", "network_cost"),
        ("stripe_fx_fee", "fee"),
        ("tax_fee", "tax"),
        ("adjustment", "fee"),
    ],
)
async def test_what_stripe_takes_for_itself_is_a_fee_in_the_books(
    billing: Billing, kind: str, category: str
):
    await pay_for_infusions(billing)
    billing.world.stripe_moves(kind, -250, category, "Radar (2026-11-23): 5 screened")
    for _ in range(2):
        result = await reconciled(billing)
        assert (result["difference_cents"], result["breaks"]) == (0, 0)
    assert (await accounts(billing))["stripe_fees"] == FEE + 250


async def test_a_fee_that_stripe_gives_back_lessens_the_fees(billing: Billing):
    await pay_for_infusions(billing)
    billing.world.stripe_moves("stripe_fee", 30, "fee")
    assert (await reconciled(billing))["breaks"] == 0
    assert (await accounts(billing))["stripe_fees"] == FEE - 30


async def test_what_nobody_knows_is_in_suspense_until_a_person_says_where_it_belongs(
    billing: Billing,
):
    await pay_for_infusions(billing)
    moved = billing.world.stripe_moves("reserve_transaction", -5000, "risk_reserved_funds")
    result = await reconciled(billing)
    assert (result["difference_cents"], result["breaks"]) == (0, 1)
    assert (await accounts(billing))["suspense"] == -5000
    [found] = await breaks(billing)
    assert (found["kind"], found["reference"]) == ("in_suspense", moved)
    assert (found["booked_cents"], found["found_cents"]) == (0, -5000)
    assert "-$50.00" in found["detail"]

    for days in (5, 35):  # the money is paid out meanwhile
        billing.step(days * DAY)
        await reconciled(billing)
    [older] = await breaks(billing)
    assert (older["break_id"], older["age_days"]) == (found["break_id"], 40)

    nowhere = await settle(billing, found["break_id"])
    assert [one["rule"] for one in nowhere.json()["violations"]] == ["account_missing"]
    settled = await settle(billing, found["break_id"], belongs_to="stripe_reserve")
    assert settled.status_code == 201, settled.text
    held = await accounts(billing)
    assert "suspense" not in held
    assert held["stripe_reserve"] == 5000
    assert await breaks(billing) == []
    [kept] = await breaks(billing, settled=True)
    assert (kept["note"], kept["settled_by"]) == (NOTE, "staff-1")
    again = await settle(billing, found["break_id"], belongs_to="bank")
    assert [one["rule"] for one in again.json()["violations"]] == ["break_settled"]

    assert (await reconciled(billing))["breaks"] == 0
    assert await breaks(billing, settled=True) == []

    billing.world.stripe_moves("reserve_transaction", 5000, "risk_reserved_funds")
    await reconciled(billing)
    [back] = await breaks(billing)
    await settle(billing, back["break_id"], belongs_to="stripe_reserve")
    assert "stripe_reserve" not in await accounts(billing)


async def test_above_the_limit_a_second_person_looks_at_where_it_belongs(billing: Billing):
    await pay_for_infusions(billing)
    await limit(billing, "suspense", 6000)
    for _ in range(2):
        billing.world.stripe_moves("adjustment", -5000, "other_adjustment")
    await reconciled(billing)
    first, second = await breaks(billing)
    assert (await settle(billing, first["break_id"], belongs_to="bad_debt")).status_code == 201

    asked = (await settle(billing, second["break_id"], belongs_to="bad_debt")).json()
    assert (asked["state"], asked["patient_id"], asked["amount_cents"]) == ("pending", None, 5000)
    assert (await accounts(billing))["bad_debt"] == 5000, "the two are counted together"
    assert [one["approval_id"] for one in await waiting(billing)] == [asked["approval_id"]]

    alone = await approve(billing, asked["approval_id"], who="staff-1")
    assert alone.json()["violations"][0]["rule"] == "same_person"
    assert (await approve(billing, asked["approval_id"])).status_code == 201
    held = await accounts(billing)
    assert (held["bad_debt"], held.get("suspense")) == (10000, None)
    assert await breaks(billing) == []


def test_what_is_in_suspense_goes_somewhere_and_nothing_else_does():
    for kind in BreakKind:
        in_suspense = kind in IN_SUSPENSE
        assert bool(broken_by_settling(kind, None)) is in_suspense
        assert bool(broken_by_settling(kind, Belongs.BANK)) is not in_suspense


def test_where_it_may_belong_is_an_account_of_the_ledger():
    assert {Account(one) for one in Belongs} <= set(Account)
