"""A file that scheduling closed: what a patient agreed to or paid ahead under it is listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.auth import Role
from shared.events.scheduling import PatientMerged
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.packages import bought_in_cash, only_package, receipt_of, refund

AT = datetime(2026, 10, 7, 12, tzinfo=UTC)


def merged(patient: UUID, into: UUID) -> PatientMerged:
    return PatientMerged(patient_id=patient, into_patient_id=into, merged_at=AT)


async def listed(billing: Billing) -> list[dict[str, Any]]:
    return list((await billing.told("GET", "/closed-files"))["items"])


async def test_what_is_paid_ahead_under_a_closed_file_is_listed_until_it_is_given_back(
    billing: Billing,
):
    patient, stays = await bought_in_cash(billing), new_id()
    assert await listed(billing) == []
    await billing.hear(merged(patient, stays), merged(patient, stays))
    [left] = await listed(billing)
    assert (left["patient_id"], left["into_patient_id"]) == (str(patient), str(stays))
    assert (left["units_left"], left["card"], left["coverage"]) == (2, True, False)
    assert left["detail"].startswith("2 visits are paid ahead under it; give them back")

    purchase = (await only_package(billing, patient))["purchase_id"]
    half = await refund(billing, purchase, 35001, reference=f"{receipt_of(patient)}-out")
    assert half.status_code == 201, half.text
    [left] = await listed(billing)
    assert left["units_left"] == 1

    [mandate] = (await billing.told("GET", f"/patients/{patient}/mandates"))["items"]
    await billing.told("POST", f"/patients/{patient}/mandates/{mandate['mandate_id']}/withdraw", {})
    await billing.until_rest()
    [left] = await listed(billing)
    assert (left["units_left"], left["card"]) == (1, False)
    assert "card" not in left["detail"]


async def test_a_chain_of_closed_files_points_to_the_last_in_whatever_order_it_is_heard(
    billing: Billing,
):
    """Events of two patients are in no order."""
    patient = await bought_in_cash(billing)
    second, third, fourth = new_id(), new_id(), new_id()
    await billing.hear(merged(second, third))
    await billing.hear(merged(patient, second))
    [left] = await listed(billing)
    assert left["into_patient_id"] == str(third)
    await billing.hear(merged(third, fourth))
    [left] = await listed(billing)
    assert left["into_patient_id"] == str(fourth)


async def test_who_has_nothing_there_is_not_listed_and_only_billers_read_it(billing: Billing):
    await billing.hear(merged(new_id(), new_id()))
    assert await listed(billing) == []
    answer = await billing.ask("GET", "/closed-files", role=Role.NURSE)
    assert answer.status_code == 403
