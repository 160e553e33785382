"""Four eyes: what one person enters above a limit waits until another one has looked at it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.billing.rules.approvals import Entry, needs_second_person
from shared.auth import Role
from tests.billing.conftest import Billing
from tests.billing.test_outside_payments import pay, waiting_charge
from tests.billing.test_refunds import paid_by_card, refund
from tests.billing.test_split_tenders import adjust, approve


async def limit(billing: Billing, entry: str, cents: int) -> None:
    wish = {"entry": entry, "limit_cents": cents}
    answer = await billing.ask("POST", "/approval-limits", wish, role=Role.OPS)
    assert answer.status_code == 201, answer.text


async def waiting(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/approvals"))["items"])


def test_up_to_the_limit_one_person_is_enough():
    assert not needs_second_person(20000, 0, 20000)
    assert needs_second_person(20001, 0, 20000)
    assert not needs_second_person(5000, 15000, 20000)
    assert needs_second_person(5001, 15000, 20000)


async def test_what_is_cut_in_two_is_counted_together_for_the_one_who_enters_both(
    billing: Billing,
):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    assert (await adjust(billing, charge["charge_id"], 20000)).json()["owed_cents"] == 19900
    billing.step(timedelta(days=3))
    second = await adjust(billing, charge["charge_id"], 100)
    assert second.json()["state"] == "pending"
    assert (await billing.only_charge(charge["patient_id"]))["forgiven_cents"] == 20000
    path, part = f"/charges/{charge['charge_id']}/adjustments", {"kind": "discount"}
    part |= {"reason": "courtesy", "amount_cents": 100}
    other = await billing.ask("POST", path, part, who="staff-2")
    assert other.json()["owed_cents"] == 19800, "another person may still give as much"


async def test_every_entry_has_a_limit_that_says_where_it_comes_from(billing: Billing):
    found = (await billing.told("GET", "/approval-limits"))["limits"]
    assert {one["entry"] for one in found} == set(Entry)
    assert {one["source"] for one in found} == {"house figure"}


async def test_a_payment_above_the_limit_waits_for_another_person(billing: Billing):
    await billing.set_fee()
    await limit(billing, "outside_payment", 39899)
    charge = await waiting_charge(billing)

    asked = (await pay(billing, charge)).json()
    assert asked["state"] == "pending"
    assert (await billing.only_charge(charge["patient_id"]))["paid_cents"] == 0
    assert [one["approval_id"] for one in await waiting(billing)] == [asked["approval_id"]]

    alone = await approve(billing, asked["approval_id"], who="staff-1")
    assert alone.json()["violations"][0]["rule"] == "same_person"
    assert (await billing.only_charge(charge["patient_id"]))["paid_cents"] == 0

    assert (await approve(billing, asked["approval_id"])).status_code == 201
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "paid"
    assert await waiting(billing) == []
    again = await approve(billing, asked["approval_id"], who="staff-3")
    assert again.json()["violations"][0]["rule"] == "approval_decided"


async def test_a_refund_and_a_discount_above_the_limit_wait_too(billing: Billing):
    await limit(billing, "refund", 10000)
    charge = await paid_by_card(billing)
    asked = (await refund(billing, charge["payment"], reason="other_tender")).json()
    await billing.until_rest()
    assert billing.at_stripe("refunds") == []
    await approve(billing, asked["approval_id"])
    await billing.until_rest()
    assert len(billing.at_stripe("refunds")) == 1

    discount = (await adjust(billing, charge["charge_id"], 20001)).json()
    await approve(billing, discount["approval_id"])
    assert (await billing.only_charge(charge["patient_id"]))["forgiven_cents"] == 20001
    [row] = await billing.rows("SELECT recorded_by FROM charge_adjustments")
    assert row.recorded_by == "staff-1"


async def test_what_does_not_fit_any_more_is_refused_when_it_is_approved(billing: Billing):
    await billing.set_fee()
    await limit(billing, "outside_payment", 20000)
    charge = await waiting_charge(billing)
    asked = (await pay(billing, charge, reference="CC-1")).json()
    await pay(billing, charge, tender="cash", reference="R-1", amount_cents=10000)

    answer = await approve(billing, asked["approval_id"])

    assert answer.json()["violations"][0]["rule"] == "more_than_owed"
    assert [one["approval_id"] for one in await waiting(billing)] == [asked["approval_id"]]
    taken_back = await billing.ask("POST", f"/approvals/{asked['approval_id']}/refuse", {})
    assert taken_back.json()["state"] == "refused"
    assert await waiting(billing) == []


async def test_five_who_approve_at_once_enter_it_once(billing: Billing):
    await billing.set_fee()
    await limit(billing, "outside_payment", 0)
    charge = await waiting_charge(billing)
    asked = (await pay(billing, charge, amount_cents=5000)).json()

    answers = await asyncio.gather(
        *(approve(billing, asked["approval_id"], who=f"staff-{n}") for n in range(2, 7))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert (await billing.only_charge(charge["patient_id"]))["paid_cents"] == 5000


async def test_the_database_knows_two_persons_apart_whoever_writes(billing: Billing):
    await billing.set_fee()
    await limit(billing, "outside_payment", 0)
    await pay(billing, await waiting_charge(billing))
    with pytest.raises(DBAPIError, match="ck_approvals_four_eyes"):
        async with billing.service.runtime.engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE approvals SET state = 'approved', decided_by = asked_by,"
                    " decided_at = asked_at"
                )
            )
