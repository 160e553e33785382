"""What is done about money: cards saved and declined, tries, payments from elsewhere."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from deploy.local.demo.people import People, Wanting
from deploy.local.demo.phrases import TENDERS, words
from deploy.local.export.records import Card, OutsidePayment, Patient, StaffRole, Visit
from shared.auth import Role
from shared.money import dollars

ANSWERS_WITHIN_S = 30.0
_LOOK_S = 0.02


async def save_card(people: People, patient: Patient, card: Card) -> None:
    """The front desk asks for a card; the patient's browser confirms it with Stripe."""
    path = f"/patients/{people.id_of('patient', patient.patient)}/card-setups"
    desk = people.staff(StaffRole.FRONT_DESK)[0]
    setup = await people.post("billing", path, Role.FRONT_DESK, who=desk)
    path = f"{path}/{setup['setup_id']}"
    ready = await _until(people, path, "ready")
    agreed = {"text_id": ready["mandate_text"]["text_id"], "way": "hosted_page"}
    await people.post("billing", f"{path}/mandate", Role.FRONT_DESK, who=desk, **agreed)
    confirmed = await people.world.confirm_card(
        card.number,
        client_secret=ready["client_secret"],
        publishable_key=ready["publishable_key"],
    )
    if isinstance(confirmed, str):
        raise Wanting(f"the card ending in {card.number[-4:]} was not saved: {confirmed}")
    people.confirmed.setdefault(patient.patient, []).append(confirmed)
    people.say(patient, "the patient", f"saves a card ending in {card.number[-4:]}")
    await _until(people, path, "saved")


async def issuer_declines(people: People, patient: Patient, code: str) -> None:
    cards = people.confirmed.get(patient.patient)
    if not cards:
        raise Wanting("no card is on file that an issuer could decline")
    await people.world.issuer_declines(cards[-1].payment_method, code)
    people.timeline.setback(patient, "the bank", f"declines the card from now on: {words(code)}")


async def try_again(people: People, patient: Patient, visit: Visit) -> None:
    charge = await _charge(people, patient, visit)
    biller = people.staff(StaffRole.BILLER)[0]
    path = f"/charges/{charge['charge_id']}/attempts"
    await people.post("billing", path, Role.BILLER, who=biller)
    people.act(patient, StaffRole.BILLER, f"charges infusion {visit.sequence_no} again")


async def record_payment(
    people: People, patient: Patient, visit: Visit, paid: OutsidePayment
) -> None:
    """Above the clinic's limit a second person looks at what the biller entered."""
    charge = await _charge(people, patient, visit)
    entered = await people.post(
        "billing",
        f"/charges/{charge['charge_id']}/outside-payments",
        Role.BILLER,
        who=people.staff(StaffRole.BILLER)[0],
        tender=paid.tender,
        reference=paid.reference,
        amount_cents=charge["amount_cents"],
    )
    if (approval_id := entered.get("approval_id")) is not None:
        await people.post("billing", f"/approvals/{approval_id}/approve", Role.OPS, who="practice")
    people.act(
        patient,
        StaffRole.BILLER,
        f"records {dollars(charge['amount_cents'])} by {TENDERS[paid.tender]} "
        f"for infusion {visit.sequence_no}",
    )


async def _charge(people: People, patient: Patient, visit: Visit) -> dict[str, Any]:
    infusion_id = people.id_of("infusion", visit.visit)
    path = f"/patients/{people.id_of('patient', patient.patient)}/charges"
    async for charge in people.practice.items("billing", path, role=Role.BILLER):
        if charge["infusion_id"] == infusion_id:
            return charge
    raise Wanting(f"infusion {visit.sequence_no} has no charge")


async def _until(people: People, path: str, state: str) -> dict[str, Any]:
    """Look at a card's set-up again and again, as the page at the front desk does."""
    deadline = monotonic() + ANSWERS_WITHIN_S
    while True:
        found = dict(await people.practice.get("billing", path, role=Role.FRONT_DESK))
        if found["state"] in {state, "saved"}:
            return found
        if found["state"] == "failed" or monotonic() > deadline:
            raise Wanting(f"the card's set-up is {found['state']}, not {state}")
        await asyncio.sleep(_LOOK_S)
