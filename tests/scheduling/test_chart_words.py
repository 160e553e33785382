"""What a chart names in one word is policy: rows that a prescriber signs, from a day on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every

MADE_UP = "made up"
PREMEDICATIONS = {
    "scopolamine_patch",
    "meclizine",
    "ondansetron",
    "promethazine",
    "prochlorperazine",
    "mild_sedative",
}
EVENTS = {"nausea", "vomiting", "dizziness", "malaise", "headache", "distortions", "other"}


def wish(clinic: Clinic, word: str, **fields: object) -> dict[str, Any]:
    return {
        "kind": "premedication",
        "word": word,
        "effective_from": "2026-10-07",
        "name": "Made-up drops",
        "source": MADE_UP,
        "clinician_id": clinic.clinician_id,
    } | fields


async def here(clinic: Clinic) -> dict[str, Any]:
    """A patient who has come, on the 7th."""
    visit: dict[str, Any] = (await clinic.series())["appointments"][0]
    clinic.be_there(visit)
    await clinic.step(visit, "check-in", {"fasted": True})
    return visit


async def test_the_words_that_the_faq_names_are_there_with_their_source(clinic: Clinic) -> None:
    rows = await clinic.get("/chart-words")
    first = [row for row in rows if row["effective_from"] == "2020-01-01"]
    for kind, words in (("premedication", PREMEDICATIONS), ("adverse_event", EVENTS)):
        assert {row["word"] for row in first if row["kind"] == kind} == words
    assert all(row["source"] and row["in_use"] and row["signed_by"] is None for row in first)


async def test_a_word_is_noted_from_its_first_day_on(clinic: Clinic) -> None:
    signed = await clinic.post("/chart-words", wish(clinic, "ginger_drops"))
    assert (signed["signed_by"], signed["in_use"]) == (clinic.subject, True)
    early = (await clinic.series(every(3, 6, NOON - timedelta(days=1))))["appointments"][0]
    clinic.be_there(early)
    await clinic.step(early, "check-in", {"fasted": True})
    given = {"drug": "ginger_drops", "dose": "10 drops"}
    path = f"/appointments/{early['appointment_id']}/premedications"
    assert await clinic.refused(path, given) == [("word_not_in_use", "drug")]
    visit = await here(clinic)
    noted = await clinic.step(visit, "premedications", given)
    assert noted["note"]["drug"] == "ginger_drops"


async def test_a_word_out_of_use_stays_on_the_charts_that_have_it(clinic: Clinic) -> None:
    gone = {"kind": "adverse_event", "in_use": False, "effective_from": "2026-10-08"}
    await clinic.post("/chart-words", wish(clinic, "malaise", **gone))
    visit = await here(clinic)
    event = {"event": "malaise", "severity": "expected", "action": "Rests.", "resolved": True}
    await clinic.step(visit, "adverse-events", event)
    clinic.clock.step_to(clinic.clock.now().replace(day=8, hour=1))
    path = f"/appointments/{visit['appointment_id']}"
    assert await clinic.refused(f"{path}/adverse-events", event) == [("word_not_in_use", "event")]
    await clinic.step(visit, "adverse-events", event | {"event": "other"})
    chart = await clinic.get(f"{path}/chart")
    assert [each["note"]["event"] for each in chart["notes"]] == ["malaise", "other"]


@pytest.mark.parametrize(
    ("wrong", "broken"),
    [
        ({"effective_from": "2026-10-04"}, ("first_day_past", "effective_from")),
        ({"word": "other", "kind": "adverse_event", "in_use": False}, ("other_stays", "in_use")),
        ({"clinician_id": "00000000-0000-0000-0000-000000000001"}, None),
    ],
)
async def test_a_word_that_may_not_be_recorded_is_refused(
    clinic: Clinic, wrong: dict[str, Any], broken: tuple[str, str] | None
) -> None:
    found = await clinic.refused("/chart-words", wish(clinic, "made_up_word") | wrong)
    assert found == [broken or ("unknown_clinician", "clinician_id")]


async def test_a_word_that_is_not_in_force_yet_is_taken_back(clinic: Clinic) -> None:
    mistyped = wish(clinic, "mistyped_word", effective_from="2026-10-09")
    await clinic.post("/chart-words", mistyped)
    back = {
        "kind": "chart_word",
        "of": "premedication",
        "word": "mistyped_word",
        "effective_from": "2026-10-09",
        "clinician_id": clinic.clinician_id,
    }
    await clinic.post("/withdrawn-figures", back)
    assert "mistyped_word" not in {row["word"] for row in await clinic.get("/chart-words")}
    stays = back | {"word": "meclizine", "effective_from": "2020-01-01"}
    assert await clinic.refused("/withdrawn-figures", stays) == [("figure_in_force", "kind")]
