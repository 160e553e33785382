"""Every document that the house prints, as it leaves the house, is archival and can be read aloud.

veraPDF reads what the API hands out after a story that has each of them printed: PDF/A-3a and
PDF/UA-1. A route that hands out a PDF and is not asked here fails the test.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.billing.rules.clinic import clinic_day
from shared.events.billing import MonthlySuperbillIssued, SuperbillCorrected, SuperbillIssued
from shared.ids import new_id
from tests.billing.conftest import Billing
from tests.billing.plans import plan_of, series_booked, starts_from
from tests.billing.test_dispute_evidence import doubted
from tests.support.verapdf import broken_rules


async def has_superbills_of_every_kind(billing: Billing, patient: UUID) -> list[str]:
    """A visit's, one corrected after a refund, and a month's of both: their ids."""
    await billing.save_card(patient)
    for day in (1, 0):
        stopped_at = billing.clock.now() - timedelta(days=day)
        await billing.hear(billing.complete(patient, stopped_at=stopped_at))
        await billing.until_rest()
    charge = (await billing.charges(patient))[0]
    back = {"amount_cents": 10000, "reason": "service_problem"}
    payment_id = charge["payments"][0]["payment_id"]
    await billing.told("POST", f"/payments/{payment_id}/refunds", back)
    await billing.until_rest()
    month = {"month": f"{billing.clock.now():%Y-%m}"}
    await billing.told("POST", f"/patients/{patient}/superbills", month)
    await billing.until_rest()
    [gathered] = await billing.said(MonthlySuperbillIssued)
    [corrected] = await billing.said(SuperbillCorrected)
    issued = [one for one in await billing.said(SuperbillIssued) if one.patient_id == patient]
    return [str(one.superbill_id) for one in (*issued, corrected, gathered)]


async def has_statement(billing: Billing, patient: UUID) -> str:
    location = new_id()
    billing.scheduling.has_patient(patient)
    billing.scheduling.has_location(location)
    since = clinic_day(billing.clock.now()) - timedelta(days=30)
    wish = {"since": str(since), "location_id": str(location)}
    asked = await billing.told("POST", f"/patients/{patient}/statements", wish)
    return str(asked["statement_id"])


async def has_estimate(billing: Billing, patient: UUID) -> str:
    series, starts = new_id(), starts_from(billing.clock.now() + timedelta(days=20), 6)
    billing.scheduling.has_plan(plan_of(series, patient, starts))
    await billing.hear(series_booked(series, patient, starts, billing.clock.now()))
    await billing.until_rest()
    [estimate] = (await billing.told("GET", f"/patients/{patient}/estimates"))["items"]
    return str(estimate["estimate_id"])


async def printing_routes(billing: Billing) -> set[str]:
    described: dict[str, Any] = (await billing.http.get("/openapi.json")).json()
    return {
        path
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if "application/pdf" in operation["responses"].get("200", {}).get("content", {})
    }


async def test_verapdf_finds_every_document_as_handed_out_archival_and_accessible(
    billing: Billing, tmp_path: Path
):
    await doubted(billing)
    [dispute] = (await billing.told("GET", "/disputes"))["items"]
    patient = new_id()
    superbills = await has_superbills_of_every_kind(billing, patient)
    kept = {
        "/superbills/{superbill_id}/pdf": superbills,
        "/superbills/{superbill_id}/receipt/pdf": superbills,
        "/estimates/{estimate_id}/pdf": [await has_estimate(billing, patient)],
        "/statements/{statement_id}/pdf": [await has_statement(billing, patient)],
        "/disputes/{dispute_id}/evidence/pdf": [dispute["dispute_id"]],
    }
    await billing.until_rest()
    assert await billing.parked() == []

    assert kept.keys() == await printing_routes(billing)
    documents = []
    for route, ids in kept.items():
        head, _, rest = route.partition("{")
        for one in ids:
            answer = await billing.ask("GET", f"{head}{one}{rest.partition('}')[2]}")
            assert answer.is_success, (route, answer.text)
            documents.append(answer.content)
    assert len(documents) == 4 + 4 + 1 + 1 + 1
    broken = await asyncio.to_thread(broken_rules, tmp_path, *documents)
    assert broken == []
