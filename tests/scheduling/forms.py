"""Forms as made-up patients fill them in."""

from __future__ import annotations

from typing import Any

from tests.scheduling.conftest import Clinic

ITEMS = {"phq9": 9, "gad7": 7, "pcl5": 20, "nrs": 1}


def form(instrument: str, total: int, *, item_9: int = 0, **where: object) -> dict[str, Any]:
    """A form whose items add up to a total. Without a place it is an intake's."""
    most = {"pcl5": 4, "nrs": 10}.get(instrument, 3)
    free = ITEMS[instrument] - (instrument == "phq9")
    whole, rest = divmod(total - item_9, most)
    answers = [most] * whole + ([rest] if rest else [])
    answers += [0] * (free - len(answers))
    answers += [item_9] if instrument == "phq9" else []
    return {"instrument": instrument, "occasion": "intake", "answers": answers} | where


def before(visit: dict[str, Any]) -> dict[str, Any]:
    return {"occasion": "before_infusion", "appointment_id": visit["appointment_id"]}


async def record(clinic: Clinic, patient_id: str, wish: dict[str, Any]) -> Any:
    return await clinic.post(f"/patients/{patient_id}/outcomes", wish)
