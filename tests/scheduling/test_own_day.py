"""What was mistyped and is in force since today is put right today; what stood there is kept."""

from __future__ import annotations

from typing import Any

import pytest

from services.scheduling.rules.clinic.house import CLINICAL, LIMITS
from tests.scheduling.conftest import NOON, Clinic, every

TODAY = "2026-10-05"


async def test_mistyped_hours_are_put_right_on_their_own_day(clinic: Clinic) -> None:
    mistyped = await clinic.opens("05:00", "07:00")
    patient_id = await clinic.patient()
    wish = clinic.wish(patient_id, every(3, 6, NOON))
    assert {rule for rule, _ in await clinic.refused("/series", wish)} == {"opening_hours"}
    right = await clinic.opens("09:00", "17:00")
    assert (mistyped["revision"], right["revision"]) == (1, 2)
    await clinic.post("/series", wish)
    shown = await clinic.get(f"/locations/{clinic.location_id}/figures")
    assert [each["windows"][0]["from"] for each in shown["opening_hours"]] == ["05:00", "09:00"]


async def test_a_mistyped_roster_is_put_right_on_its_own_day(clinic: Clinic) -> None:
    at = f"/locations/{clinic.location_id}"
    shifts = [{"weekday": n, "from": "00:00", "until": "24:00", "nurses": 1} for n in range(1, 8)]
    nights = [each | {"until": "01:00"} for each in shifts]
    roster = {"effective_from": TODAY, "chairs_per_nurse": 2, "source": "made up"}
    await clinic.post(f"{at}/rosters", roster | {"shifts": nights})
    wish = clinic.wish(await clinic.patient(), every(3, 6, NOON))
    assert {rule for rule, _ in await clinic.refused("/series", wish)} == {"nurses_busy"}
    right = await clinic.post(f"{at}/rosters", roster | {"shifts": shifts})
    assert right["revision"] == 2
    await clinic.post("/series", wish)
    shown = await clinic.get(f"{at}/figures")
    assert [each["shifts"][0]["until"] for each in shown["rosters"]] == ["01:00", "24:00"]


async def test_who_may_sign_is_put_right_on_its_own_day(clinic: Clinic) -> None:
    rule: dict[str, Any] = {
        "act": "transfer",
        "effective_from": TODAY,
        "dea_needed": False,
        "source": "made up",
        "clinician_id": clinic.clinician_id,
    }
    await clinic.post("/signing-rules", rule | {"credentials": ["DVM"]})
    await clinic.post("/signing-rules", rule | {"credentials": ["MD"]})
    rows = [each for each in await clinic.get("/signing-rules") if each["act"] == "transfer"]
    today = [each for each in rows if each["effective_from"] == TODAY]
    assert [(each["revision"], each["credentials"]) for each in today] == [
        (1, ["DVM"]),
        (2, ["MD"]),
    ]
    visit = (await clinic.series())["appointments"][0]
    asked = {"clinician_id": clinic.clinician_id, "place": "Made Up Hospital"}
    answer = await clinic.send(f"/appointments/{visit['appointment_id']}/transfer", asked)
    assert "signer_credential" not in answer.text


async def test_a_word_of_the_chart_is_put_right_on_its_own_day(clinic: Clinic) -> None:
    word = {
        "kind": "premedication",
        "word": "made_up_on_its_day",
        "effective_from": TODAY,
        "name": "Mistyped",
        "in_use": True,
        "source": "made up",
        "clinician_id": clinic.clinician_id,
    }
    await clinic.post("/chart-words", word)
    right = await clinic.post("/chart-words", word | {"name": "Made up"})
    assert (right["revision"], right["name"]) == (2, "Made up")
    rows = await clinic.get("/chart-words")
    assert [row["name"] for row in rows if row["word"] == word["word"]] == ["Mistyped", "Made up"]


@pytest.mark.parametrize("figure", sorted(CLINICAL))
async def test_a_clinical_figure_of_the_house_takes_a_prescribers_signature(
    clinic: Clinic, figure: str
) -> None:
    least, _ = LIMITS[figure]  # type: ignore[index]  # a StrEnum's value is its key
    first_day = "2026-12-01"
    wish = {"figure": figure, "value": least, "source": "made up", "effective_from": first_day}
    missing = [("signature_missing", "clinician_id")]
    assert await clinic.refused("/house-figures", wish) == missing
    other = await clinic.clinician(npi="1245319599")
    assert ("signer_is_another", "clinician_id") in await clinic.refused(
        "/house-figures", wish | {"clinician_id": other}
    )
    kept = await clinic.post("/house-figures", wish | {"clinician_id": clinic.clinician_id})
    assert (kept["clinician_id"], kept["signed_by"]) == (clinic.clinician_id, clinic.subject)
    back = {"kind": "house_figure", "name": figure, "effective_from": first_day}
    assert await clinic.refused("/withdrawn-figures", back) == missing
    await clinic.post("/withdrawn-figures", back | {"clinician_id": clinic.clinician_id})


async def test_what_is_the_desks_to_say_of_the_house_takes_none(clinic: Clinic) -> None:
    wish = {"figure": "hold_min", "value": 30, "source": "made up", "effective_from": "2026-12-01"}
    assert (await clinic.post("/house-figures", wish))["signed_by"] is None
