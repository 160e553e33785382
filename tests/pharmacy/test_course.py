"""One prescription's course, from the completed series to the delivered spray."""

from __future__ import annotations

from datetime import timedelta

from shared.auth import Role
from tests.pharmacy.practice import Case, Practice

DELIVERED = [
    "PrescriptionDrafted",
    "PrescriptionSigned",
    "PrescriptionSent",
    "PrescriptionAccepted",
    "PrescriptionShipped",
    "PrescriptionDelivered",
]


async def test_a_completed_series_ends_with_a_delivered_spray(practice: Practice):
    case = await practice.awaiting_signature()
    await practice.sign(case)
    await practice.until(case, "sent")

    await practice.step(minutes=20)
    await practice.until(case, "accepted")
    await practice.step(days=2)
    await practice.until(case, "shipped")
    await practice.step(days=3)
    await practice.until(case, "delivered")

    await practice.until_said(case, *DELIVERED)
    [order] = practice.orders(case)
    assert order["signature_known_to_vendor"]
    form = order["form"]
    assert (form["drug"], form["schedule"], form["refills"], form["days_supply"]) == (
        "Ketamine HCl (racemic) nasal spray, compounded",
        "C-III",
        0,
        30,
    )
    assert "Do not drive for 4 hours after each use." in form["sig"]
    assert form["date_written"] == "2026-11-23"
    assert ("pharmacy", case.series_id, "prescribing") in practice.scheduling.asked


async def test_a_hundred_completions_of_one_series_are_one_prescription(practice: Practice):
    case = Case()
    practice.knows(case)
    await practice.complete(case, times=100)
    await practice.until(case, "awaiting_signature")
    await practice.sign(case)
    await practice.until(case, "sent")

    assert len(await practice.sessions(case)) == 1
    assert len(practice.orders(case)) == 1
    await practice.until_said(case, *DELIVERED[:3])
