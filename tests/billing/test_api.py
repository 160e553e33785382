"""Billing's routes keep to their own OpenAPI document, whatever is sent to them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.auth import Role, development_token
from shared.ids import new_id
from tests.billing.conftest import TOKEN_SECRET, Billing
from tests.billing.packages import offered
from tests.billing.plans import plan_of, series_booked, starts_from
from tests.billing.test_held_charges import complete, estimated_for_one
from tests.support.documented import strays


async def paid_and_billed(billing: Billing) -> dict[str, Any]:
    """A patient with a card on file and a visit that it paid."""
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.set_fee()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient, appointment_id=appointment))
    await billing.until_rest()
    charge = await billing.only_charge(patient)
    [setup] = await billing.rows("SELECT setup_id FROM card_setups")
    [mandate] = await billing.rows("SELECT mandate_id FROM mandates")
    return {
        "path.patient_id": patient,
        "path.setup_id": setup.setup_id,
        "path.mandate_id": mandate.mandate_id,
        "path.appointment_id": appointment,
        "path.charge_id": charge["charge_id"],
        "path.payment_id": charge["payments"][0]["payment_id"],
        "path.superbill_id": charge["superbill_id"],
    }


async def estimated(billing: Billing, patient: UUID) -> dict[str, Any]:
    series, starts = new_id(), starts_from(billing.clock.now() + timedelta(days=20), 6)
    billing.scheduling.has_plan(plan_of(series, patient, starts))
    await billing.hear(series_booked(series, patient, starts, billing.clock.now()))
    await billing.until_rest()
    [estimate] = await billing.rows("SELECT estimate_id FROM estimates")
    return {"path.estimate_id": estimate.estimate_id}


async def held_above_its_estimate(billing: Billing) -> dict[str, Any]:
    series = await estimated_for_one(billing)
    *_, infusion = await complete(billing, series, 1, 2)
    return {"path.infusion_id": infusion}


async def asked_to_pay(billing: Billing) -> dict[str, Any]:
    """One patient gets a page, another one a link of CareCredit; neither has a card."""
    with_page, with_care_credit = new_id(), new_id()
    await billing.hear(billing.complete(with_page), billing.complete(with_care_credit))
    await billing.until_rest()
    [charge] = await billing.charges(with_care_credit)
    path = f"/charges/{charge['charge_id']}/care-credit-links"
    link = await billing.told("POST", path, {"amount_cents": 20000, "promo_months": 6})
    page, *_ = await billing.rows("SELECT pay_link_id FROM pay_links WHERE state = 'open'")
    return {"path.pay_link_id": page.pay_link_id, "path.tender_id": link["tender_id"]}


async def worked_off(billing: Billing, patient: UUID, payment_id: str) -> dict[str, Any]:
    """What waits for a person: an approval, a refund, a hold, a dispute, a break, a statement."""
    back = f"/payments/{payment_id}/refunds"
    refund = await billing.told("POST", back, {"amount_cents": 100, "reason": "courtesy"})
    await billing.until_rest()
    hold = await billing.told(
        "POST", "/collections/holds", {"patient_id": str(patient), "reason": "clinical"}
    )
    charged, *_ = [one for one in billing.at_stripe("charges") if one["paid"]]
    billing.world.bank_disputes(charged["id"], is_inquiry=True)
    billing.world.stripe_moves("adjustment", -1234, "other_adjustment", "made up")
    await billing.until_rest()
    await billing.told("POST", "/reconciliations", {})
    await billing.until_rest()
    [dispute] = (await billing.told("GET", "/disputes"))["items"]
    answer = f"/disputes/{dispute['dispute_id']}/answer"
    asked = await billing.told("POST", answer, {"kind": "acceptance"})
    [one, *_] = (await billing.told("GET", "/reconciliation-breaks"))["items"]
    wish = {"since": "2026-11-01", "location_id": str(new_id())}
    statement = await billing.told("POST", f"/patients/{patient}/statements", wish)
    return {
        "path.refund_id": refund["refund_id"],
        "path.approval_id": asked["approval_id"],
        "path.hold_id": hold["hold_id"],
        "path.dispute_id": dispute["dispute_id"],
        "path.break_id": one["break_id"],
        "path.statement_id": statement["statement_id"],
    }


async def test_schemathesis_finds_nothing(billing: Billing, tmp_path: Path):
    known = await paid_and_billed(billing)
    patient = known["path.patient_id"]
    known |= await estimated(billing, patient)
    known |= await asked_to_pay(billing)
    known |= await worked_off(billing, patient, known["path.payment_id"])
    known |= await held_above_its_estimate(billing)
    known["path.package_id"] = await offered(billing)

    found = await strays(
        billing.url,
        tmp_path,
        token=development_token(
            TOKEN_SECRET, env="development", subject="staff-1", roles=frozenset(Role)
        ),
        on_record=known,
    )

    assert not found, found
