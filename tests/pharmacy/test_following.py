"""What the pharmacy tells, late, twice, in any order or not at all, is said once and in order."""

from __future__ import annotations

from datetime import datetime

import pytest

from shared.auth import Role
from tests.pharmacy.practice import Practice
from tests.pharmacy.test_course import DELIVERED
from tests.support.eventually import eventually


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("drop", {"times": 5}),
        ("duplicate", {"times": 5}),
        ("reorder", {"times": 5}),
        ("delay", {"times": 5, "seconds": 7200}),
        ("forged_signature", {"times": 5}),
        ("future_timestamp", {"times": 5}),
    ],
)
async def test_each_step_is_said_once_and_in_order_whatever_befalls_the_notices(
    practice: Practice, fault: str, more: dict[str, int]
):
    case = await practice.awaiting_signature()
    practice.world.fault("pharmacy", fault, "pharmacy.order.*", **more)
    await practice.sign(case)
    await practice.until(case, "sent")

    for _ in range(7):
        await practice.step(days=1)
        await practice.until_idle(within_s=30)

    await practice.until_said(case, *DELIVERED)
    [order] = practice.orders(case)
    at = {step["status"]: datetime.fromisoformat(step["at"]) for step in order["history"]}
    told = dict(await practice.said_whole(case))
    for status in ("accepted", "shipped", "delivered"):
        event = told[f"Prescription{status.capitalize()}"]
        assert datetime.fromisoformat(event[f"{status}_at"]) == at[status], "the pharmacy's time"


async def test_a_rejected_order_is_refused_and_its_words_are_the_liaisons_to_read(
    practice: Practice,
):
    case = await practice.sent()
    [order] = practice.orders(case)
    practice.world.pharmacist(order["order_id"], "rejected", "Testa Canary is not on our books")

    row = await practice.until(case, "refused")
    await practice.until_idle()

    assert row.reason == "rejected_by_pharmacy"
    assert row.pharmacy_status == "rejected"
    await practice.until_said(
        case,
        "PrescriptionDrafted",
        "PrescriptionSigned",
        "PrescriptionSent",
        "PrescriptionRefused",
    )
    assert b"Canary" not in bytes(row.violations)
    path = f"/prescriptions/{case.prescription_id}"
    shown = (await practice.get(path, Role.PHARMACY_LIAISON)).json()
    [said] = shown["violations"]
    assert (said["rule"], said["detail"]) == (
        "rejected_by_pharmacy",
        "Testa Canary is not on our books",
    )


async def test_an_order_that_the_pharmacy_cancels_is_refused_in_words_for_the_liaison(
    practice: Practice,
):
    case = await practice.sent()
    [order] = practice.orders(case)
    await practice.cancelled_by_pharmacy(order["order_id"])

    row = await practice.until(case, "refused")
    await practice.until_idle()

    assert (row.reason, row.pharmacy_status) == ("cancelled_by_pharmacy", "cancelled")
    assert (await practice.said(case))[-1] == "PrescriptionRefused"
    path = f"/prescriptions/{case.prescription_id}"
    [said] = (await practice.get(path, Role.PHARMACY_LIAISON)).json()["violations"]
    assert said["rule"] == "cancelled_by_pharmacy"
    assert said["detail"] == "no longer compounded here"


async def test_an_order_on_hold_says_nothing_until_it_is_accepted(practice: Practice):
    case = await practice.sent()
    [order] = practice.orders(case)
    practice.world.pharmacist(order["order_id"], "on_hold", "a question to the prescriber")

    async def held() -> None:
        assert (await practice.prescription(case)).pharmacy_status == "on_hold"

    await eventually(held)
    await practice.step(hours=3)
    await practice.until_idle()
    assert (await practice.said(case))[-1] == "PrescriptionSent"

    practice.world.pharmacist(order["order_id"], "accepted")
    await practice.until(case, "accepted")
    assert (await practice.said(case))[-1] == "PrescriptionAccepted"


async def test_an_order_rejected_after_it_was_accepted_says_both(practice: Practice):
    practice.world.fault("pharmacy", "drop", "pharmacy.order.*", times=2)
    case = await practice.sent()
    [order] = practice.orders(case)
    await practice.step(minutes=20)
    practice.world.pharmacist(order["order_id"], "rejected", "out of stock")

    await practice.until(case, "refused")

    assert (await practice.said(case))[-2:] == ["PrescriptionAccepted", "PrescriptionRefused"]


async def test_the_list_of_a_patients_prescriptions_comes_in_pages(practice: Practice):
    first = await practice.awaiting_signature()
    second = await practice.awaiting_signature_of(first.patient_id)
    path = f"/prescriptions?patient_id={first.patient_id}&limit=1"

    newest = (await practice.get(path, Role.PRESCRIBER)).json()
    rest = (
        await practice.get(f"{path}&cursor={newest['next_cursor']}", Role.PHARMACY_LIAISON)
    ).json()

    found = [item["prescription_id"] for item in newest["items"] + rest["items"]]
    assert found == [str(second.prescription_id), str(first.prescription_id)]
    assert rest["next_cursor"] is None
    assert (await practice.get(path, Role.FRONT_DESK)).status_code == 403


async def test_a_prescription_is_shown_with_what_it_says_and_how_it_came_here(practice: Practice):
    case = await practice.sent()
    path = f"/prescriptions/{case.prescription_id}"

    shown = (await practice.get(path, Role.PHARMACY_LIAISON)).json()

    assert (shown["strength"], shown["quantity"], shown["quantity_unit"]) == (
        "100 mg/mL",
        "5",
        "mL",
    )
    assert shown["ingredients"] == [{"name": "Ketamine HCl", "quantity": "500", "unit": "mg"}]
    assert [step["state"] for step in shown["history"]] == [
        "drafting",
        "drafted",
        "awaiting_signature",
        "signed",
        "sent",
    ]
    audited = await practice.rows(
        "SELECT action FROM audit_log WHERE patient_id = :id AND entity LIKE '%/prescriptions/%'",
        id=case.patient_id,
    )
    assert [row.action for row in audited] == ["read"]
