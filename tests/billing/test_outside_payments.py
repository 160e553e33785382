"""CareCredit, cash and checks: chosen per visit, recorded with a reference that is used once."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.auth import Role
from shared.events.billing import ChargePosted, OutsidePaymentRecorded, SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import Billing


async def waiting_charge(billing: Billing, tender: str = "care_credit") -> dict[str, Any]:
    """A charge that waits for its payment from outside, of a patient with a card on file."""
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.save_card(patient)
    assert (await billing.choose(appointment, patient, tender)).status_code == 201
    await billing.hear(billing.complete(patient, appointment_id=appointment))
    await billing.until_rest()
    return await billing.only_charge(patient) | {"patient_id": patient}


async def pay(billing: Billing, charge: dict[str, Any], **changes: Any) -> Any:
    wish = {"tender": "care_credit", "reference": "CC-118834", "amount_cents": 39900} | changes
    return await billing.ask("POST", f"/charges/{charge['charge_id']}/outside-payments", wish)


async def test_a_visit_paid_with_care_credit_charges_no_card_and_gets_its_superbill(
    billing: Billing,
):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    assert (charge["state"], charge["tender"], charge["attempts"]) == ("open", "care_credit", [])
    assert len(await billing.said(ChargePosted)) == 1
    assert billing.at_stripe("payment_intents") == []

    answer = await pay(billing, charge, reference=" cc-118834 ")
    assert answer.status_code == 201
    assert answer.json()["reference"] == "CC-118834"
    await billing.until_rest()

    [recorded] = await billing.said(OutsidePaymentRecorded)
    assert (recorded.tender, recorded.amount_cents) == ("care_credit", 39900)
    [issued] = await billing.said(SuperbillIssued)
    shown = await billing.told("GET", f"/superbills/{issued.superbill_id}")
    [payment] = shown["superbill"]["payments"]
    assert (payment["method"], payment["reference"]) == ("CareCredit", "CC-118834")
    assert billing.at_stripe("payment_intents") == []


async def test_a_payment_that_does_not_fit_is_refused_with_what_would(billing: Billing):
    await billing.set_fee()
    charge = await waiting_charge(billing)
    for field, wrong, rule in (
        ("amount_cents", 40000, "more_than_owed"),
        ("tender", "card", "tender_not_outside"),
        ("reference", "4242 4242 4242 4242", "reference_is_card_number"),
    ):
        answer = await pay(billing, charge, **{field: wrong})

        assert answer.status_code == 409
        [violation] = answer.json()["violations"]
        assert (violation["rule"], violation["field"]) == (rule, field)
        assert violation["source"]
        assert "4242" not in answer.text
    assert (await billing.only_charge(charge["patient_id"]))["state"] == "open"


async def test_a_reference_settles_one_charge_however_it_is_typed(billing: Billing):
    await billing.set_fee()
    first, second = await waiting_charge(billing), await waiting_charge(billing)
    assert (await pay(billing, first, reference="CC-118834")).status_code == 201

    answer = await pay(billing, second, reference="cc-118834")

    assert answer.status_code == 409
    assert answer.json()["violations"][0]["rule"] == "reference_used"
    again = await pay(billing, first, reference="CC-118835")
    assert again.json()["violations"][0]["rule"] == "charge_paid"


async def test_two_billers_with_one_receipt_settle_one_charge(billing: Billing):
    await billing.set_fee()
    charges = [await waiting_charge(billing) for _ in range(3)]

    answers = await asyncio.gather(*(pay(billing, charge) for charge in charges))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len(await billing.said(OutsidePaymentRecorded)) == 1


async def test_a_declined_charge_may_be_paid_with_cash(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.hear(billing.complete(patient))
    charge = await billing.only_charge(patient)

    answer = await pay(billing, charge, tender="cash", reference="Receipt 2041")
    assert answer.status_code == 201

    assert (await billing.only_charge(patient))["tender"] == "cash"


async def test_nothing_is_recorded_while_a_try_at_the_card_is_under_way(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    billing.world.fault("stripe", "slow", "POST /v1/payment_intents", ms=800)
    await billing.hear(billing.complete(patient))
    charge = await billing.only_charge(patient)

    answer = await pay(billing, charge)
    await billing.until_rest()

    assert answer.json()["violations"][0]["rule"] == "attempt_under_way"
    assert (await billing.only_charge(patient))["tender"] == "card"


async def test_only_a_biller_records_payments(billing: Billing):
    path = f"/charges/{new_id()}/outside-payments"
    answer = await billing.ask("POST", path, {}, role=Role.FRONT_DESK)
    assert answer.status_code == 403
