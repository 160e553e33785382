"""A refused charge: tried again when the bank lets it, by day, and left to a person at last."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.collecting import dunning
from services.billing.rules.collecting.asking import Ceiling, allowed_from
from services.billing.rules.collecting.declines import DeclineCodes, decline_reason
from services.billing.rules.collecting.dunning import Case, Course, Next, Policy, Step
from services.billing.rules.payments.pay_links import LinkReason
from services.billing.store import collecting
from shared.events.billing import DeclineReason, PayLinkReady
from shared.ids import new_id
from tests.billing.conftest import Billing

DAY = timedelta(days=1)
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # 12:00 in Alexandria
NIGHT = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)  # 23:30 there, the same day
EIGHT_IN_THE_WEST = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)  # 8:00 there
POLICIES = {
    Case.INSUFFICIENT_FUNDS: Policy(Case.INSUFFICIENT_FUNDS, (1, 3, 7)),
    Case.TRY_AGAIN_LATER: Policy(Case.TRY_AGAIN_LATER, (1, 3, 7)),
    Case.PAY_LINK: Policy(Case.PAY_LINK, (2, 4)),
}
CASH = {"tender": "cash", "reference": "till 18", "amount_cents": 39900}


@pytest.mark.parametrize(
    ("codes", "reason", "following"),
    [
        (DeclineCodes("card_declined", "insufficient_funds"), "insufficient_funds", "try_card"),
        (DeclineCodes("card_declined", "generic_decline"), "declined", "send_link"),
        (
            DeclineCodes("card_declined", "generic_decline", "try_again_later"),
            "declined",
            "try_card",
        ),
        (
            DeclineCodes("card_declined", "insufficient_funds", "do_not_try_again"),
            "card_not_usable",
            "send_link",
        ),
        (
            DeclineCodes("card_declined", "insufficient_funds", None, "51", "03"),
            "card_not_usable",
            "send_link",
        ),
        (
            DeclineCodes("card_declined", "generic_decline", "try_again_later", "05", "21"),
            "card_not_usable",
            "send_link",
        ),
        (DeclineCodes("incorrect_cvc", None, "confirm_card_data"), "card_not_usable", "send_link"),
        (DeclineCodes("card_declined", "lost_card"), "card_not_usable", "send_link"),
        (DeclineCodes("card_declined", "stolen_card"), "card_not_usable", "send_link"),
        (DeclineCodes("card_declined", "pickup_card"), "card_not_usable", "send_link"),
        (DeclineCodes("expired_card"), "card_not_usable", "send_link"),
        (DeclineCodes("authentication_required"), "authentication_required", "send_link"),
    ],
)
def test_what_the_bank_says_decides(codes: DeclineCodes, reason: str, following: str):
    said = decline_reason(codes)
    found = dunning.after_decline(Course(NOON, 0, 0), said, codes, POLICIES, NOON, CLINIC_ZONE)
    assert (said, found.step) == (reason, following)


def test_funds_are_asked_for_after_one_three_and_seven_days_and_then_by_a_page():
    codes = DeclineCodes(decline_code="insufficient_funds")
    said = DeclineReason.INSUFFICIENT_FUNDS
    found = [
        dunning.after_decline(Course(NOON, tries, 0), said, codes, POLICIES, NOON, CLINIC_ZONE)
        for tries in range(4)
    ]
    assert [one.at - NOON for one in found] == [DAY, 3 * DAY, 7 * DAY, timedelta()]
    assert found[-1] == Next(Step.SEND_LINK, NOON, LinkReason.NEW_CARD_NEEDED)


def test_a_page_is_offered_again_twice_and_then_a_person_calls():
    found = [dunning.after_link(Course(NOON, 0, n), POLICIES, NOON, CLINIC_ZONE) for n in (1, 2, 3)]
    assert [one.step for one in found] == [Step.SEND_LINK, Step.SEND_LINK, Step.GIVE_UP]
    assert [one.at - NOON for one in found[:2]] == [2 * DAY, 4 * DAY]


def test_nothing_is_tried_at_night():
    assert dunning.by_day(NOON, CLINIC_ZONE) == NOON
    assert dunning.by_day(NIGHT, CLINIC_ZONE) == MORNING
    early = NIGHT + timedelta(hours=3)
    assert dunning.by_day(early, CLINIC_ZONE) == MORNING


@pytest.mark.parametrize(
    ("hours_ago", "allowed"),
    [([1] * 9, True), ([1] * 10, False), ([25] * 19, True), ([25] * 20, False), ([721] * 30, True)],
)
def test_a_network_lets_a_card_be_tried_so_often(hours_ago: list[int], *, allowed: bool):
    tried = [NOON - timedelta(hours=hours) for hours in hours_ago]
    ceilings = [Ceiling(20, timedelta(hours=720)), Ceiling(10, timedelta(hours=24))]
    assert (allowed_from(tried, ceilings, NOON) == NOON) is allowed


def test_a_card_may_be_tried_again_once_its_oldest_tries_are_out_of_every_span():
    tried = [NOON - timedelta(hours=hours) for hours in (30, 20, 10)]
    ceilings = [Ceiling(2, timedelta(hours=24)), Ceiling(3, timedelta(hours=40))]
    assert allowed_from(tried, ceilings, NOON) == NOON + timedelta(hours=10)


@pytest.mark.parametrize(("late_h", "next_h"), [(0, 48), (7, 41), (24, 48), (240, 48)])
def test_after_a_try_that_came_days_late_the_next_comes_as_much_later(late_h: int, next_h: int):
    codes = DeclineCodes(decline_code="insufficient_funds")
    said = DeclineReason.INSUFFICIENT_FUNDS
    now = NOON + DAY + timedelta(hours=late_h)
    found = dunning.after_decline(Course(NOON, 1, 0), said, codes, POLICIES, now, CLINIC_ZONE)
    assert found.at - now == timedelta(hours=next_h)


async def refused(billing: Billing, says: str = "insufficient_funds") -> tuple[UUID, str, str]:
    """A patient, the path of a refused charge, and Stripe's id of the card."""
    patient = new_id()
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, says)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    return patient, f"/charges/{(await billing.only_charge(patient))['charge_id']}", card


async def pass_days(billing: Billing, days: int) -> None:
    for _ in range(days):
        billing.step(DAY)
        await billing.until_rest()


async def tries(billing: Billing, patient: UUID) -> list[dict[str, Any]]:
    return list((await billing.only_charge(patient))["attempts"])


async def test_a_card_without_funds_is_tried_again_the_next_day_and_pays(billing: Billing):
    patient, _, card = await refused(billing)
    billing.step(DAY - timedelta(minutes=1))
    await billing.until_rest()
    assert len(await tries(billing, patient)) == 1
    billing.world.issuer_says(card, None)

    billing.step(timedelta(minutes=1))
    await billing.until_rest()

    assert [one["state"] for one in await tries(billing, patient)] == ["declined", "captured"]
    assert (await billing.only_charge(patient))["state"] == "paid"
    assert billing.money_taken() == [39900]
    intents = billing.at_stripe("payment_intents")
    assert len({one["metadata"]["attempt_id"] for one in intents}) == 2  # each try has its own key


async def test_after_three_more_refusals_and_three_pages_a_person_takes_over(billing: Billing):
    patient, charge, _ = await refused(billing)
    await pass_days(billing, 7)
    states = [one["state"] for one in await tries(billing, patient)]
    assert states.count("declined") == 4
    [link] = (await billing.told("GET", f"{charge}/pay-links"))["items"]
    assert link["why"] == "new_card_needed"
    await pass_days(billing, 10)

    [left] = (await billing.told("GET", "/collections/given-up"))["items"]
    assert (left["patient_id"], left["tries"], left["links"]) == (str(patient), 3, 3)
    assert "$399.00" in left["detail"]
    assert billing.money_taken() == []
    assert await billing.rows("SELECT 1 FROM due_work WHERE kind = 'TakeStep'") == []

    await billing.told("POST", f"{charge}/outside-payments", CASH)
    assert (await billing.told("GET", "/collections/given-up"))["items"] == []


async def test_a_card_that_is_refused_for_good_is_never_tried_again(billing: Billing):
    patient, _, _ = await refused(billing, "stolen_card")
    await pass_days(billing, 10)

    assert [one["state"] for one in await tries(billing, patient)].count("declined") == 1
    [kept] = await billing.rows(
        "SELECT decline_code, advice_code, network_decline_code, network_advice_code"
        " FROM payment_attempts WHERE state = 'declined'"
    )
    assert tuple(kept) == ("stolen_card", "do_not_try_again", "43", "03")


@pytest.mark.parametrize("whose", ["charge", "patient"])
async def test_under_a_hold_nothing_is_asked_and_after_it_all_goes_on(billing: Billing, whose: str):
    patient, charge, card = await refused(billing)
    hold = {"patient_id": str(patient), "reason": "estimate_dispute"}
    if whose == "charge":
        hold["charge_id"] = charge.removeprefix("/charges/")
    opened = await billing.told("POST", "/collections/holds", hold)
    billing.world.issuer_says(card, None)
    await pass_days(billing, 9)
    assert len(await tries(billing, patient)) == 1
    assert [
        one["hold_id"] for one in (await billing.told("GET", "/collections/holds"))["items"]
    ] == [opened["hold_id"]]

    path = f"/collections/holds/{opened['hold_id']}/end"
    await billing.told("POST", path, {})
    await billing.until_rest()

    assert (await billing.only_charge(patient))["state"] == "paid"
    assert (await billing.told("GET", "/collections/holds"))["items"] == []
    again = await billing.ask("POST", path, {})
    assert again.json()["violations"][0]["rule"] == "hold_ended"


async def test_a_page_whose_hold_ends_at_night_is_sent_in_the_morning(billing: Billing):
    patient, _, _ = await refused(billing, "lost_card")
    hold = {"patient_id": str(patient), "reason": "hardship"}
    opened = await billing.told("POST", "/collections/holds", hold)
    await billing.until_rest()
    billing.clock.step_to(NIGHT)
    await billing.told("POST", f"/collections/holds/{opened['hold_id']}/end", {})
    await billing.until_rest()
    assert len(await billing.said(PayLinkReady)) == 1

    billing.clock.step_to(MORNING)
    await billing.until_rest()
    assert len(await billing.said(PayLinkReady)) == 2


async def test_a_page_waits_for_the_morning_of_the_place_where_the_visit_was(billing: Billing):
    """The Monday begins at nine in Alexandria, and at six in Los Angeles."""
    patient, appointment = new_id(), new_id()
    west = {"in_chair": True, "zone": "America/Los_Angeles", "booked_at": billing.clock.now()}
    await billing.hear(billing.booked(patient, appointment).model_copy(update=west))
    await billing.set_fee()
    card = await billing.save_card(patient)
    billing.world.issuer_says(card, "lost_card")
    await billing.hear(billing.complete(patient, appointment_id=appointment))
    await billing.until_rest()
    assert await billing.said(PayLinkReady) == []

    billing.clock.step_to(EIGHT_IN_THE_WEST)
    await billing.until_rest()
    assert len(await billing.said(PayLinkReady)) == 1


async def test_after_a_long_hold_a_card_without_funds_has_its_days_between_two_tries(
    billing: Billing,
):
    patient, _, _ = await refused(billing)
    hold = {"patient_id": str(patient), "reason": "hardship"}
    opened = await billing.told("POST", "/collections/holds", hold)
    await pass_days(billing, 9)
    await billing.told("POST", f"/collections/holds/{opened['hold_id']}/end", {})
    await billing.until_rest()
    assert len(await tries(billing, patient)) == 2
    found = []
    for _ in range(7):
        await pass_days(billing, 1)
        declined = [one for one in await tries(billing, patient) if one["state"] == "declined"]
        found.append(len(declined))
    assert found == [2, 3, 3, 3, 3, 4, 4]


async def test_under_a_hold_the_desk_neither_tries_the_card_nor_sends_a_page(billing: Billing):
    patient, charge, card = await refused(billing)
    await billing.told("POST", f"{charge}/pay-links", {})
    await billing.until_rest()
    hold = {"patient_id": str(patient), "reason": "estimate_dispute"}
    await billing.told("POST", "/collections/holds", hold)
    await billing.until_rest()
    billing.world.issuer_says(card, None)

    for path in ("attempts", "pay-links"):
        refusal = await billing.ask("POST", f"{charge}/{path}", {})
        assert refusal.status_code == 409
        [broken] = refusal.json()["violations"]
        assert broken["rule"] == "collections_held"
        assert "149.620" in broken["source"]
    await billing.until_rest()
    assert billing.money_taken() == []
    assert len(await billing.said(PayLinkReady)) == 1
    await billing.told("POST", f"{charge}/outside-payments", CASH)


async def test_the_desk_too_tries_a_card_only_as_often_as_its_network_lets_anybody(
    billing: Billing,
):
    patient, charge, _ = await refused(billing)
    for _ in range(19):
        await billing.told("POST", f"{charge}/attempts", {})
        await billing.until_rest()
    refusal = await billing.ask("POST", f"{charge}/attempts", {})
    [broken] = refusal.json()["violations"]
    assert broken["rule"] == "card_tried_too_often"
    assert "December 23, 9:00 AM" in broken["detail"]
    assert len(await tries(billing, patient)) == 20


@pytest.mark.parametrize("path", ["attempts", "pay-links"])
async def test_a_rest_that_no_card_takes_is_left_to_a_person(billing: Billing, path: str):
    _, charge, _ = await refused(billing)
    await billing.told("POST", f"{charge}/outside-payments", CASH | {"amount_cents": 39880})
    refusal = await billing.ask("POST", f"{charge}/{path}", {})
    [broken] = refusal.json()["violations"]
    assert (broken["rule"], "$0.20" in broken["detail"]) == ("below_least_by_card", True)

    await pass_days(billing, 1)
    [left] = (await billing.told("GET", "/collections/given-up"))["items"]
    assert left["owed_cents"] == 20
    assert await billing.parked() == []


async def test_a_hold_closes_the_page_that_is_out_and_its_end_opens_another(billing: Billing):
    patient, charge, _ = await refused(billing, "lost_card")
    hold = {"patient_id": str(patient), "reason": "dispute"}
    opened = await billing.told("POST", "/collections/holds", hold)
    await billing.until_rest()
    assert [one["status"] for one in billing.at_stripe("checkout_sessions")] == ["expired"]

    await billing.told("POST", f"/collections/holds/{opened['hold_id']}/end", {})
    await billing.until_rest()
    states = [one["state"] for one in (await billing.told("GET", f"{charge}/pay-links"))["items"]]
    assert states == ["withdrawn", "open"]


async def test_a_charge_that_is_paid_otherwise_is_not_tried_again(billing: Billing):
    patient, charge, card = await refused(billing)
    billing.world.issuer_says(card, None)
    await billing.told("POST", f"{charge}/outside-payments", CASH)
    await pass_days(billing, 2)

    assert len(await tries(billing, patient)) == 1
    assert billing.money_taken() == []


async def test_a_network_s_ceiling_has_a_page_offered_instead_of_a_try(billing: Billing):
    patient, charge, _ = await refused(billing)
    async with billing.service.runtime.work.transaction() as tx:
        await tx.execute(
            text(
                "INSERT INTO network_ceilings (brand, within_h, effective_from, tries_max, source)"
                " VALUES ('visa', 48, '2026-01-01', 1, 'made up')"
            )
        )
    await pass_days(billing, 1)

    assert [one["state"] for one in await tries(billing, patient)] == ["declined", "offered"]
    [link] = (await billing.told("GET", f"{charge}/pay-links"))["items"]
    assert link["state"] == "open"


async def test_the_figures_in_force_are_those_of_the_day(billing: Billing):
    patient = new_id()
    await billing.save_card(patient)
    [card] = await billing.rows("SELECT card_id, brand FROM cards")
    assert card.brand == "visa"
    async with billing.service.runtime.work.transaction() as tx:
        before = await collecting.ceilings(tx, card.card_id, date(2026, 3, 31))
        after = await collecting.ceilings(tx, card.card_id, date(2026, 4, 1))
        policies = await collecting.policies(tx, date(2026, 11, 23))
    assert [one.tries_max for one in before] == [15]
    assert [one.tries_max for one in after] == [20]
    assert policies[Case.INSUFFICIENT_FUNDS].after_days == (1, 3, 7)
