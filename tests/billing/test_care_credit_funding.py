"""CareCredit's funding reports against the books: what came, what did not, what nobody knows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.books.funding import (
    FUNDED_WITHIN,
    FundingTie,
    Line,
    broken_by_report,
    judge_funding,
)
from services.billing.rules.books.reconciliation import BreakKind
from services.billing.rules.payments.care_credit import CareCreditState
from shared.auth import Role
from shared.events.billing import BooksReconciled
from tests.billing.conftest import Billing
from tests.billing.test_care_credit import step
from tests.billing.test_ledger import trial_balance
from tests.billing.test_outside_payments import pay, waiting_charge
from tests.billing.test_reconciliation import breaks, reconciled
from tests.billing.test_refunds import refund

NOW = datetime(2027, 3, 12, 11, 0, tzinfo=UTC)
TODAY = date(2027, 3, 12)
LINE = Line("CC-118834", 39900, 3950, 35950, TODAY)


def row(**changes: Any) -> dict[str, Any]:
    known = {"reference": "CC-118834", "gross_cents": 39900, "fee_cents": 3950}
    told = known | {"funded_on": "2026-11-23"} | changes
    return {"net_cents": told["gross_cents"] - told["fee_cents"]} | told


async def enter(billing: Billing, *rows: dict[str, Any], role: Role = Role.BILLER) -> Any:
    return await billing.ask("POST", "/care-credit/funding-reports", {"rows": rows}, role=role)


async def entered(billing: Billing, *rows: dict[str, Any]) -> dict[str, int]:
    answer = await enter(billing, *rows)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def paid_by_care_credit(billing: Billing, *, confirmed: bool = True) -> dict[str, Any]:
    """A charge that CareCredit paid, as far as the books know."""
    await billing.set_fee()
    charge = await waiting_charge(billing)
    paid = (await pay(billing, charge)).json()
    if confirmed:
        assert (await step(billing, paid["payment_id"], "confirm")).is_success
    return charge | {"payment_id": paid["payment_id"]}


async def states(billing: Billing) -> list[tuple[str, int | None]]:
    rows = await billing.rows("SELECT state, fee_cents FROM care_credit_tenders")
    return [(found.state, found.fee_cents) for found in rows]


# The rules


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        (LINE, []),
        (Line("CC-1", -39900, -3950, -35950, TODAY), []),
        (Line("CC-1", -39900, 0, -39900, TODAY), []),
        (Line("CC-1", 39900, 3950, 36000, TODAY), ["net_differs"]),
        (Line("CC-1", 0, 0, 0, TODAY), ["nothing_moved"]),
        (Line("CC-1", 100, 101, -1, TODAY), ["fee_above_amount"]),
        (Line("CC-1", 100, -1, 101, TODAY), ["fee_above_amount"]),
        (Line("CC-1", -100, 1, -101, TODAY), ["fee_above_amount"]),
        (Line("CC-1", 100, 0, 100, TODAY + timedelta(days=1)), ["funded_ahead"]),
        (Line("4242424242424242", 100, 0, 100, TODAY), ["reference_is_card_number"]),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: Line, rules: list[str]):
    assert [one.rule for one in broken_by_report([line], TODAY)] == rules


def test_a_line_that_is_in_a_report_twice_is_named_by_both_its_rows():
    broken = broken_by_report([LINE, Line("CC-1", 100, 0, 100, TODAY), LINE], TODAY)
    assert [(one.rule, one.field) for one in broken] == [
        ("line_twice", "rows.0"),
        ("line_twice", "rows.2"),
    ]


def tie(**changes: Any) -> FundingTie:
    known: dict[str, Any] = {
        "reference": "CC-118834",
        "state": CareCreditState.FUNDED,
        "booked_cents": 39900,
        "fee_cents": 3950,
        "found_cents": 39900,
        "found_fee_cents": 3950,
        "has_taken_back": False,
        "is_refunded": False,
        "since": NOW - timedelta(days=9),
        "last": NOW - timedelta(days=9),
    }
    return FundingTie(**known | changes)


CONFIRMED: dict[str, Any] = {"state": CareCreditState.CONFIRMED, "fee_cents": None}
NOT_FOUND: dict[str, Any] = {"found_cents": None, "found_fee_cents": 0}
UNKNOWN: dict[str, Any] = {"state": None, "booked_cents": 0, "fee_cents": None}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, None),
        (CONFIRMED | NOT_FOUND, BreakKind.NOT_FUNDED),
        (CONFIRMED | NOT_FOUND | {"state": CareCreditState.REPORTED}, BreakKind.NOT_FUNDED),
        (CONFIRMED | NOT_FOUND | {"last": NOW - FUNDED_WITHIN + timedelta(seconds=1)}, None),
        (CONFIRMED | NOT_FOUND | {"booked_cents": 0}, None),
        (NOT_FOUND, None),
        (CONFIRMED | {"found_cents": 38900}, BreakKind.AMOUNT_DIFFERS),
        (UNKNOWN, BreakKind.NOT_IN_BOOKS),
        (UNKNOWN | {"last": NOW}, None),
        ({"found_cents": 0, "found_fee_cents": 0, "has_taken_back": True}, BreakKind.TAKEN_BACK),
        ({"booked_cents": 29900, "is_refunded": True, "last": NOW - timedelta(days=4)}, None),
        ({"booked_cents": 29900, "is_refunded": True}, BreakKind.AMOUNT_DIFFERS),
        (
            {"state": CareCreditState.REJECTED, "booked_cents": 0, "fee_cents": None},
            BreakKind.AMOUNT_DIFFERS,
        ),
        (NOT_FOUND | {"state": CareCreditState.REJECTED, "booked_cents": 0}, None),
        ({"found_fee_cents": 4000}, BreakKind.AMOUNT_DIFFERS),
    ],
)
def test_what_the_two_sides_have_otherwise_is_a_break(
    changes: dict[str, Any], kind: BreakKind | None
):
    broken = judge_funding(tie(**changes), NOW)
    assert (broken and broken.kind) is kind


# A report is entered


async def test_a_payment_that_the_report_brings_is_funded_and_posted_once(billing: Billing):
    await paid_by_care_credit(billing)

    assert await entered(billing, row(reference=" cc-118834 ")) == {"rows": 1, "news": 1, "tied": 1}
    assert await entered(billing, row()) == {"rows": 1, "news": 0, "tied": 0}

    assert await states(billing) == [("funded", 3950)]
    assert await trial_balance(billing) == {
        "bank": 35950,
        "care_credit_fees": 3950,
        "revenue_infusion": 39900,
    }
    assert (await reconciled(billing))["breaks"] == 0


async def test_what_was_only_reported_is_confirmed_by_the_money(billing: Billing):
    await paid_by_care_credit(billing, confirmed=False)
    await entered(billing, row())
    assert await states(billing) == [("funded", 3950)]


async def test_of_a_report_with_a_wrong_row_nothing_is_kept(billing: Billing):
    await paid_by_care_credit(billing)
    answer = await enter(billing, row(), row(reference="CC-2", net_cents=1))
    [violation] = answer.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("net_differs", "rows.1.net_cents")
    assert await billing.rows("SELECT funding_id FROM care_credit_fundings") == []
    assert (await enter(billing, row(), role=Role.FRONT_DESK)).status_code == 403


async def test_the_report_counts_where_a_biller_noted_another_fee_by_hand(billing: Billing):
    paid = await paid_by_care_credit(billing)
    await step(billing, paid["payment_id"], "fund", fee_cents=3590)
    assert (await reconciled(billing))["breaks"] == 0

    await entered(billing, row())

    balance = await trial_balance(billing)
    assert (balance["bank"], balance["care_credit_fees"]) == (35950, 3950)
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    [differs] = await breaks(billing)
    assert (differs["kind"], differs["booked_cents"], differs["found_cents"]) == (
        "amount_differs",
        36310,
        35950,
    )


async def test_a_report_that_was_mistyped_is_mended_by_its_negative_and_the_right_one(
    billing: Billing,
):
    await paid_by_care_credit(billing)
    await entered(billing, row(gross_cents=38900))
    assert await states(billing) == [("confirmed", None)]
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    [differs] = await breaks(billing)
    assert (differs["kind"], differs["booked_cents"], differs["found_cents"]) == (
        "amount_differs",
        39900,
        38900,
    )

    await entered(billing, row(gross_cents=-38900, fee_cents=-3950), row())

    assert await states(billing) == [("funded", 3950)]
    assert "care_credit_clearing" not in await trial_balance(billing)
    assert (await reconciled(billing))["breaks"] == 0


# The daily tie


async def test_what_care_credit_never_sent_is_on_the_list_until_it_comes(billing: Billing):
    await paid_by_care_credit(billing)
    assert (await reconciled(billing))["breaks"] == 0
    billing.step(FUNDED_WITHIN + timedelta(hours=1))

    assert (await reconciled(billing))["breaks"] == 1
    [missing] = await breaks(billing)
    assert (missing["kind"], missing["subject"]) == ("not_funded", "care_credit")
    assert (missing["reference"], missing["age_days"]) == ("CC-118834", 5)
    assert "no funding report brought it" in missing["detail"]
    assert [told.breaks for told in await billing.said(BooksReconciled)][-1] == 1

    await entered(billing, row())
    assert (await reconciled(billing))["breaks"] == 0
    assert await breaks(billing) == []


async def test_money_that_nobody_knows_waits_for_its_payment_and_is_posted_then(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    assert (await entered(billing, row()))["tied"] == 0
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    [unknown] = await breaks(billing)
    assert (unknown["kind"], unknown["found_cents"]) == ("not_in_books", 39900)
    assert "CareCredit sent $399.00 under a reference that no payment has" in unknown["detail"]

    await pay(billing, charge)
    assert (await reconciled(billing))["breaks"] == 0

    assert await states(billing) == [("funded", 3950)]
    assert (await trial_balance(billing))["bank"] == 35950


async def test_what_care_credit_takes_back_is_a_break_until_the_refund_is_recorded(
    billing: Billing,
):
    charge = await paid_by_care_credit(billing)
    await entered(billing, row())
    taken = row(gross_cents=-39900, fee_cents=-3950)
    assert (await entered(billing, taken))["tied"] == 1
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    [back] = await breaks(billing)
    assert (back["kind"], back["booked_cents"], back["found_cents"]) == ("taken_back", 39900, 0)
    assert "Record the refund" in back["detail"]

    [payment] = (await billing.only_charge(charge["patient_id"]))["payments"]
    assert (await refund(billing, payment, reference="CCR-1")).is_success

    assert (await reconciled(billing))["breaks"] == 0
    balance = await trial_balance(billing)
    assert "bank" not in balance
    assert "care_credit_clearing" not in balance


async def test_what_comes_for_a_payment_that_was_rejected_is_for_a_person(billing: Billing):
    paid = await paid_by_care_credit(billing)
    await step(billing, paid["payment_id"], "reject", why="declined")
    assert (await entered(billing, row()))["tied"] == 0
    billing.step(timedelta(hours=2))
    await reconciled(billing)
    [came] = await breaks(billing)
    assert (came["kind"], came["booked_cents"], came["found_cents"]) == ("amount_differs", 0, 39900)
    assert "bank" not in await trial_balance(billing)


async def test_a_line_is_never_changed(billing: Billing):
    await paid_by_care_credit(billing)
    await entered(billing, row())
    for statement in (
        "UPDATE care_credit_fundings SET fee_cents = 1",
        "UPDATE care_credit_fundings SET tender_id = NULL",
        "DELETE FROM care_credit_fundings",
    ):
        async with billing.service.runtime.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append"):
                await connection.execute(text(statement))
