"""Who has gone is told anew once their drip is found to have ended later than was said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.scheduling.conftest import Clinic, every

MINUTE = timedelta(minutes=1)


async def gone(clinic: Clinic) -> dict[str, Any]:
    """A visit whose patient was discharged by an end that is half an hour too early."""
    visit = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.infuse(visit)
    clinic.clock.step(30 * MINUTE)
    return dict(await clinic.discharge(visit))


def path(visit: dict[str, Any]) -> str:
    return f"/appointments/{visit['appointment_id']}/ban-extensions"


def later(clinic: Clinic, ended_at: datetime) -> dict[str, Any]:
    signed = {"clinician_id": clinic.clinician_id, "reason": "The pump's log says so."}
    return signed | {"ended_at": ended_at.isoformat()}


def at(said: str) -> datetime:
    return datetime.fromisoformat(said)


async def test_a_longer_ban_is_told_anew_and_what_was_told_of_the_end_stands(
    clinic: Clinic,
) -> None:
    visit = await gone(clinic)
    ended = at(visit["stopped_at"])
    clinic.clock.step(5 * MINUTE)
    answer = await clinic.post(path(visit), later(clinic, ended + 20 * MINUTE))
    assert at(answer["no_drive_until"]) == at(visit["no_drive_until"]) + 20 * MINUTE
    assert answer["stopped_at"] == visit["stopped_at"]
    kind, said = (await clinic.said(visit["patient_id"]))[-1]
    assert kind == "DrivingBanExtended"
    assert (said["no_drive_until"], said["appointment_id"]) == (
        answer["no_drive_until"],
        visit["appointment_id"],
    )
    of = {"kind": "ban_extension", "patient_id": visit["patient_id"]}
    [listed] = (await clinic.get("/overrides", **of))["items"]
    assert (listed["override_id"], listed["reason"]) == (
        said["extension_id"],
        "The pump's log says so.",
    )
    again = await clinic.post(path(visit), later(clinic, ended + 25 * MINUTE))
    assert at(again["no_drive_until"]) == at(visit["no_drive_until"]) + 25 * MINUTE
    assert (await clinic.kinds_said(visit["patient_id"])).count("DrivingBanExtended") == 2


async def test_a_ban_is_never_shorter_than_was_told_nor_longer_than_can_be(clinic: Clinic) -> None:
    visit = await gone(clinic)
    ended = at(visit["stopped_at"])
    for wrong in (ended, ended - MINUTE):
        assert await clinic.refused(path(visit), later(clinic, wrong)) == [
            ("ban_not_longer", "ended_at")
        ]
    assert await clinic.refused(path(visit), later(clinic, clinic.clock.now() + MINUTE)) == [
        ("ended_in_future", "ended_at")
    ]
    other = await clinic.clinician(npi="1245319599")
    asked = later(clinic, ended + MINUTE) | {"clinician_id": other}
    assert await clinic.refused(path(visit), asked) == [("signer_is_another", "clinician_id")]


async def test_the_ban_of_who_is_still_here_counts_from_the_corrected_end(clinic: Clinic) -> None:
    visit = (await clinic.series(every(3, 6)))["appointments"][0]
    await clinic.infuse(visit)
    assert await clinic.refused(path(visit), later(clinic, clinic.clock.now())) == [
        ("ban_not_told", "ended_at")
    ]
