"""What a visit costs from which day on, and infusions that completed while no fee was recorded."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from services.billing.handlers.charges import posting
from services.billing.handlers.charges.fees import NewFee, record_fee
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.store import visits
from shared.auth import Role
from shared.events.billing import ChargePosted, InfusionNotCharged, PaymentCaptured
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.test_tenders import waits

FEE = {"visit_type": "ketamine_mood", "amount_cents": 39900, "effective_from": "2026-01-01"}


def day(billing: Billing, later: int = 0) -> str:
    """The clinic's day of now, or so many days later."""
    today = billing.clock.now().astimezone(CLINIC_ZONE).date()
    return (today + timedelta(days=later)).isoformat()


async def uncharged(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/uncharged-infusions"))["items"])


async def test_an_infusion_without_a_fee_waits_in_the_work_list(billing: Billing):
    patient = new_id()
    await billing.set_fee(effective_from=day(billing, 1))
    event = billing.complete(patient)

    await billing.hear(event)
    await billing.hear(event)  # told again under another id

    assert await billing.charges(patient) == []
    [told] = await billing.said(InfusionNotCharged)
    assert told.reason == "no_fee_in_force"
    [listed] = await uncharged(billing)
    assert listed["infusion_id"] == str(event.infusion_id)
    assert listed["visit_type"] == "ketamine_mood"


async def test_what_is_given_outside_a_series_waits_for_the_fee_of_its_own_code(billing: Billing):
    patient = new_id()
    await billing.set_fee()  # of a mood infusion
    await billing.hear(billing.complete(patient, in_series=False, visit_type="made_up_drip"))
    [listed] = await uncharged(billing)
    assert listed["visit_type"] == "made_up_drip"

    await billing.set_fee(visit_type="made_up_drip", amount_cents=12300)
    await billing.until_rest()

    assert (await billing.only_charge(patient))["amount_cents"] == 12300
    assert await uncharged(billing) == []


async def test_an_infusion_that_waited_is_charged_once_when_a_fee_covers_its_day(billing: Billing):
    patients = [new_id() for _ in range(3)]
    for patient in patients:
        await billing.save_card(patient)
    await billing.hear(*(billing.complete(patient) for patient in patients))
    await billing.set_fee(effective_from=day(billing, 1))  # not theirs
    await billing.until_rest()
    assert await billing.said(ChargePosted) == []

    first = await billing.set_fee(effective_from=day(billing))
    await billing.until_rest()
    again = await billing.set_fee(effective_from=day(billing, -1))
    await billing.until_rest()

    assert (first["charges_now"], again["charges_now"]) == (3, 0)
    assert billing.money_taken() == [39900] * 3
    assert len(await billing.said(PaymentCaptured)) == 3
    assert await uncharged(billing) == []


async def test_more_infusions_than_one_transaction_takes_are_all_charged(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(posting, "LATE_AT_ONCE", 4)
    await billing.hear(*(billing.complete(new_id()) for _ in range(11)))

    await billing.set_fee()
    await billing.until_rest()

    assert len(await billing.said(ChargePosted)) == 11
    assert await uncharged(billing) == []


async def test_a_fee_that_comes_while_an_infusion_is_priced_without_it_still_charges_it(
    billing: Billing,
):
    patient = new_id()
    event = billing.complete(patient)

    async with billing.service.runtime.work.transaction() as tx:
        [on_file] = await visits.load_on_file(tx, [event])
        fee = asyncio.create_task(billing.set_fee())
        assert await waits(fee)
        await posting.charge_for_infusion(event, tx, on_file)
    await fee
    await billing.until_rest()

    assert (await billing.only_charge(patient))["amount_cents"] == 39900


async def test_an_infusion_that_comes_while_its_fee_is_recorded_is_charged(billing: Billing):
    patient = new_id()
    wish = NewFee.model_validate(FEE)

    async with billing.service.runtime.work.transaction() as tx:
        await record_fee(wish, tx)
        priced = asyncio.create_task(billing.hear(billing.complete(patient)))
        assert await waits(priced)
    await priced
    await billing.until_rest()

    assert (await billing.only_charge(patient))["amount_cents"] == 39900
    assert await uncharged(billing) == []


async def test_a_tender_chosen_for_an_infusion_that_waits_holds_when_it_is_charged(
    billing: Billing,
):
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, appointment_id=appointment))
    assert (await billing.choose(appointment, patient, "care_credit")).status_code == 201

    await billing.set_fee()
    await billing.until_rest()

    assert (await billing.only_charge(patient))["tender"] == "care_credit"
    assert billing.at_stripe("payment_intents") == []


async def test_only_ops_and_billers_see_the_work_list(billing: Billing):
    answer = await billing.ask("GET", "/uncharged-infusions", role=Role.FRONT_DESK)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("amount_cents", -1),
        ("amount_cents", 10_000_001),
        ("amount_cents", True),
        ("amount_cents", 39900.0),
        ("amount_cents", "39900"),
        ("effective_from", "0001-01-01"),
        ("effective_from", "1999-12-31"),
        ("effective_from", "2200-01-01"),
        ("effective_from", "2026-01-01T00:00:00"),
        ("effective_from", 1_767_225_600),
        ("effective_from", "01/02/2026"),
        ("visit_type", "x"),
    ],
)
async def test_a_fee_that_makes_no_sense_is_refused_with_what_would(
    billing: Billing, field: str, wrong: object
):
    answer = await billing.ask("POST", "/fees", FEE | {field: wrong})
    assert answer.status_code == 422
    assert answer.json()["violations"][0]["field"] == field


async def test_a_fee_years_ahead_is_taken_for_a_typing_error(billing: Billing):
    answer = await billing.ask("POST", "/fees", FEE | {"effective_from": "2029-01-01"})
    assert answer.status_code == 409
    assert answer.json()["violations"][0]["rule"] == "fee_far_ahead"


async def test_a_fee_of_the_same_day_corrects_the_one_before_and_says_so(billing: Billing):
    before, after = new_id(), new_id()
    mistyped = await billing.set_fee(3990)
    await billing.hear(billing.complete(before))

    corrected = await billing.set_fee(39900)
    await billing.hear(billing.complete(after))

    assert mistyped["corrects"] is None
    assert corrected["corrects"] == {"fee_id": mistyped["fee_id"], "amount_cents": 3990}
    assert (await billing.only_charge(before))["amount_cents"] == 3990
    assert (await billing.only_charge(after))["amount_cents"] == 39900


async def test_two_corrections_of_one_day_at_once_are_told_of_each_other(billing: Billing):
    await billing.set_fee(10000)
    answers = await asyncio.gather(*(billing.set_fee(cents) for cents in (20000, 30000)))
    corrected = {answer["corrects"]["amount_cents"] for answer in answers}
    assert 10000 in corrected
    assert corrected & {20000, 30000}


async def test_a_new_fee_applies_from_its_first_day_in_the_clinics_own_time(billing: Billing):
    patient = new_id()
    await billing.set_fee(39900, "2026-01-01")
    await billing.set_fee(42500, day(billing, 1))
    midnight = datetime.combine(date.fromisoformat(day(billing, 1)), time.min, CLINIC_ZONE)
    first_day = midnight.astimezone(UTC)
    day_before = first_day - timedelta(minutes=1)

    for started_at in (day_before, first_day):
        stopped_at = started_at + timedelta(minutes=40)
        await billing.hear(billing.complete(patient, stopped_at=stopped_at))

    amounts = [charge["amount_cents"] for charge in await billing.charges(patient)]
    assert amounts == [39900, 42500]
