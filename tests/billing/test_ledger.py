"""The ledger: it sums to zero, nobody changes it, and balances follow from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Database
from services.billing.rules.books import ledger
from services.billing.rules.books.ledger import Account, AccountKind, OfCharge, Reason
from services.billing.rules.disputes.course import Loss, Moved
from services.billing.store import ledger as store
from shared.auth import Role
from shared.db import create_engine
from shared.events.billing import ServiceKind, TenderKind
from shared.ids import new_id
from tests.billing.conftest import Billing

AT = datetime(2026, 11, 23, 14, tzinfo=UTC)


@pytest.fixture
async def engine(migrated: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(migrated.url, pool_size=2)
    yield engine
    await engine.dispose()


def transfer(**changes: object) -> str:
    row = {
        "transfer_id": new_id(),
        "reason": "charge_posted",
        "source_id": new_id(),
        "leg": 1,
        "debit": "patient_receivable",
        "credit": "revenue_infusion",
        "amount_cents": 39900,
        "patient_id": new_id(),
        "charge_id": new_id(),
        "happened_at": "2026-11-23T14:00Z",
        "posted_at": "2026-11-23T14:00Z",
    } | changes
    names = ", ".join(row)
    values = ", ".join("NULL" if value is None else f"'{value}'" for value in row.values())
    return f"INSERT INTO ledger_transfers ({names}) VALUES ({values})"


async def write(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("changes", "refused_by"),
    [
        ({"amount_cents": 0}, "ck_ledger_transfers_amount"),
        ({"amount_cents": -39900}, "ck_ledger_transfers_amount"),
        ({"credit": "patient_receivable"}, "ck_ledger_transfers_accounts"),
        ({"credit": "a_made_up_account"}, "fk_ledger_transfers_credit"),
        ({"patient_id": None, "charge_id": None}, "ck_ledger_transfers_patient"),
        (
            {"debit": "stripe_clearing", "credit": "bank", "patient_id": None},
            "ck_ledger_transfers_charge",
        ),
        ({"reverses": new_id()}, "a reversal mirrors"),
    ],
)
async def test_a_transfer_that_does_not_balance_is_refused(
    engine: AsyncEngine, changes: dict[str, object], refused_by: str
):
    with pytest.raises(DBAPIError, match=refused_by):
        await write(engine, transfer(**changes))


async def test_a_cause_is_posted_once(engine: AsyncEngine):
    cause = new_id()
    await write(engine, transfer(source_id=cause))
    with pytest.raises(DBAPIError, match="uq_ledger_transfers_reason_source_id_leg"):
        await write(engine, transfer(source_id=cause))


@pytest.mark.parametrize("table", ["ledger_transfers", "ledger_accounts"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"],
)
async def test_nobody_changes_the_ledger(engine: AsyncEngine, table: str, statement: str):
    column = "leg" if table == "ledger_transfers" else "name"
    await write(engine, transfer())
    with pytest.raises(DBAPIError, match="is append-only"):
        await write(engine, statement.format(table, column, column))


async def test_a_reversal_mirrors_what_it_reverses_and_comes_once(engine: AsyncEngine):
    posted, of = new_id(), {"patient_id": new_id(), "charge_id": new_id()}
    mirror: dict[str, Any] = {
        "debit": "revenue_infusion",
        "credit": "patient_receivable",
        "reason": "reversal",
        "reverses": posted,
    } | of
    await write(engine, transfer(transfer_id=posted, **of))
    for wrong in (
        {"amount_cents": 39800},
        {"debit": "discount"},
        {"debit": "patient_receivable", "credit": "revenue_infusion"},
        {"patient_id": new_id()},
    ):
        with pytest.raises(DBAPIError, match="a reversal mirrors"):
            await write(engine, transfer(**(mirror | wrong)))
    reversal = new_id()
    await write(engine, transfer(**mirror, transfer_id=reversal))
    with pytest.raises(DBAPIError, match="uq_ledger_transfers_reverses"):
        await write(engine, transfer(**mirror))
    back = {"debit": "patient_receivable", "credit": "revenue_infusion", "reverses": reversal}
    with pytest.raises(DBAPIError, match="a reversal mirrors"):
        await write(engine, transfer(**of, **back, reason="reversal"))


async def test_every_account_of_the_rules_is_seeded(engine: AsyncEngine):
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT account, kind FROM ledger_accounts"))
        seeded = {Account(row.account): AccountKind(row.kind) for row in rows}
    assert set(seeded) == set(Account)


OF = OfCharge(new_id(), new_id())
POSTINGS = [
    ledger.charge_posted(OF, 39900, ServiceKind.INFUSION, AT),
    ledger.card_captured(OF, new_id(), 39900, AT),
    *(ledger.outside_payment(OF, new_id(), kind, 39900, AT) for kind in TenderKind),
    ledger.discounted(OF, new_id(), 5000, AT),
    ledger.written_off(OF, new_id(), 5000, AT),
    ledger.refund_started(OF, new_id(), 39900, AT, given_up=False),
    ledger.refund_started(OF, new_id(), 39900, AT, given_up=True),
    ledger.refund_sent(OF.patient_id, OF.charge_id, new_id(), TenderKind.CARD, 39900, AT),
    ledger.refund_by_bank(OF.patient_id, OF.charge_id, new_id(), 39900, AT),
    ledger.refund_beyond(OF.patient_id, new_id(), 10000, AT),
    ledger.unmatched_refunded(OF.patient_id, new_id(), 39900, AT),
    ledger.unmatched_taken(OF.patient_id, "pi_made_up", 39900, AT),
    ledger.unmatched_applied(OF, "pi_made_up", 39900, AT),
    ledger.unmatched_returned(OF.patient_id, "pi_made_up", 39900, AT),
    ledger.care_credit_funded(new_id(), 39900, 3950, AT),
    ledger.care_credit_funded(new_id(), 39900, 0, AT),
    ledger.dispute_moved(OF.patient_id, OF.charge_id, Moved("txn_made_up", -39900, AT)),
    ledger.dispute_moved(OF.patient_id, OF.charge_id, Moved("txn_made_up", 39900, AT)),
    ledger.dispute_lost(OF.patient_id, OF.charge_id, new_id(), Loss(30000, 5900, 4000), AT),
    ledger.unknown_lost(new_id(), 39900, AT),
    ledger.unapplied(OF, new_id(), 39900, AT),
    ledger.dispute_lost(OF.patient_id, None, new_id(), Loss(39900, 0), AT),
    ledger.stripe_fee("txn_made_up", 1187, AT),
    ledger.stripe_fee("txn_made_up", -30, AT),
    ledger.stripe_moved("txn_made_up", -5000, AT),
    ledger.suspense_settled("txn_made_up", -5000, Account.STRIPE_RESERVE, AT),
    ledger.payout("po_made_up", 38713, AT),
    ledger.package_paid(OF.patient_id, new_id(), TenderKind.CASH, 70001, AT),
    ledger.prepaid_used(OF, new_id(), 35000, AT),
    ledger.package_refunded(OF.patient_id, new_id(), 35001, AT),
]


@pytest.mark.parametrize("posting", POSTINGS, ids=lambda one: one.reason)
def test_a_posting_moves_cents_between_two_accounts_and_says_whose_they_are(
    posting: ledger.Posting,
):
    assert posting.legs
    for leg in posting.legs:
        assert leg.amount_cents > 0
        assert leg.debit is not leg.credit
        if {leg.debit, leg.credit} & {Account.PATIENT_RECEIVABLE, Account.UNMATCHED_MONEY}:
            assert posting.patient_id is not None


def test_every_reason_has_its_posting():
    assert {one.reason for one in POSTINGS} == set(Reason) - {Reason.REVERSAL}


async def trial_balance(billing: Billing) -> dict[str, int]:
    """The accounts on which something stands."""
    found = await billing.told("GET", "/ledger/accounts")
    assert found["debit_cents"] == found["credit_cents"]
    return {
        one["account"]: one["balance_cents"] for one in found["accounts"] if one["balance_cents"]
    }


async def test_an_infusion_is_owed_until_its_card_is_charged(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    charge = await billing.only_charge(patient)

    owing = await billing.told("GET", f"/patients/{patient}/balance")
    assert owing["owed_cents"] == 39900
    assert [(one["charge_id"], one["owed_cents"]) for one in owing["owed"]] == [
        (charge["charge_id"], 39900)
    ]
    assert await trial_balance(billing) == {"patient_receivable": 39900, "revenue_infusion": 39900}

    await billing.save_card(patient)
    await billing.told("POST", f"/charges/{charge['charge_id']}/attempts", {})
    await billing.until_rest()

    settled = await billing.told("GET", f"/patients/{patient}/balance")
    assert (settled["owed_cents"], settled["owed"]) == (0, [])
    assert await trial_balance(billing) == {"stripe_clearing": 39900, "revenue_infusion": 39900}


async def test_what_was_posted_by_mistake_goes_back_the_way_it_came(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    charge = await billing.only_charge(patient)

    for legs in (1, 0):
        async with billing.service.runtime.work.transaction() as tx:
            reversed_legs = await store.reverse(tx, Reason.CHARGE_POSTED, charge["charge_id"])
        assert reversed_legs == legs

    assert await trial_balance(billing) == {}
    assert len(await billing.rows("SELECT transfer_id FROM ledger_transfers")) == 2


async def test_a_patient_who_was_never_charged_owes_nothing(billing: Billing):
    found = await billing.told("GET", f"/patients/{new_id()}/balance")
    assert (found["owed_cents"], found["credit_cents"], found["owed"]) == (0, 0, [])


async def test_the_front_desk_does_not_read_the_accounts(billing: Billing):
    answer = await billing.ask("GET", "/ledger/accounts", role=Role.FRONT_DESK)
    assert answer.status_code == 403
