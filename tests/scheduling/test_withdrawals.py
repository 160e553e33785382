"""A mistyped figure is taken back before its first day, and never after it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.conftest import Clinic

LATER = "2026-11-01"


async def withdraw(clinic: Clinic, kind: str, **of: object) -> Any:
    return await clinic.post("/withdrawn-figures", {"kind": kind} | of)


async def test_a_visits_length_that_was_mistyped_is_taken_back_and_typed_anew(
    clinic: Clinic,
) -> None:
    where = "/visit-types/ketamine_mood/figures"
    typed = {"effective_from": LATER, "booked_min": {"value": 500, "source": "made up"}}
    await clinic.post(where, typed)
    gone = await withdraw(clinic, "visit_figures", name="ketamine_mood", effective_from=LATER)
    assert gone["effective_from"] == LATER
    right = await clinic.post(where, typed | {"booked_min": {"value": 55, "source": "made up"}})
    assert right["booked_min"] == 55
    [entry] = await clinic.rows(
        "SELECT actor, entity_id FROM audit_log WHERE action = 'withdraw'"
        " AND entity = 'visit_figures'"
    )
    assert tuple(entry) == (clinic.subject, f"ketamine_mood {LATER}")
    await withdraw(clinic, "visit_figures", name="ketamine_mood", effective_from=LATER)


async def test_each_kind_of_figure_is_taken_back(clinic: Clinic) -> None:
    signed = {"clinician_id": clinic.clinician_id, "effective_from": LATER}
    sourced = {"effective_from": LATER, "source": "made up"}
    hours = await clinic.opens(effective_from=LATER)
    await clinic.post("/house-figures", sourced | {"figure": "hold_min", "value": 3})
    limit = {"measure": "pulse_bpm", "soft_high": 110}
    await clinic.post("/visit-types/ketamine_mood/limits", sourced | signed | limit)
    rule = {"act": "dose", "credentials": [], "dea_needed": True}
    await clinic.post("/signing-rules", sourced | signed | rule)
    protocol = signed | {"size_max": {"value": 9, "source": "made up"}}
    await clinic.post("/visit-types/ketamine_mood/protocol", protocol)
    await withdraw(clinic, "opening_hours", id=hours["hours_id"])
    await withdraw(clinic, "house_figure", name="hold_min", effective_from=LATER)
    await withdraw(clinic, "limit", visit_type="ketamine_mood", measure="pulse_bpm", **signed)
    await withdraw(clinic, "signing_rule", act="dose", **signed)
    unsigned = {"kind": "protocol", "name": "ketamine_mood", "effective_from": LATER}
    missing = [("signature_missing", "clinician_id")]
    assert await clinic.refused("/withdrawn-figures", unsigned) == missing
    await withdraw(clinic, "protocol", name="ketamine_mood", **signed)


@pytest.mark.parametrize(
    ("of", "status"),
    [
        ({"kind": "house_figure", "name": "hold_min", "effective_from": "2020-01-01"}, 409),
        ({"kind": "house_figure", "name": "hold_min", "effective_from": "2029-01-01"}, 404),
    ],
)
async def test_a_figure_in_force_stands(clinic: Clinic, of: dict[str, Any], status: int) -> None:
    answer = await clinic.send("/withdrawn-figures", of)
    assert answer.status_code == status
    rule = answer.json()["violations"][0]["rule"]
    assert rule == ("figure_in_force" if status == 409 else "unknown_figure")


async def test_a_limit_is_taken_back_by_a_prescriber_only(clinic: Clinic) -> None:
    signed = {"clinician_id": clinic.clinician_id, "effective_from": LATER}
    limit = {"measure": "spo2_pct", "soft_low": 95, "source": "made up"}
    await clinic.post("/visit-types/ketamine_mood/limits", signed | limit)
    clinic.headers = clinic.as_staff("resident-7")
    wish = {"kind": "limit", "visit_type": "ketamine_mood", "measure": "spo2_pct"}
    assert await clinic.refused("/withdrawn-figures", wish | signed) == [
        ("signer_is_another", "clinician_id")
    ]
