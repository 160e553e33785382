"""A card is charged only as long as its patient lets it be, in words that are on record."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.local.postgres import Database
from services.billing.rules.payments.cards import SetupState
from services.billing.rules.payments.mandates import Way, broken_by_agreement, broken_by_text
from shared.auth import Role
from shared.db import create_engine
from shared.events.billing import DeclineReason, PaymentDeclined
from shared.ids import new_id
from tests.billing.bills import words_of
from tests.billing.conftest import Billing, seen_by_stripe
from tests.billing.test_disputes import dispute_the_payment, only
from tests.support.eventually import eventually

LATER_TEXT = {
    "effective_from": "2026-11-24",
    "body": "I let the clinic charge this card after each visit, and may take that back any day.",
    "source": "made up for a test",
}


async def mandates_of(billing: Billing, patient: object) -> list[dict[str, Any]]:
    return list((await billing.told("GET", f"/patients/{patient}/mandates"))["items"])


async def attempt_of(billing: Billing, patient: Any) -> tuple[str, str]:
    [attempt] = [
        one
        for one in (await billing.only_charge(patient))["attempts"]
        if one["state"] == "declined"
    ]
    return attempt["reason"], attempt["detail"]


# The rules


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, []),
        ({"state": SetupState.SAVED}, []),
        ({"state": SetupState.FAILED}, ["setup_failed"]),
        ({"text_id": 2}, ["mandate_text_not_shown"]),
        ({"way": Way.IN_PERSON}, []),
        ({"way": Way.IN_PERSON, "has_ip": True}, ["address_of_the_desk"]),
        ({"is_known": True, "text_id": 2}, ["mandate_known"]),
    ],
)
def test_when_an_agreement_is_taken_down(changes: dict[str, Any], rules: list[str]):
    told = {
        "state": SetupState.READY,
        "shown_text_id": 1,
        "text_id": 1,
        "way": Way.HOSTED_PAGE,
        "has_ip": False,
        "is_known": False,
    }
    assert [one.rule for one in broken_by_agreement(**told | changes)] == rules


@pytest.mark.parametrize(
    ("begins", "rules"),
    [
        (date(2026, 11, 22), ["mandate_text_past"]),
        (date(2026, 11, 23), []),
        (date(2029, 1, 1), ["mandate_text_far_ahead"]),
    ],
)
def test_a_text_begins_today_or_within_two_years(begins: date, rules: list[str]):
    assert [one.rule for one in broken_by_text(begins, date(2026, 11, 23))] == rules


# What is kept


async def test_who_agreed_to_which_words_when_and_how_is_on_record(billing: Billing):
    patient = new_id()
    on_page = await billing.start_setup(patient, agrees=False)
    assert on_page["is_agreed"] is False
    told = await billing.agree(patient, on_page, ip="203.0.113.7")
    at_desk = await billing.start_setup(patient, agrees=False)
    await billing.agree(patient, at_desk, way="in_person")

    page, desk = await mandates_of(billing, patient)

    assert page == told
    assert page["body"] == on_page["mandate_text"]["body"]
    assert page["content_sha256"] == hashlib.sha256(page["body"].encode()).hexdigest()
    assert (page["way"], page["ip"], page["taken_by"]) == ("hosted_page", "203.0.113.7", None)
    assert page["stripe_setup_intent_id"] == on_page["client_secret"].partition("_secret_")[0]
    assert (desk["way"], desk["ip"], desk["taken_by"]) == ("in_person", None, "staff-1")
    assert [one["agreed_at"] for one in (page, desk)] == ["2026-11-23T14:00:00Z"] * 2
    [kept] = await billing.rows("SELECT ip FROM mandates WHERE ip IS NOT NULL")
    assert b"203.0.113" not in kept.ip
    assert "203.0.113" not in seen_by_stripe(billing.world)


async def test_a_later_text_is_agreed_to_by_those_who_are_shown_it_and_by_nobody_before(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    recorded = await billing.told("POST", "/mandate-texts", LATER_TEXT)
    assert (recorded["text_id"], recorded["recorded_by"]) == (2, "staff-1")
    same_day = await billing.start_setup(patient, agrees=False)
    assert same_day["mandate_text"]["text_id"] == 1

    billing.step(timedelta(days=1))
    await billing.agree(patient, same_day)
    shown = await billing.start_setup(patient, agrees=False)

    assert shown["mandate_text"]["body"] == LATER_TEXT["body"]
    path = f"/patients/{patient}/card-setups/{shown['setup_id']}/mandate"
    old = await billing.ask("POST", path, {"text_id": 1, "way": "hosted_page"})
    assert old.json()["violations"][0]["rule"] == "mandate_text_not_shown"
    await billing.agree(patient, shown)
    agreed = [one["text_id"] for one in await mandates_of(billing, patient)]
    assert agreed == [1, 1, 2]
    listed = (await billing.told("GET", "/mandate-texts"))["items"]
    assert [one["text_id"] for one in listed] == [1, 2]

    await billing.hear(billing.complete(patient))  # an agreement to the earlier text goes on
    await billing.until_rest()
    assert billing.money_taken() == [39900]


async def test_a_text_is_recorded_by_who_answers_for_the_money(billing: Billing):
    refused = await billing.ask("POST", "/mandate-texts", LATER_TEXT, role=Role.FRONT_DESK)
    assert refused.status_code == 403
    past = LATER_TEXT | {"effective_from": "2026-11-22"}
    answer = await billing.ask("POST", "/mandate-texts", past)
    assert answer.json()["violations"][0]["rule"] == "mandate_text_past"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mandate_texts SET body = body || '!'",
        "DELETE FROM mandate_texts",
        "UPDATE mandates SET agreed_at = agreed_at - interval '1 day'",
        "UPDATE mandates SET ip = 'x'",
        "UPDATE mandates SET withdrawn_at = NULL, withdrawn_by = NULL",
        "DELETE FROM mandates",
        (
            "INSERT INTO mandate_texts VALUES (9, '2027-01-01', 'words', sha256('other'), 's', 'b',"
            " now())"
        ),
    ],
)
async def test_neither_words_nor_agreements_are_changed(migrated: Database, statement: str):
    engine = create_engine(migrated.url, pool_size=1)
    patient, setup = new_id(), new_id()
    at = "'2026-11-23T14:00Z'"
    try:
        async with engine.begin() as connection:
            for row in (
                f"INSERT INTO customers VALUES ('{patient}', 'cus_made_up', {at})",
                f"INSERT INTO card_setups VALUES ('{setup}', '{patient}', 'saved', 's', NULL, {at},"
                " 1)",
                f"INSERT INTO mandates VALUES ('{new_id()}', '{patient}', '{setup}', 1,"
                f" 'hosted_page', NULL, NULL, {at}, NULL, NULL)",
                f"UPDATE mandates SET withdrawn_at = {at}, withdrawn_by = 'staff-1'",
            ):
                await connection.execute(text(row))
        with pytest.raises(DBAPIError, match=r"append-only|append_only|ck_mandate_texts"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


# No card is charged without one


async def test_a_card_that_nobody_agreed_to_is_not_charged_the_patient_gets_a_page(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient, agrees=False)

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    assert billing.at_stripe("payment_intents") == []
    assert len(billing.at_stripe("checkout_sessions")) == 1
    reason, detail = await attempt_of(billing, patient)
    assert reason == "no_mandate"
    assert "No agreement to charge the card stands" in detail
    [declined] = await billing.said(PaymentDeclined)
    assert declined.reason is DeclineReason.NO_MANDATE
    [link] = await billing.rows("SELECT why FROM pay_links")
    assert link.why == "no_mandate"


async def test_an_older_card_that_the_patient_agreed_to_is_charged_instead(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    agreed = await billing.save_card(patient)
    billing.step(timedelta(minutes=1))
    await billing.save_card(patient, "pm_card_mastercard", agrees=False)

    await billing.hear(billing.complete(patient))
    await billing.until_rest()

    [charged] = billing.at_stripe("charges")
    assert charged["payment_method"] == agreed


async def test_what_is_agreed_to_after_the_card_was_saved_counts_from_then_on(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    setup = await billing.start_setup(patient, agrees=False)
    await billing.confirm_in_browser(setup, "pm_card_visa")
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    path = f"/charges/{charge['charge_id']}/attempts"
    refused = await billing.ask("POST", path, {})
    assert refused.json()["violations"][0]["rule"] == "no_mandate"

    await billing.agree(patient, setup, way="in_person")
    await billing.told("POST", path, {})
    await billing.until_rest()

    assert billing.money_taken() == [39900]


# The patient says no more


async def withdraw(billing: Billing, patient: object) -> dict[str, Any]:
    [mandate] = await mandates_of(billing, patient)
    path = f"/patients/{patient}/mandates/{mandate['mandate_id']}/withdraw"
    return dict(await billing.told("POST", path))


async def test_a_mandate_that_is_withdrawn_takes_the_card_off_and_nothing_is_charged(
    billing: Billing,
):
    patient = new_id()
    await billing.set_fee()
    card = await billing.save_card(patient)

    withdrawn = await withdraw(billing, patient)

    assert (withdrawn["withdrawn_by"], withdrawn["withdrawn_at"]) == (
        "staff-1",
        "2026-11-23T14:00:00Z",
    )
    await billing.until_rest()
    [method] = [one for one in billing.at_stripe("payment_methods") if one["id"] == card]
    assert method["customer"] is None
    [kept] = await billing.rows("SELECT gone_at FROM cards")
    assert kept.gone_at is not None
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    assert billing.at_stripe("payment_intents") == []
    assert len(billing.at_stripe("checkout_sessions")) == 1
    path = f"/patients/{patient}/mandates/{withdrawn['mandate_id']}/withdraw"
    again = await billing.ask("POST", path)
    assert again.json()["violations"][0]["rule"] == "mandate_withdrawn"
    other = await billing.ask(
        "POST", f"/patients/{new_id()}/mandates/{withdrawn['mandate_id']}/withdraw"
    )
    assert other.status_code == 404


async def test_a_no_counts_at_once_although_stripe_cannot_be_told_yet(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.fault("stripe", "status_before", "POST *detach", status=500, times=1000)

    await withdraw(billing, patient)
    await billing.hear(billing.complete(patient))

    async def a_page_is_there() -> bool:
        return len(billing.at_stripe("checkout_sessions")) == 1

    await eventually(a_page_is_there)
    reason, _ = await attempt_of(billing, patient)
    assert reason == "no_mandate"
    assert billing.at_stripe("payment_intents") == []


async def test_a_no_while_a_try_waits_for_stripe_ends_the_try_without_a_charge(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    refuses = billing.world.fault(
        "stripe", "status_before", "* /v1/payment_intents", status=503, times=1000
    )
    await billing.hear(billing.complete(patient))

    async def it_rests_between_two_tries() -> bool:
        """For seconds: a try that is being made when the patient says no ends as it ends."""
        rows = await billing.rows(
            "SELECT 1 FROM due_work WHERE kind = 'CapturePayment' AND state = 'resting'"
            " AND attempts >= 4"
        )
        return bool(rows)

    await eventually(it_rests_between_two_tries, within_s=60)
    await withdraw(billing, patient)
    billing.world.take_back(refuses)
    billing.step(timedelta(minutes=30))
    await billing.until_rest()

    assert billing.money_taken() == []
    reason, _ = await attempt_of(billing, patient)
    assert reason == "no_mandate"


async def test_a_card_that_is_saved_after_the_patient_said_no_is_taken_off_again(billing: Billing):
    patient = new_id()
    setup = await billing.start_setup(patient)
    await withdraw(billing, patient)
    await billing.confirm_in_browser(setup, "pm_card_visa")
    await billing.until_rest()

    [kept] = await billing.rows("SELECT gone_at FROM cards")
    assert kept.gone_at is not None
    assert all(one["customer"] is None for one in billing.at_stripe("payment_methods"))


# What a bank is shown


async def test_the_words_that_the_cardholder_agreed_to_are_in_the_evidence(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    setup = await billing.start_setup(patient, agrees=False)
    mandate = await billing.agree(patient, setup, ip="203.0.113.7")
    await billing.confirm_in_browser(setup, "pm_card_visa")
    await billing.until_rest()
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    await dispute_the_payment(billing)
    path = f"/disputes/{(await only(billing))['dispute_id']}/evidence"

    shown = (await billing.told("GET", path))["evidence"]["card_agreement"]

    assert shown["text"] == mandate["body"]
    assert shown["content_sha256"] == mandate["content_sha256"]
    assert shown["how"] == "in the cardholder's own browser, from the address 203.0.113.7"
    assert shown["confirmation"] == mandate["stripe_setup_intent_id"]
    printed = " ".join(words_of((await billing.ask("GET", f"{path}/pdf")).content).split())
    assert "I allow the clinic to save this card with its card processor" in printed
    assert "203.0.113.7" in printed


async def test_who_paid_on_a_page_is_shown_no_agreement_about_a_card_on_file(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    [page] = billing.at_stripe("checkout_sessions")
    billing.world.patient_pays(page["url"])
    await billing.until_rest()
    await dispute_the_payment(billing)
    path = f"/disputes/{(await only(billing))['dispute_id']}/evidence"
    assert (await billing.told("GET", path))["evidence"]["card_agreement"] is None
