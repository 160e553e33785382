"""While a patient disputes a bill against its estimate nothing is collected from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.billing.rules.clinic import clinic_day
from shared.events.billing import PaymentDeclined
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.plans import Series, book_series


async def estimated(billing: Billing, *, with_card: bool = True) -> Series:
    await billing.set_fee()
    patient_id = new_id()
    if with_card:
        await billing.save_card(patient_id)
    return await book_series(billing, patient_id, 2, planned=2)


async def dispute(billing: Billing, series: Series, **changes: Any) -> Any:
    listed = await billing.told("GET", f"/patients/{series.patient_id}/estimates")
    today = str(clinic_day(billing.clock.now()))
    path = f"/estimates/{listed['items'][-1]['estimate_id']}/disputes"
    return await billing.ask("POST", path, {"billed_on": today, "begun_on": today} | changes)


async def infuse(billing: Billing, series: Series, number: int) -> InfusionCompleted:
    event = billing.complete(series.patient_id, appointment_id=series.visits[number])
    await billing.hear(event)
    await billing.until_rest()
    return event


async def close(billing: Billing, dispute_id: str, outcome: str, **changes: Any) -> Any:
    path = f"/estimate-disputes/{dispute_id}/closure"
    return await billing.ask("POST", path, {"outcome": outcome} | changes)


async def test_a_charge_made_during_a_dispute_is_posted_and_no_card_is_touched(billing: Billing):
    series = await estimated(billing)
    opened = (await dispute(billing, series)).json()
    await infuse(billing, series, 0)
    billing.step(timedelta(days=10))
    await billing.until_rest()

    charge = await billing.only_charge(series.patient_id)
    assert (charge["state"], charge["attempts"]) == ("open", [])
    assert billing.money_taken() == []
    [listed] = (await billing.told("GET", "/estimate-disputes"))["items"]
    assert (listed["dispute_id"], listed["hold_id"]) == (opened["dispute_id"], opened["hold_id"])

    closed = await close(billing, opened["dispute_id"], "withdrawn")
    assert closed.is_success, closed.text
    await billing.until_rest()
    assert billing.money_taken() == [39900]
    assert (await billing.told("GET", "/estimate-disputes"))["items"] == []


async def test_a_patient_without_a_card_is_sent_no_page_during_a_dispute(billing: Billing):
    series = await estimated(billing, with_card=False)
    opened = (await dispute(billing, series)).json()
    await infuse(billing, series, 0)
    assert billing.at_stripe("checkout_sessions") == []
    assert await billing.said(PaymentDeclined) == []
    await close(billing, opened["dispute_id"], "for_clinic")
    await billing.until_rest()
    assert len(billing.at_stripe("checkout_sessions")) == 1


async def test_the_hold_of_a_dispute_ends_with_it_and_not_before(billing: Billing):
    series = await estimated(billing)
    opened = (await dispute(billing, series)).json()
    path = f"/collections/holds/{opened['hold_id']}/end"
    refused = await billing.ask("POST", path, {})
    assert refused.json()["violations"][0]["rule"] == "hold_of_estimate_dispute"
    assert (await close(billing, opened["dispute_id"], "for_clinic")).is_success
    again = await close(billing, opened["dispute_id"], "for_clinic")
    assert again.json()["violations"][0]["rule"] == "estimate_dispute_closed"


async def test_what_the_patient_was_found_not_to_owe_is_given_up_before_collecting_goes_on(
    billing: Billing,
):
    series = await estimated(billing)
    opened = (await dispute(billing, series)).json()
    await infuse(billing, series, 0)
    refused = await close(billing, opened["dispute_id"], "for_patient", owed_cents=30000)
    assert refused.json()["violations"][0]["rule"] == "billed_above_outcome"

    charge = await billing.only_charge(series.patient_id)
    discount = {"kind": "discount", "reason": "service_problem", "amount_cents": 9900}
    await billing.told("POST", f"/charges/{charge['charge_id']}/adjustments", discount)
    closed = await close(billing, opened["dispute_id"], "for_patient", owed_cents=30000)
    assert closed.is_success, closed.text
    await billing.until_rest()
    assert billing.money_taken() == [30000]


async def test_an_estimate_is_disputed_once_at_a_time_and_in_time(billing: Billing):
    series = await estimated(billing)
    late = str(clinic_day(billing.clock.now()) - timedelta(days=121))
    refused = await dispute(billing, series, billed_on=late)
    assert refused.json()["violations"][0]["rule"] == "dispute_too_late"
    assert (await dispute(billing, series, billed_on=late, reference="PPDR-0001")).is_success
    again = await dispute(billing, series)
    assert again.json()["violations"][0]["rule"] == "estimate_dispute_open"
