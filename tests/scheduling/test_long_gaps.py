"""A patient is away for longer than the longest gap: a prescriber signs it, or the series ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

DAY = timedelta(days=1)
CHOICE = "series_long_gap"


@pytest.fixture(autouse=True)
async def _open(clinic: Clinic) -> None:
    await clinic.opens()


async def away(clinic: Clinic, lost: int) -> dict[str, Any]:
    """The first of six is given, so many after it are cancelled, and it is the eighth day."""
    series: dict[str, Any] = await clinic.series(every(2, 6))
    first, *others = series["appointments"]
    await clinic.infuse(first)
    await clinic.discharge(first)
    for visit in others[:lost]:
        await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    clinic.clock.step_to(NOON + 8 * DAY)
    await clinic.let_fall_due()
    return series


def signed(clinic: Clinic, **extent: object) -> dict[str, Any]:
    return {"clinician_id": clinic.clinician_id, "reason": "Was ill, made up."} | extent


async def details(clinic: Clinic, path: str, body: object) -> list[str]:
    answer = await clinic.send(path, body)
    assert answer.status_code == 409, answer.text
    return [each["detail"] for each in answer.json()["violations"]]


async def test_every_refusal_says_that_a_prescriber_signs_the_longer_gap_or_the_series_ends(
    clinic: Clinic,
) -> None:
    series = await away(clinic, lost=5)
    path = f"/series/{series['series_id']}"
    late = {"chair_id": clinic.chair_id, "starts_at": (NOON + 9 * DAY).isoformat()}
    [detail] = await details(clinic, f"{path}/appointments", late)
    assert CHOICE in detail
    assert any(CHOICE in each for each in await details(clinic, f"{path}/replans", {}))
    assert any(CHOICE in each for each in (await clinic.get(path))["advice"])
    [risk] = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert CHOICE in risk["do"]
    sooner = signed(clinic, rule="series_gap", gap_min_days=9)
    [detail] = await details(clinic, f"{path}/overrides", sooner)
    assert CHOICE in detail
    assert "within the rule" not in detail


async def test_what_a_prescriber_signed_is_booked_re_planned_listed_and_withdrawn(
    clinic: Clinic,
) -> None:
    series = await away(clinic, lost=5)
    path = f"/series/{series['series_id']}"
    needless = signed(clinic, rule=CHOICE, gap_max_days=7)
    assert await clinic.refused(f"{path}/overrides", needless) == [
        ("override_needless", "gap_max_days")
    ]
    word = await clinic.post(f"{path}/overrides", signed(clinic, rule=CHOICE, gap_max_days=10))
    assert (word["rule"], word["gap_max_days"]) == (CHOICE, 10)
    listed = (await clinic.get("/overrides", series_id=series["series_id"]))["items"]
    assert [(each["kind"], each["gap_max_days"]) for each in listed] == [(CHOICE, 10)]
    await clinic.let_fall_due()
    risks = (await clinic.get("/gap-risks", location_id=clinic.location_id))["items"]
    assert not any(each["broken"] for each in risks)
    assert any("up to 10 local days" in each for each in (await clinic.get(path))["advice"])
    proposed = await clinic.post(f"{path}/replans", {})
    assert proposed["missing"] == 0
    await clinic.post(f"/replans/{proposed['replan_id']}/approve", {})
    withdraw = f"/overrides/{word['override_id']}/withdraw"
    assert await clinic.refused(withdraw, {}) == [("series_gap", "override_id")]


async def test_what_stands_after_too_long_a_gap_starts_by_a_prescriber_s_word_alone(
    clinic: Clinic,
) -> None:
    """As it would be booked. Of those left booked, the fifth is 8 days after the first."""
    series = await away(clinic, lost=3)
    fifth = series["appointments"][4]
    clinic.be_there(fifth)
    await clinic.plan_dose(fifth)
    await clinic.step(fifth, "ride", {"mode": "rideshare"})
    await clinic.step(fifth, "check-in", {"fasted": True})
    await clinic.vitals(fifth)
    clear = f"/appointments/{fifth['appointment_id']}/clear"
    [detail] = await details(clinic, clear, {})
    assert "8 local days after infusion 1" in detail
    assert CHOICE in detail
    path = f"/series/{series['series_id']}/overrides"
    word = await clinic.post(path, signed(clinic, rule=CHOICE, gap_max_days=8))
    await clinic.step(fifth, "clear")
    withdraw = f"/overrides/{word['override_id']}/withdraw"
    assert await clinic.refused(withdraw, {}) == [("series_gap", "override_id")]
    assert (await clinic.start(fifth))["state"] == "running"
