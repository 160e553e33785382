"""An infusion in which nothing ran was not given: not to its series, the gaps, or a bill."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.scheduling.conftest import NOON, Clinic, every
from tests.scheduling.test_treatments import book

DAY = timedelta(days=1)
Visit = dict[str, Any]
End = Callable[[Clinic, Visit], Awaitable[Any]]


async def signs_that_nothing_ran(clinic: Clinic, visit: Visit) -> Any:
    signed = {"clinician_id": clinic.clinician_id, "reason": "The line was never opened."}
    return await clinic.step(visit, "dose/not-given", signed)


async def records_that_all_was_wasted(clinic: Clinic, visit: Visit) -> Any:
    return await clinic.give(visit, given_ug=0, off_plan_reason="The vein was lost.")


async def begun(clinic: Clinic, visit: Visit) -> None:
    await clinic.check_in(visit)
    await clinic.start(visit)
    clinic.clock.step(timedelta(minutes=5))


async def completed(clinic: Clinic, visit: Visit) -> None:
    await begun(clinic, visit)
    await clinic.step(visit, "complete")


async def recovering(clinic: Clinic, visit: Visit) -> None:
    await completed(clinic, visit)
    await clinic.vitals(visit)


async def aborted(clinic: Clinic, visit: Visit) -> None:
    await begun(clinic, visit)
    await clinic.step(visit, "abort", {"reason": "The vein was lost."})


ENDS: list[End] = [completed, recovering, aborted]
RECORDS: list[End] = [signs_that_nothing_ran, records_that_all_was_wasted]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("end", ENDS)
async def test_its_series_lacks_it_and_no_gap_counts_it(
    clinic: Clinic, end: End, record: End
) -> None:
    series = await clinic.series(every(3, 6))
    first = series["appointments"][0]
    await end(clinic, first)
    missing = f"/series/{series['series_id']}/appointments"
    tomorrow = {"chair_id": clinic.chair_id, "starts_at": (NOON + DAY).isoformat()}
    rules = {rule for rule, _ in await clinic.refused(missing, tomorrow)}
    assert rules & {"series_gap", "series_whole"}, "until somebody says, it may have been given"
    await record(clinic, first)
    shown = (await clinic.get(f"/series/{series['series_id']}"))["appointments"][0]
    assert shown["state"] == "aborted"
    kinds = await clinic.kinds_said(series["patient_id"])
    assert kinds.count("InfusionAborted") == 1
    assert "InfusionCompleted" not in kinds
    added = await clinic.post(missing, tomorrow)
    assert added["sequence_no"] == 7
    await clinic.vitals(first)
    await clinic.step(first, "ride-seen", {"mode": "rideshare", "driver_name": "Testa Driver"})
    if record is records_that_all_was_wasted:
        asks, clinic.headers = clinic.headers, clinic.as_staff("witness-1")
        await clinic.step(first, "dose/witness")
        clinic.headers = asks
    gone = await clinic.step(first, "discharge", {"oriented": True})
    assert (gone["state"], gone["no_drive_until"] is None) == ("aborted", False)


async def given_but_the_last(clinic: Clinic) -> tuple[Visit, Visit]:
    series = await clinic.series(every(1, 3), visit_type="ketamine_pain")
    for visit in series["appointments"][:2]:
        await clinic.infuse(visit)
        await clinic.give(visit)
    await completed(clinic, series["appointments"][2])
    return series, series["appointments"][2]


async def test_a_series_is_completed_once_its_last_dose_is_on_record(clinic: Clinic) -> None:
    series, last = await given_but_the_last(clinic)
    kinds = await clinic.kinds_said(series["patient_id"])
    assert (kinds.count("InfusionCompleted"), kinds.count("SeriesCompleted")) == (2, 0)
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "booked"
    await clinic.give(last)
    assert (await clinic.kinds_said(series["patient_id"]))[-2:] == [
        "InfusionCompleted",
        "SeriesCompleted",
    ]
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "completed"


@pytest.mark.parametrize("record", RECORDS)
async def test_a_series_is_not_completed_by_an_infusion_in_which_nothing_ran(
    clinic: Clinic, record: End
) -> None:
    series, last = await given_but_the_last(clinic)
    await record(clinic, last)
    kinds = await clinic.kinds_said(series["patient_id"])
    assert (kinds.count("InfusionCompleted"), kinds.count("SeriesCompleted")) == (2, 0)
    assert kinds[-1] == "InfusionAborted"
    assert (await clinic.get(f"/series/{series['series_id']}"))["state"] == "booked"


async def test_a_series_is_not_stopped_before_it_is_known_what_was_given(clinic: Clinic) -> None:
    series, last = await given_but_the_last(clinic)
    stop = f"/series/{series['series_id']}/stop"
    assert await clinic.refused(stop, {"reason": "No relief."}) == [
        ("dose_not_recorded", "series_id")
    ]
    await signs_that_nothing_ran(clinic, last)
    await clinic.post(stop, {"reason": "No relief."})
    [stopped] = [
        e for kind, e in await clinic.said(series["patient_id"]) if kind == "SeriesStopped"
    ]
    assert stopped["infusions_completed"] == 2


async def test_another_that_gives_the_drug_may_follow_the_next_day(clinic: Clinic) -> None:
    series = await clinic.series(every(3, 6, NOON))
    first = series["appointments"][0]
    await completed(clinic, first)
    await signs_that_nothing_ran(clinic, first)
    for visit in series["appointments"][1:]:
        await clinic.step(visit, "cancel", {"reason": "patient_asked"})
    booster = await book(
        clinic, NOON + DAY, patient_id=series["patient_id"], chair_id=await clinic.chair()
    )
    assert booster["state"] == "booked"
