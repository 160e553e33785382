"""How a visit will be paid: chosen for the right patient, and never beside a charge."""

from __future__ import annotations

import asyncio

from services.billing.handlers.charges.posting import charge_for_infusion
from services.billing.handlers.charges.visits import ChooseTender, choose_tender
from services.billing.store import visits
from shared.events.billing import TenderKind
from shared.ids import new_id
from tests.billing.conftest import Billing


async def waits(task: asyncio.Task[object]) -> bool:
    """Whether a request stands still behind somebody's lock."""
    _, waiting = await asyncio.wait({task}, timeout=0.4)
    return bool(waiting)


async def test_a_tender_that_comes_while_the_infusion_is_priced_is_told_that_it_is_charged(
    billing: Billing,
):
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient, appointment_id=appointment)

    billing.world.fault("stripe", "slow", "POST /v1/payment_intents", ms=2000)
    async with billing.service.runtime.work.transaction() as tx:
        [on_file] = await visits.load_on_file(tx, [event])
        late = asyncio.create_task(billing.choose(appointment, patient, "care_credit"))
        assert await waits(late)
        await charge_for_infusion(event, tx, on_file)
    answer = await late
    await billing.until_rest()

    assert answer.status_code == 409
    [violation] = answer.json()["violations"]
    assert violation["rule"] == "already_charged"
    charge = await billing.only_charge(patient)
    assert f"POST /charges/{charge['charge_id']}/outside-payments" in violation["detail"]
    assert billing.money_taken() == [39900]


async def test_an_infusion_that_completes_while_a_tender_is_chosen_charges_no_card(
    billing: Billing,
):
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.set_fee()
    await billing.save_card(patient)
    event = billing.complete(patient, appointment_id=appointment)
    wish = ChooseTender(patient_id=patient, tender=TenderKind.CARE_CREDIT)

    async with billing.service.runtime.work.transaction() as tx:
        await choose_tender(appointment, wish, tx)
        priced = asyncio.create_task(billing.hear(event))
        assert await waits(priced)
    await priced
    await billing.until_rest()

    assert (await billing.only_charge(patient))["tender"] == "care_credit"
    assert billing.at_stripe("payment_intents") == []


async def test_a_tender_is_chosen_again_until_the_visit_is_charged(billing: Billing):
    patient = new_id()
    appointment = await billing.book(patient)
    await billing.set_fee()
    for tender in ("care_credit", "cash"):
        assert (await billing.choose(appointment, patient, tender)).status_code == 201

    await billing.hear(billing.complete(patient, appointment_id=appointment))

    assert (await billing.only_charge(patient))["tender"] == "cash"
    late = await billing.choose(appointment, patient, "card")
    assert late.json()["violations"][0]["rule"] == "already_charged"


async def test_a_mistyped_patient_is_told_so_and_does_not_stand_in_the_right_ones_way(
    billing: Billing,
):
    patient = new_id()
    appointment = await billing.book(patient)

    mistyped = await billing.choose(appointment, new_id(), "care_credit")
    right = await billing.choose(appointment, patient, "care_credit")

    assert mistyped.status_code == 409
    [violation] = mistyped.json()["violations"]
    assert (violation["rule"], violation["field"]) == ("another_patients_appointment", "patient_id")
    assert right.status_code == 201


async def test_a_visit_that_nobody_booked_is_not_found(billing: Billing):
    answer = await billing.choose(new_id(), new_id(), "cash")
    assert answer.status_code == 404
    assert answer.json()["violations"][0]["rule"] == "unknown_appointment"


async def test_a_visit_that_is_told_of_twice_keeps_its_tender(billing: Billing):
    patient = new_id()
    appointment = await billing.book(patient)
    assert (await billing.choose(appointment, patient, "check")).status_code == 201
    again = await billing.rows("SELECT * FROM visits")

    await billing.hear(*[billing.booked(patient, appointment)] * 2)

    assert await billing.rows("SELECT * FROM visits") == again
