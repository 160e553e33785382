"""A patient's statement says every cent that the ledger says, and ends on what is owed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from services.billing.gateways.typesetting import Template
from services.billing.rules.books import statements as rules
from services.billing.rules.books.ledger import Reason
from services.billing.rules.books.statements import (
    Addressee,
    EntryKind,
    Letterhead,
    Moved,
    Statement,
    account_of,
)
from services.billing.rules.clinic import CLINIC_ZONE, clinic_day
from shared.auth import Role
from shared.events.billing import TenderKind
from shared.ids import new_id
from tests.billing.bills import printed, words_of
from tests.billing.conftest import Billing
from tests.billing.records import CANARIES

GOLDEN = Path(__file__).parent / "golden" / "statement.txt"
SINCE, UNTIL = date(2026, 11, 1), date(2026, 11, 30)
AT = datetime(2026, 11, 23, 19, 40, tzinfo=UTC)
CHARGE = UUID(int=1)


def moved(reason: Reason, amount_cents: int, **changes: Any) -> Moved:
    known: dict[str, Any] = {
        "posted_at": AT,
        "reason": reason,
        "undoes": None,
        "amount_cents": amount_cents,
        "charge_id": CHARGE,
        "served_on": None,
        "tender": None,
        "reference": None,
    }
    return Moved(**known | changes)


EVENTFUL = [
    moved(Reason.CHARGE_POSTED, 39900, served_on=date(2026, 11, 23)),
    moved(Reason.CARD_CAPTURED, -20000, tender=TenderKind.CARD, reference="made-up-payment-1"),
    moved(Reason.OUTSIDE_PAYMENT, -19900, tender=TenderKind.CARE_CREDIT, reference="CC-118834"),
    moved(Reason.REVERSAL, 19900, undoes=Reason.OUTSIDE_PAYMENT),
    moved(Reason.DISPUTE_LOST, 20000),
    moved(Reason.DISCOUNTED, -29900),
    moved(Reason.WRITTEN_OFF, -10000),
    moved(Reason.REFUND_STARTED, 5000, tender=TenderKind.CARD, reference="made-up-refund-1"),
    moved(Reason.REFUND_STARTED, -5000, tender=TenderKind.CARD, reference="made-up-refund-1"),
    moved(Reason.UNMATCHED_APPLIED, -100, tender=TenderKind.CARD, reference="made-up-payment-2"),
    moved(Reason.PACKAGE_PAID, -70000, tender=TenderKind.CHECK, reference="V 12"),
    moved(Reason.PACKAGE_PAID, 70000, tender=TenderKind.CHECK, reference="V 12"),
    moved(Reason.CHARGE_POSTED, 35000, served_on=date(2026, 11, 23)),
    moved(Reason.PREPAID_USED, -35000, tender=TenderKind.PREPAID),
    moved(Reason.REFUND_STARTED, 35000, tender=TenderKind.PREPAID),
    moved(Reason.REFUND_STARTED, -35000, tender=TenderKind.PREPAID),
    moved(Reason.PACKAGE_REFUNDED, -35000, tender=TenderKind.CHECK, reference="V 13"),
    moved(Reason.PACKAGE_REFUNDED, 35000, tender=TenderKind.CHECK, reference="V 13"),
    moved(Reason.REVERSAL, 35000, undoes=Reason.PACKAGE_REFUNDED),
    moved(Reason.REVERSAL, -35000, undoes=Reason.PACKAGE_REFUNDED),
]


def test_each_entry_is_told_in_words_and_leaves_its_balance():
    account = account_of(SINCE, UNTIL, 100, EVENTFUL, 0, CLINIC_ZONE)
    assert [(one.kind.value, one.words, one.balance_cents) for one in account.entries] == [
        ("charge", "Office visit on 11/23/2026", 40000),
        ("payment", "Payment by card", 20000),
        ("payment", "Payment by CareCredit", 100),
        ("correction", "Payment that did not come", 20000),
        ("correction", "Payment that the bank took back", 40000),
        ("reduction", "Discount", 10100),
        ("reduction", "Written off", 100),
        ("refund", "Refund by card", 5100),
        ("reduction", "Charge reduced with the refund", 100),
        ("payment", "Payment by card", 0),
        ("payment", "Payment by check", -70000),
        ("package", "Put into a prepaid package", 0),
        ("charge", "Office visit on 11/23/2026", 35000),
        ("package", "Taken from a prepaid package", 0),
        ("package", "Put into a prepaid package", 35000),
        ("reduction", "Charge reduced with the refund", 0),
        ("package", "Taken from a prepaid package", -35000),
        ("refund", "Refund by check", 0),
        ("package", "Put into a prepaid package", 35000),
        ("correction", "Refund that did not arrive", 0),
    ]
    assert account.balance_cents == 0
    assert account.packaged_cents == 70000


@given(
    forward=st.integers(-100_000, 100_000),
    amounts=st.lists(st.integers(-50_000, 50_000).filter(bool), max_size=20),
    reasons=st.lists(st.sampled_from(list(Reason)), min_size=20, max_size=20),
)
def test_whatever_was_posted_the_sums_make_the_balance(
    forward: int, amounts: list[int], reasons: list[Reason]
):
    rows = [moved(reason, cents) for reason, cents in zip(reasons, amounts, strict=False)]
    account = account_of(SINCE, UNTIL, forward, rows, 0, CLINIC_ZONE)
    assert account.balance_cents == forward + sum(amounts)
    assert account.balance_cents == (
        account.forward_cents
        + account.charged_cents
        - account.paid_cents
        + account.refunded_cents
        - account.reduced_cents
        + account.packaged_cents
        + account.corrected_cents
    )


@pytest.mark.parametrize(
    ("since", "until", "broken"),
    [
        (SINCE, UNTIL, []),
        (UNTIL, SINCE, ["days_reversed"]),
        (SINCE, UNTIL + timedelta(days=1), ["days_ahead"]),
        (UNTIL - timedelta(days=731), UNTIL, []),
        (UNTIL - timedelta(days=732), UNTIL, ["too_many_days"]),
    ],
)
def test_a_statement_is_of_days_that_are_past_and_not_too_many(
    since: date, until: date, broken: list[str]
):
    assert [one.rule for one in rules.broken_by_span(since, until, UNTIL)] == broken


def statement() -> Statement:
    address = ("1500 Duke Street", "Suite 200", "Alexandria, VA 22314")
    return Statement(
        title=rules.TITLE,
        issued_on=UNTIL,
        clinic=Letterhead("Made Up Ketamine Clinic PLLC", "(202) 555-0149", address),
        patient=Addressee("Testa Canary", address),
        account=account_of(SINCE, UNTIL, 100, EVENTFUL, 2500, CLINIC_ZONE),
        notice=rules.NOTICE,
    )


async def test_the_words_of_the_document_are_the_golden_ones():
    pdf = await printed(statement(), Template.STATEMENT)
    assert words_of(pdf).split() == GOLDEN.read_text().split()
    [twin] = PdfReader(io.BytesIO(pdf)).attachments["statement.json"]
    assert twin == orjson.dumps(statement())


async def infuse(billing: Billing, patient_id: UUID) -> str:
    await billing.hear(billing.complete(patient_id))
    await billing.until_rest()
    return str((await billing.charges(patient_id))[-1]["charge_id"])


async def eventful(billing: Billing) -> UUID:
    """A day with a card, and a day with cash, a discount and a refund."""
    await billing.set_fee()
    patient_id = new_id()
    await billing.save_card(patient_id)
    await infuse(billing, patient_id)
    billing.step(timedelta(days=1))
    appointment_id = await billing.book(patient_id)
    assert (await billing.choose(appointment_id, patient_id, "cash")).is_success
    await billing.hear(billing.complete(patient_id, appointment_id=appointment_id))
    await billing.until_rest()
    charge = f"/charges/{(await billing.charges(patient_id))[-1]['charge_id']}"
    cash = {"tender": "cash", "reference": "RECEIPT-0001", "amount_cents": 20000}
    await billing.told("POST", f"{charge}/outside-payments", cash)
    discount = {"kind": "discount", "reason": "courtesy", "amount_cents": 900}
    await billing.told("POST", f"{charge}/adjustments", discount)
    [first, _] = await billing.charges(patient_id)
    refund = {"amount_cents": 5000, "reason": "service_problem"}
    payment_id = first["payments"][0]["payment_id"]
    await billing.told("POST", f"/payments/{payment_id}/refunds", refund)
    await billing.until_rest()
    return patient_id


async def account(billing: Billing, patient_id: UUID, since: date, until: date) -> Any:
    path = f"/patients/{patient_id}/account?since={since}&until={until}"
    return (await billing.told("GET", path))["account"]


async def test_the_running_balance_ends_on_what_the_ledger_says_is_owed(billing: Billing):
    patient_id = await eventful(billing)
    today = clinic_day(billing.clock.now())
    whole = await account(billing, patient_id, today - timedelta(days=1), today)
    owed = (await billing.told("GET", f"/patients/{patient_id}/balance"))["owed_cents"]
    assert whole["balance_cents"] == owed == 39900 - 20000 - 900
    assert [(one["kind"], one["amount_cents"]) for one in whole["entries"]] == [
        ("charge", 39900),
        ("payment", -39900),
        ("charge", 39900),
        ("payment", -20000),
        ("reduction", -900),
        ("refund", 5000),
        ("reduction", -5000),
    ]


async def test_a_day_begins_with_what_the_days_before_it_left(billing: Billing):
    patient_id = await eventful(billing)
    today = clinic_day(billing.clock.now())
    yesterday = today - timedelta(days=1)
    first = await account(billing, patient_id, yesterday, yesterday)
    second = await account(billing, patient_id, today, today)
    assert first["balance_cents"] == second["forward_cents"] == 0
    assert len(first["entries"]) == 2
    assert len(second["entries"]) == 5


async def test_the_table_has_the_same_rows(billing: Billing):
    patient_id = await eventful(billing)
    today = clinic_day(billing.clock.now())
    answer = await billing.ask("GET", f"/patients/{patient_id}/account.csv?since={today}")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["kind"], row["amount"], row["balance"]) for row in rows] == [
        ("balance_forward", "", "0.00"),
        ("charge", "399.00", "399.00"),
        ("payment", "-200.00", "199.00"),
        ("reduction", "-9.00", "190.00"),
        ("refund", "50.00", "240.00"),
        ("reduction", "-50.00", "190.00"),
    ]
    assert "RECEIPT-0001" not in answer.text


async def test_a_printed_statement_is_addressed_sealed_and_tells_no_diagnosis(billing: Billing):
    patient_id, location_id = await eventful(billing), new_id()
    billing.scheduling.has_patient(patient_id, first_name="Testa", last_name="Canary")
    billing.scheduling.has_location(location_id)
    today = clinic_day(billing.clock.now())
    wish = {"since": str(today), "location_id": str(location_id)}
    asked = await billing.told("POST", f"/patients/{patient_id}/statements", wish)
    assert asked["ready_at"] is None
    await billing.until_rest()

    [listed] = (await billing.told("GET", f"/patients/{patient_id}/statements"))["items"]
    assert await billing.parked() == []
    assert listed["ready_at"] is not None
    pdf = (await billing.ask("GET", f"/statements/{asked['statement_id']}/pdf")).content
    words = words_of(pdf)
    for told in ("Testa Canary", "Reference RECEIPT-0001", "You owe $190.00", "Balance forward"):
        assert told in words
    for told_not in ("F33.2", "96365", "infusion", "depress"):
        assert told_not not in words
    [row] = await billing.rows("SELECT content, document FROM patient_statements")
    assert not any(one.encode() in bytes(row.content) + bytes(row.document) for one in CANARIES)
    purposes = {one.purpose for one in billing.scheduling.asked if "/patients/" in one.path}
    assert purposes == {"statement"}


async def test_a_statement_of_a_patient_is_read_by_the_desk_and_noted(billing: Billing):
    patient_id = await eventful(billing)
    path = f"/patients/{patient_id}/account?since=2026-11-01"
    assert (await billing.ask("GET", path, role=Role.FRONT_DESK)).is_success
    assert (await billing.ask("GET", path, role=Role.NURSE)).status_code == 403
    noted = await billing.rows(
        "SELECT patient_id, purpose FROM audit_log WHERE entity LIKE 'GET %/account%'"
    )
    assert [(one.patient_id, one.purpose) for one in noted] == [(patient_id, "payment")]


async def test_a_statement_of_nobody_is_refused_at_once(billing: Billing):
    wish = {"since": "2026-11-01", "location_id": str(new_id())}
    nobody, booked = new_id(), new_id()
    answer = await billing.ask("POST", f"/patients/{nobody}/statements", wish)
    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert violation["rule"] == "nothing_to_state"
    assert "Check the patient's id." in violation["detail"]
    assert await billing.rows("SELECT 1 FROM patient_statements") == []
    await billing.book(booked)
    assert (await billing.ask("POST", f"/patients/{booked}/statements", wish)).is_success


async def test_a_statement_that_is_not_printed_yet_is_not_there(billing: Billing):
    answer = await billing.ask("GET", f"/statements/{new_id()}/pdf")
    assert answer.status_code == 404


def test_each_kind_of_entry_is_told():
    told = {one.kind for one in account_of(SINCE, UNTIL, 0, EVENTFUL, 0, CLINIC_ZONE).entries}
    assert told == set(EntryKind)


def test_what_a_bank_took_gave_back_and_is_not_needed_any_more_are_told_apart():
    course = [
        moved(Reason.DISPUTE_LOST, 20000),
        moved(Reason.REVERSAL, -20000, undoes=Reason.DISPUTE_LOST),
        moved(Reason.UNAPPLIED, 20000),
    ]
    entries = account_of(SINCE, UNTIL, -20000, course, 20000, CLINIC_ZONE).entries
    assert [(one.words, one.balance_cents) for one in entries] == [
        ("Payment that the bank took back", 0),
        ("Payment that the bank gave back", -20000),
        ("Kept to be given back to you", 0),
    ]
