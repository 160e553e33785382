"""A card on file that expires before it is needed is on a list, until it is renewed or replaced."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.payments.cards import (
    expires_at,
    last_good_day,
    next_notice,
    what_to_do,
)
from shared.events.billing import CardExpiring
from shared.events.scheduling import (
    AppointmentCancelled,
    AppointmentMoved,
    CancelReason,
    VisitType,
)
from shared.ids import new_id
from tests.billing.conftest import Billing

IN_DECEMBER = {"exp_month": 12, "exp_year": 2026}
IN_JANUARY = {"exp_month": 1, "exp_year": 2027, "last4": "1881"}
FEBRUARY_2 = datetime(2027, 2, 2, 15, 0, tzinfo=UTC)


async def expiring(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/cards/expiring"))["items"])


async def book(billing: Billing, patient: UUID, starts_at: datetime) -> UUID:
    appointment = new_id()
    booked = billing.booked(patient, appointment)
    hour = timedelta(hours=1)
    times = {"starts_at": starts_at, "ends_at": starts_at + hour}
    await billing.hear(booked.model_copy(update=times))
    return appointment


async def save(billing: Billing, patient: UUID, **card: object) -> str:
    saved = await billing.save_card(patient)
    billing.world.issuer_renews(saved, **card)
    await billing.until_rest()
    return saved


# The rules


@pytest.mark.parametrize(
    ("month", "year", "good_until", "ends_at"),
    [
        (12, 2026, date(2026, 12, 31), datetime(2027, 1, 1, 5, tzinfo=UTC)),
        (2, 2028, date(2028, 2, 29), datetime(2028, 3, 1, 5, tzinfo=UTC)),
        (6, 2027, date(2027, 6, 30), datetime(2027, 7, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(
    month: int, year: int, good_until: date, ends_at: datetime
):
    assert expires_at(month, year) == ends_at
    assert last_good_day(ends_at) == good_until


def test_what_to_do_names_the_visit_that_the_card_does_not_reach():
    words = what_to_do(date(2027, 1, 31), FEBRUARY_2)
    assert "good until January 31, 2027, and a visit is booked on February 2, 2027" in words
    assert "a visit is booked" not in what_to_do(date(2027, 2, 28), FEBRUARY_2)


# The list


async def test_a_card_that_does_not_reach_the_last_visit_is_listed_until_the_bank_renews_it(
    billing: Billing,
):
    patient, other = new_id(), new_id()
    await book(billing, patient, datetime(2026, 12, 1, 15, tzinfo=UTC))
    await book(billing, patient, FEBRUARY_2)
    await book(billing, other, datetime(2027, 1, 31, 15, tzinfo=UTC))
    card = await save(billing, patient, **IN_JANUARY)
    await save(billing, other, **IN_JANUARY)

    [listed] = await expiring(billing)

    assert (listed["patient_id"], listed["last4"]) == (str(patient), "1881")
    assert (listed["expires_on"], listed["last_visit_at"]) == ("2027-01-31", "2027-02-02T15:00:00Z")
    assert "February 2, 2027" in listed["detail"]
    billing.world.issuer_renews(card, exp_month=1, exp_year=2031)
    await billing.until_rest()
    assert await expiring(billing) == []
    [kept] = await billing.rows("SELECT expires_at FROM cards WHERE patient_id = :p", p=patient)
    assert kept.expires_at == datetime(2031, 2, 1, 5, tzinfo=UTC)


async def test_the_last_visit_is_the_one_that_is_booked_now(billing: Billing):
    patient = new_id()
    appointment = await book(billing, patient, datetime(2026, 12, 1, 15, tzinfo=UTC))
    await save(billing, patient, **IN_JANUARY)
    assert await expiring(billing) == []

    moved = AppointmentMoved(
        patient_id=patient,
        appointment_id=appointment,
        visit_type=VisitType.KETAMINE_MOOD,
        location_id=new_id(),
        previous_starts_at=datetime(2026, 12, 1, 15, tzinfo=UTC),
        starts_at=FEBRUARY_2,
        ends_at=FEBRUARY_2 + timedelta(hours=1),
        revision=1,
    )
    await billing.hear(moved)
    assert len(await expiring(billing)) == 1

    cancelled = AppointmentCancelled(
        patient_id=patient,
        appointment_id=appointment,
        location_id=moved.location_id,
        starts_at=FEBRUARY_2,
        reason=CancelReason.PATIENT_ASKED,
        revision=2,
    )
    await billing.hear(cancelled)
    assert await expiring(billing) == []


async def test_within_the_policys_days_a_card_is_listed_although_no_visit_is_booked(
    billing: Billing,
):
    patient = new_id()
    await save(billing, patient, **IN_DECEMBER)
    assert await expiring(billing) == []

    billing.step(timedelta(days=8, hours=20))  # it is December 2: thirty days to the end
    [listed] = await expiring(billing)

    assert (listed["expires_on"], listed["last_visit_at"]) == ("2026-12-31", None)


async def test_a_card_that_was_replaced_or_that_the_patient_took_back_is_nobodys_concern(
    billing: Billing,
):
    replaced, withdrawn = new_id(), new_id()
    for patient in (replaced, withdrawn):
        await book(billing, patient, FEBRUARY_2)
        await save(billing, patient, **IN_JANUARY)
    assert len(await expiring(billing)) == 2
    billing.step(timedelta(minutes=1))
    await billing.save_card(replaced, "pm_card_mastercard")
    [mandate] = (await billing.told("GET", f"/patients/{withdrawn}/mandates"))["items"]
    path = f"/patients/{withdrawn}/mandates/{mandate['mandate_id']}/withdraw"
    await billing.told("POST", path)

    assert await expiring(billing) == []


# The notice


async def mornings(billing: Billing, count: int = 1) -> None:
    for _ in range(count):
        billing.clock.step_to(next_notice(billing.clock.now()))
        await billing.until_rest()


async def test_the_patient_is_told_once_at_a_decent_hour(billing: Billing):
    patient, other = new_id(), new_id()
    await book(billing, patient, FEBRUARY_2)
    await save(billing, patient, **IN_JANUARY)
    await save(billing, other, exp_month=1, exp_year=2031)
    assert await billing.said(CardExpiring) == []

    await mornings(billing, 3)

    [told] = await billing.said(CardExpiring)
    assert (told.patient_id, told.expires_at) == (patient, datetime(2027, 2, 1, 5, tzinfo=UTC))
    assert told.noticed_at.astimezone(CLINIC_ZONE).hour == 10
    assert await billing.parked() == []


async def test_of_a_card_that_its_bank_renews_the_patient_is_told_when_that_one_expires(
    billing: Billing,
):
    patient = new_id()
    await book(billing, patient, FEBRUARY_2)
    card = await save(billing, patient, **IN_JANUARY)
    await mornings(billing)
    billing.world.issuer_renews(card, exp_month=12, exp_year=2026)  # to a day that is no better
    await billing.until_rest()
    await mornings(billing, 2)
    told = await billing.said(CardExpiring)
    assert [one.expires_at.month for one in told] == [2, 1]
    assert len({one.card_id for one in told}) == 1


async def test_of_a_card_that_expired_already_staff_ask_and_no_mail_tells(billing: Billing):
    patient = new_id()
    await save(billing, patient, exp_month=11, exp_year=2026)
    billing.step(timedelta(days=9))  # December 2: the round that was missed comes now
    await billing.until_rest()
    await mornings(billing, 2)
    assert len(await expiring(billing)) == 1
    assert await billing.said(CardExpiring) == []
