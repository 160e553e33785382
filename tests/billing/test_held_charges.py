"""A charge far above its estimate is neither made nor lost: a person decides."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.books.ledger import Account
from shared.events.billing import ChargeHeld, ChargePosted, ChargeWaived, EstimateIssued
from shared.events.scheduling import SeriesCompleted
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.plans import Series, book_series, plan_of, starts_from

BECAUSE = {"because": "the patient agreed at the desk"}


async def estimated_for_one(billing: Billing, fee_cents: int = 40000) -> Series:
    """A patient with a card, whose estimate covers one of three booked infusions."""
    await billing.set_fee(fee_cents)
    patient_id = new_id()
    await billing.save_card(patient_id)
    return await book_series(billing, patient_id, 3, planned=1)


async def complete(billing: Billing, series: Series, *numbers: int) -> list[UUID]:
    """Some of its infusions end now, and are heard of in one batch."""
    events = [
        billing.complete(series.patient_id, appointment_id=series.visits[number])
        for number in numbers
    ]
    await billing.hear(*events)
    await billing.until_rest()
    return [event.infusion_id for event in events]


async def held(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/held-charges"))["items"])


async def decide(billing: Billing, infusion_id: UUID, decision: str, **wish: Any) -> Any:
    path = f"/held-charges/{infusion_id}/decision"
    return await billing.told("POST", path, BECAUSE | {"decision": decision} | wish)


async def refused_decision(billing: Billing, infusion_id: UUID, decision: str, **wish: Any) -> str:
    path = f"/held-charges/{infusion_id}/decision"
    answer = await billing.ask("POST", path, BECAUSE | {"decision": decision} | wish)
    assert answer.status_code == 409, answer.text
    return str(answer.json()["violations"][0]["rule"])


async def test_400_dollars_above_the_estimate_nothing_is_charged_and_somebody_is_told(
    billing: Billing,
):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)

    assert billing.money_taken() == [40000]
    assert len(await billing.charges(series.patient_id)) == 1
    [waits] = await held(billing)
    assert waits["infusion_id"] == str(infusion)
    assert waits["series_id"] == str(series.series_id)
    assert [one["rule"] for one in waits["waits_for"]] == ["over_estimate"]
    assert "/decision" in waits["waits_for"][0]["detail"]
    [told] = await billing.said(ChargeHeld)
    assert (told.infusion_id, told.amount_cents, list(told.reasons)) == (
        infusion,
        40000,
        ["over_estimate"],
    )
    assert infusion not in {event.infusion_id for event in await billing.said(ChargePosted)}


async def test_a_cent_less_is_charged(billing: Billing):
    series = await estimated_for_one(billing, 39999)
    await complete(billing, series, 0)
    await complete(billing, series, 1)
    assert billing.money_taken() == [39999, 39999]
    assert await held(billing) == []


async def test_infusions_that_are_heard_of_together_pass_no_more_than_one_by_one(
    billing: Billing,
):
    series = await estimated_for_one(billing, 39900)
    third = (await complete(billing, series, 0, 1, 2))[2]
    assert billing.money_taken() == [39900, 39900]
    assert [one["infusion_id"] for one in await held(billing)] == [str(third)]


async def test_an_infusion_that_is_told_of_twice_is_held_once(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    event = billing.complete(series.patient_id, appointment_id=series.visits[1])
    await billing.hear(event)
    await billing.hear(event)
    assert len(await held(billing)) == 1
    assert len(await billing.said(ChargeHeld)) == 1


async def test_infusions_that_waited_for_their_fee_pass_no_more_than_one_by_one(billing: Billing):
    series = await estimated_for_one(billing, 39900)
    await complete(billing, series, 0)
    async with billing.service.runtime.work.transaction() as tx:
        await tx.execute(text("UPDATE fees SET visit_type = 'ketamine_pain'"))
    _, third = await complete(billing, series, 1, 2)
    assert await held(billing) == []
    await billing.set_fee(39900, "2026-02-01")
    await billing.until_rest()
    assert [one["infusion_id"] for one in await held(billing)] == [str(third)]
    assert billing.money_taken() == [39900, 39900]


async def test_what_a_person_approves_is_charged_whole_and_once(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)
    decided = await decide(billing, infusion, "approve")
    await billing.until_rest()

    assert decided["state"] == "posted"
    assert billing.money_taken() == [40000, 40000]
    assert await held(billing) == []
    [row] = await billing.rows("SELECT * FROM held_charges")
    assert (row.state, row.decision, row.decided_by, row.decided_because) == (
        "posted",
        "approve",
        "staff-1",
        BECAUSE["because"],
    )
    assert await refused_decision(billing, infusion, "approve") == "held_charge_decided"


async def test_five_who_approve_at_once_charge_it_once(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)
    path = f"/held-charges/{infusion}/decision"
    answers = await asyncio.gather(
        *(billing.ask("POST", path, BECAUSE | {"decision": "approve"}) for _ in range(5))
    )
    await billing.until_rest()
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    assert billing.money_taken() == [40000, 40000]


async def test_a_new_estimate_has_it_charged_by_itself(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)
    starts = starts_from(billing.clock.now() + timedelta(days=14), 3)
    billing.scheduling.has_plan(plan_of(series.series_id, series.patient_id, starts))
    decided = await decide(billing, infusion, "new_estimate")
    assert decided["state"] == "held"
    await billing.until_rest()

    assert [one.reason.value for one in await billing.said(EstimateIssued)] == [
        "booked",
        "charge_held",
    ]
    assert billing.money_taken() == [40000, 40000]
    assert await held(billing) == []


async def test_a_new_estimate_that_says_the_same_leaves_it_held(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)
    await decide(billing, infusion, "new_estimate")
    await billing.until_rest()
    [waits] = await held(billing)
    assert waits["decision"] == "new_estimate"
    assert billing.money_taken() == [40000]


async def test_a_series_that_has_ended_is_estimated_no_more(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)
    await billing.hear(
        SeriesCompleted(
            patient_id=series.patient_id,
            series_id=series.series_id,
            prescriber_id=new_id(),
            infusions_completed=2,
            completed_at=billing.clock.now(),
        )
    )
    refused = await refused_decision(billing, infusion, "new_estimate")
    assert refused == "nothing_to_estimate"
    assert (await decide(billing, infusion, "approve"))["state"] == "posted"


async def test_what_is_written_down_is_charged_at_what_a_second_person_saw(billing: Billing):
    series = await estimated_for_one(billing)
    await complete(billing, series, 0)
    [infusion] = await complete(billing, series, 1)
    assert (
        await refused_decision(billing, infusion, "write_down", charged_cents=40000)
        == "nothing_given_up"
    )
    asked = await decide(billing, infusion, "write_down", charged_cents=19900)
    assert (asked["state"], asked["entry"], asked["amount_cents"]) == (
        "pending",
        "write_down",
        20100,
    )
    assert billing.money_taken() == [40000]

    path = f"/approvals/{asked['approval_id']}/approve"
    approved = await billing.ask("POST", path, {}, who="staff-2")
    assert approved.is_success, approved.text
    await billing.until_rest()
    assert billing.money_taken() == [40000, 19900]
    accounts = (await billing.told("GET", "/ledger/accounts"))["accounts"]
    earned = {one["account"]: one["balance_cents"] for one in accounts}
    assert earned[Account.REVENUE_INFUSION] == 59900


async def test_what_is_written_down_to_nothing_is_never_charged(billing: Billing):
    series = await estimated_for_one(billing, 20000)
    await complete(billing, series, 0, 1)
    [infusion] = await complete(billing, series, 2)
    decided = await decide(billing, infusion, "write_down", charged_cents=0)
    await billing.until_rest()
    assert decided["state"] == "waived"
    assert billing.money_taken() == [20000, 20000]
    assert await held(billing) == []
    [waived] = await billing.said(ChargeWaived)
    assert (waived.infusion_id, waived.amount_cents) == (infusion, 20000)
    with pytest.raises(DBAPIError, match="a held charge that is waived stays so"):
        async with billing.service.runtime.work.transaction() as tx:
            await tx.execute(text("UPDATE held_charges SET state = 'held', ended_at = NULL"))


async def test_an_infusion_that_is_not_held_has_nothing_to_decide(billing: Billing):
    path = f"/held-charges/{new_id()}/decision"
    answer = await billing.ask("POST", path, BECAUSE | {"decision": "approve"})
    assert answer.status_code == 404


async def test_the_margin_is_the_one_in_force_that_day(billing: Billing):
    async with billing.service.runtime.work.transaction() as tx:
        await tx.execute(
            text(
                "INSERT INTO estimate_margins (effective_from, margin_cents, source)"
                " VALUES ('2026-06-01', 39900, 'made up')"
            )
        )
    series = await estimated_for_one(billing, 39900)
    await complete(billing, series, 0)
    await complete(billing, series, 1)
    assert len(await held(billing)) == 1
