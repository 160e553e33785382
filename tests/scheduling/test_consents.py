"""Only a consent to an infusion of its kind, signed by who may, opens a visit's gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.scheduling.rules.patients import consents as rules
from services.scheduling.rules.patients.consents import ConsentKind
from shared.clock import FixedClock
from tests.scheduling.conftest import Clinic

AT = datetime(2026, 10, 7, 16, 0, tzinfo=UTC)
INFUSED = ["ketamine_mood", "lidocaine"]


@pytest.mark.parametrize(
    ("kind", "types", "rule"),
    [
        (ConsentKind.INFUSION, ["ketamine_mood"], None),
        (ConsentKind.INFUSION, [], "scope_missing"),
        (ConsentKind.INFUSION, ["preparation"], "unknown_visit_type"),
        (ConsentKind.PHOTO_RELEASE, [], None),
        (ConsentKind.PHOTO_RELEASE, ["ketamine_mood"], "scope_needless"),
    ],
)
def test_a_form_names_the_infusions_that_it_speaks_of(
    kind: ConsentKind, types: list[str], rule: str | None
) -> None:
    broken = rules.broken_by_scope(kind, types, INFUSED)
    assert [each.rule for each in broken] == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("signed_at", "rule"),
    [
        (AT, None),
        (AT + timedelta(minutes=1), "signed_later"),
        (AT - timedelta(days=365), "expired_already"),
        (AT - timedelta(days=365) + timedelta(minutes=1), None),
    ],
)
def test_a_form_is_signed_and_not_over(signed_at: datetime, rule: str | None) -> None:
    broken = rules.broken_by_signing(signed_at, rules.expires_at(signed_at, 365), AT)
    assert [each.rule for each in broken] == ([] if rule is None else [rule])


async def asked_for(clinic: Clinic, patient_id: str) -> list[tuple[str, str]]:
    """What of the consent keeps the patient's first visit from being cleared."""
    visit = (await clinic.series(patient_id=patient_id))["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": True})
    broken = await clinic.refused(f"/appointments/{visit['appointment_id']}/clear", {})
    return [each for each in broken if each[1] == "consent"]


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        ({"kind": "photo_release", "visit_types": []}, "consent_missing"),
        ({"visit_types": ["ketamine_pain"]}, "consent_missing"),
        ({}, None),
    ],
)
async def test_only_a_consent_to_this_kind_of_infusion_opens_the_gate(
    clinic: Clinic, form: dict[str, Any], rule: str | None
) -> None:
    patient_id = await clinic.patient(consents=False)
    await clinic.consent(patient_id, **form)
    expected = [] if rule is None else [(rule, "consent")]
    assert await asked_for(clinic, patient_id) == expected


async def test_a_consent_runs_out_by_the_houses_figure(clinic: Clinic, clock: FixedClock) -> None:
    figure = {"figure": "consent_valid_days", "effective_from": "2026-10-05", "value": 2}
    figure |= {"source": "made up", "clinician_id": clinic.clinician_id}
    await clinic.post("/house-figures", figure)
    patient_id = await clinic.patient(consents=False)
    signed = await clinic.consent(patient_id)
    assert signed["expires_at"] == "2026-10-07T14:00:00Z"
    assert await asked_for(clinic, patient_id) == [("consent_expired", "consent")]
    again = clinic.form(signed_at=signed["signed_at"])
    where = f"/patients/{patient_id}/consents"
    assert await clinic.refused(where, again) == [("expired_already", "signed_at")]


async def test_the_patient_signs_or_a_representative_who_is_named(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    guardian = {"name": "Gardi Madeup", "authority": "court order 0000"}
    await clinic.consent(patient_id, representative=guardian)
    listed = await clinic.get(f"/patients/{patient_id}/consents")
    signed = {(each["signer"], each["authority"]) for each in listed}
    assert signed == {("Testa Canary", None), ("Gardi Madeup", "court order 0000")}
    for unnamed in ({"name": "Somebody Else"}, {"authority": "a friend"}):
        wish = clinic.form(representative=unnamed)
        answer = await clinic.send(f"/patients/{patient_id}/consents", wish)
        assert answer.status_code == 422
    [row] = await clinic.rows(
        "SELECT string_agg(c::text, '') FROM consents AS c WHERE patient_id = :id", id=patient_id
    )
    assert b"Gardi".hex() not in row[0]
