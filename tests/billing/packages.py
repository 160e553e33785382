"""Packages bought, used and given back, as the tests of several files do it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.auth import Role
from shared.events.scheduling import InfusionCompleted
from shared.ids import new_id
from tests.billing.conftest import Billing

PRICE = 210000
OFFER = {
    "visit_type": "ketamine_mood",
    "units": 6,
    "price_cents": PRICE,
    "effective_from": "2026-01-01",
    "source": "price list 2026, made up",
}


def receipt_of(patient: UUID) -> str:
    """With one digit: of many some would read like a card number."""
    return "R-1-" + patient.hex.translate(str.maketrans("0123456789", "ghijklmnop"))


async def offered(billing: Billing, **changes: Any) -> str:
    """A package on sale, of a visit whose fee is $399; its id."""
    await billing.set_fee()
    answer = await billing.ask("POST", "/packages", OFFER | changes, role=Role.OPS)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["package_id"])


async def buy(billing: Billing, patient: UUID, package: str, **changes: Any) -> Any:
    wish = {"package_id": package} | changes
    key, who = wish.pop("key", None), wish.pop("who", "staff-1")
    return await billing.ask("POST", f"/patients/{patient}/packages", wish, key=key, who=who)


async def of_patient(billing: Billing, patient: UUID) -> list[dict[str, Any]]:
    return list((await billing.told("GET", f"/patients/{patient}/packages"))["items"])


async def only_package(billing: Billing, patient: UUID) -> dict[str, Any]:
    [package] = await of_patient(billing, patient)
    return package


async def bought_by_card(billing: Billing, card: str = "pm_card_visa", **offer: Any) -> UUID:
    """A patient who paid a package by the card on file."""
    patient, package = new_id(), await offered(billing, **offer)
    await billing.save_card(patient, card)
    answer = await buy(billing, patient, package)
    assert answer.json()["state"] == "pending", answer.text
    await billing.until_rest()
    return patient


async def bought_in_cash(billing: Billing, **offer: Any) -> UUID:
    """A patient who paid a package of two in cash, and has a card on file."""
    two = {"units": 2, "price_cents": 70001}
    patient, package = new_id(), await offered(billing, **two | offer)
    await billing.save_card(patient)
    answer = await buy(billing, patient, package, tender="cash", reference=receipt_of(patient))
    assert answer.json()["state"] == "paid", answer.text
    return patient


async def treated(billing: Billing, patient: UUID, **changes: Any) -> InfusionCompleted:
    infusion = billing.complete(patient, **changes)
    await billing.hear(infusion)
    await billing.until_rest()
    return infusion


async def refund(billing: Billing, payment_id: str, cents: int, **changes: Any) -> Any:
    wish = {"amount_cents": cents, "reason": "nothing_owed"} | changes
    return await billing.ask("POST", f"/payments/{payment_id}/refunds", wish)
