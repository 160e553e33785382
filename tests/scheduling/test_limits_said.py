"""What is past a limit is told as a nurse says it, in the units that a chart is kept in."""

from __future__ import annotations

from datetime import date

import pytest

from services.scheduling.rules.visits.readings import (
    SAID,
    Limit,
    Measure,
    broken_by_ceiling_raised,
    broken_by_unlikely_limit,
    outside,
)


def limit(measure: Measure, most: int) -> Limit:
    return Limit(measure, date(2020, 1, 1), None, None, None, most, "made up")


@pytest.mark.parametrize(
    ("measure", "value", "most", "said"),
    [
        (Measure.DIASTOLIC_MMHG, 95, 90, "Diastolic pressure 95 mmHg, past the hard limit; right"
         " would be at most 90 mmHg."),
        (Measure.DOSE_UG_PER_KG, 1000, 999, "Dose 1.000 mg/kg, past the hard limit; right would be"
         " at most 0.999 mg/kg."),
        (Measure.FIRST_DOSE_UG_PER_KG, 986, 500, "First dose 0.986 mg/kg, past the hard limit;"
         " right would be at most 0.500 mg/kg."),
        (Measure.DOSE_STEP_PCT, 201, 200, "This dose is 201 % of the highest of the series so far,"
         " past the hard limit; right would be at most 200 % of the highest of the series so far."),
    ],
)  # fmt: skip
def test_it_is_told_in_words_and_in_the_units_of_a_chart(
    measure: Measure, value: int, most: int, said: str
) -> None:
    [found] = outside({measure: value}, [limit(measure, most)])
    assert found.detail == said


def test_every_measure_has_its_words() -> None:
    assert set(SAID) == set(Measure)
    assert not [each for each in SAID.values() if "_" in each.name + each.unit]


def test_limits_are_told_in_the_same_units() -> None:
    first = limit(Measure.DOSE_UG_PER_KG, 999)
    [raised] = broken_by_ceiling_raised(Measure.DOSE_UG_PER_KG, 1000, first)
    assert raised.detail == "A ceiling of the dose is 0.999 mg/kg or less."
    [unlikely] = broken_by_unlikely_limit(Measure.PULSE_BPM, [1000])
    assert unlikely.detail == (
        "1000 beats per minute is no likely limit here; right would be 10 beats per minute to"
        " 350 beats per minute."
    )
