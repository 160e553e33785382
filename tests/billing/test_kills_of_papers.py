"""Killed around what is redeemed for an estimate or a statement, and around a card: each once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from shared.ids import new_id
from tests.billing.mortal import (
    CHANGES,
    READS,
    Mortal,
    mortal_billing,  # noqa: F401  # the fixture `mortal`
)
from tests.billing.plans import plan_of, series_booked, starts_from
from tests.billing.process import publish
from tests.billing.test_kills_of_money_back import PARKED, PRINT, paid_by_card
from tests.billing.test_notices import notice, post

CARDS = "services.billing.gateways.stripe.cards:StripeCards"
CLAIMS = "shared.claims:SchedulingClaims"


async def test_a_billing_killed_around_an_estimate_issues_it_once(mortal: Mortal):
    clinic, patient, series = mortal.clinic, new_id(), new_id()
    starts = starts_from(clinic.clock.now() + timedelta(days=14), 6)
    clinic.scheduling.has_plan(plan_of(series, patient, starts))

    async def book() -> None:
        await clinic.set_fee()
        now = clinic.clock.now()
        await publish(mortal.topics, series_booked(series, patient, starts, now))

    await mortal.dies_around(f"{CLAIMS}.plan", READS, book)
    await mortal.dies_around(PRINT, READS, None)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    [listed] = (await clinic.told("GET", f"/patients/{patient}/estimates"))["items"]
    assert (listed["version"], listed["state"], listed["total_cents"]) == (1, "issued", 239400)
    assert await mortal.said_once() == ["EstimateIssued"]
    assert (await clinic.told("GET", "/estimates/due"))["items"] == []


async def test_a_billing_killed_around_a_statement_prints_it_once(mortal: Mortal):
    clinic = mortal.clinic
    patient, _ = await paid_by_card(mortal)
    location = new_id()
    clinic.scheduling.has_patient(patient)
    clinic.scheduling.has_location(location)

    async def ask() -> None:
        wish = {"since": "2026-11-01", "location_id": str(location)}
        await clinic.ask("POST", f"/patients/{patient}/statements", wish)

    await mortal.dies_around(f"{CLAIMS}.patient", READS, ask)
    await mortal.dies_around(f"{CLAIMS}.location", READS, None)
    await mortal.dies_around(PRINT, READS, None)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    [listed] = (await clinic.told("GET", f"/patients/{patient}/statements"))["items"]
    assert listed["ready_at"] is not None
    pdf = await clinic.ask("GET", f"/statements/{listed['statement_id']}/pdf")
    assert pdf.content.startswith(b"%PDF")


async def test_a_billing_killed_around_a_card_that_is_taken_off_leaves_none_on_file(
    mortal: Mortal,
):
    clinic = mortal.clinic
    patient, _ = await paid_by_card(mortal)

    async def tell() -> None:
        [card] = clinic.at_stripe("payment_methods")
        kind = "payment_method.automatically_updated"
        await post(clinic, notice(kind, card["id"], id=f"evt_{new_id().hex}"))

    async def withdraw() -> None:
        assert await cards_on_file(mortal, patient) == 1, "the news of it changed nothing"
        [mandate] = (await clinic.told("GET", f"/patients/{patient}/mandates"))["items"]
        path = f"/patients/{patient}/mandates/{mandate['mandate_id']}/withdraw"
        await clinic.ask("POST", path, {})

    await mortal.dies_around(f"{CARDS}.card", READS, tell)
    await mortal.dies_around(f"{CARDS}.detach", CHANGES, withdraw)
    await mortal.lives()

    assert await mortal.rows(PARKED) == []
    [card] = clinic.at_stripe("payment_methods")
    assert card["customer"] is None
    assert await cards_on_file(mortal, patient) == 0


async def cards_on_file(mortal: Mortal, patient: UUID) -> int:
    rows = await mortal.rows("SELECT patient_id FROM cards WHERE gone_at IS NULL")
    return sum(row.patient_id == patient for row in rows)
