"""Answers become figures by each form's own rule; over a series they say how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.rules.outcomes import creyos
from services.scheduling.rules.outcomes.course import (
    UNKNOWN_CHANGE,
    Change,
    Checkpoint,
    CheckpointState,
    Lines,
    Meaning,
    Point,
    baseline_of,
    change_from,
    checkpoint,
    in_remission,
    responded,
)
from services.scheduling.rules.outcomes.creyos import TaskScore
from services.scheduling.rules.outcomes.forms import (
    Instrument,
    Occasion,
    Scale,
    Score,
    broken_by_answers,
    score,
)
from services.scheduling.rules.outcomes.reviews import names_self_harm
from services.scheduling.rules.outcomes.scales import GAD7, NRS, PCL5, PHQ9, SCALES, newest

LINES = Lines(response_fall_pct=50, remission_phq9_below=5, checkpoint_infusion=4)
START = datetime(2026, 10, 5, 14, 0, tzinfo=UTC)

scales = st.sampled_from(SCALES)


@st.composite
def filled_in(draw: st.DrawFn, scale: Scale | None = None) -> tuple[Scale, list[int]]:
    """A form with every item answered."""
    scale = scale or draw(scales)
    item = st.integers(0, scale.highest)
    return scale, draw(st.lists(item, min_size=scale.items, max_size=scale.items))


@given(filled_in())
def test_a_total_is_the_sum_of_all_items_and_lies_in_its_band(
    form: tuple[Scale, list[int]],
) -> None:
    scale, answers = form
    assert broken_by_answers(scale, answers) == []
    made = score(scale, answers)
    assert made.total == sum(answers)
    assert 0 <= made.total <= scale.most
    names = [band.name for band in scale.bands]
    assert made.band is not None
    place = names.index(made.band)
    assert scale.bands[place].lowest <= made.total
    assert place == len(names) - 1 or made.total < scale.bands[place + 1].lowest


@given(filled_in(), st.data())
def test_one_item_more_never_lowers_total_or_band(
    form: tuple[Scale, list[int]], data: st.DataObject
) -> None:
    scale, answers = form
    item = data.draw(st.integers(0, scale.items - 1))
    worse = [*answers]
    worse[item] = min(answers[item] + 1, scale.highest)
    before, after = score(scale, answers), score(scale, worse)
    names = [band.name for band in scale.bands]
    assert (after.total or 0) - (before.total or 0) == worse[item] - answers[item]
    assert names.index(str(after.band)) >= names.index(str(before.band))
    assert not before.criteria_met or after.criteria_met


@given(filled_in(), st.data())
def test_an_item_that_is_missing_or_out_of_range_is_named_and_never_guessed(
    form: tuple[Scale, list[int]], data: st.DataObject
) -> None:
    scale, answers = form
    wrong: list[int | None] = [*answers]
    items = data.draw(st.sets(st.integers(0, scale.items - 1), min_size=1))
    outside = st.one_of(st.none(), st.integers(-999, -1), st.integers(scale.highest + 1, 999))
    for item in items:
        wrong[item] = data.draw(outside)
    broken = broken_by_answers(scale, wrong)
    assert [each.field for each in broken] == [f"answers.{item}" for item in sorted(items)]
    for item, each in zip(sorted(items), broken, strict=True):
        assert each.rule == ("item_missing" if wrong[item] is None else "item_range")
        assert f"Item {item + 1} " in each.detail
        assert each.source == scale.source


@given(scales, st.integers(0, 50))
def test_a_form_has_as_many_items_as_it_has(scale: Scale, count: int) -> None:
    broken = broken_by_answers(scale, [0] * count)
    assert [each.rule for each in broken] == ([] if count == scale.items else ["item_count"])


@pytest.mark.parametrize(
    ("scale", "edges"),
    [
        (PHQ9, {0: "minimal", 4: "minimal", 5: "mild", 10: "moderate", 14: "moderate"}),
        (PHQ9, {15: "moderately_severe", 19: "moderately_severe", 20: "severe", 27: "severe"}),
        (GAD7, {4: "minimal", 5: "mild", 10: "moderate", 14: "moderate", 15: "severe"}),
        (PCL5, {30: "below_cut", 31: "probable_ptsd", 80: "probable_ptsd"}),
        (NRS, {0: "none", 1: "mild", 3: "mild", 4: "moderate", 6: "moderate", 7: "severe"}),
    ],
)
def test_bands_begin_where_their_authors_say(scale: Scale, edges: dict[int, str]) -> None:
    for total, band in edges.items():
        whole, rest = divmod(total, scale.highest)
        answers = [*[scale.highest] * whole, *([rest] if rest else [])]
        answers += [0] * (scale.items - len(answers))
        assert (score(scale, answers).total, score(scale, answers).band) == (total, band)


@given(filled_in(PCL5))
def test_a_pcl5_s_clusters_add_up_and_its_criteria_count_items_from_moderately_on(
    form: tuple[Scale, list[int]],
) -> None:
    _, answers = form
    made = score(PCL5, answers)
    assert sum(made.parts.values()) == made.total
    b, c, d, e = answers[:5], answers[5:7], answers[7:14], answers[14:]
    assert list(made.parts.values()) == [sum(b), sum(c), sum(d), sum(e)]
    counted = [sum(answer >= 2 for answer in cluster) for cluster in (b, c, d, e)]
    assert made.criteria_met is all(
        have >= need for have, need in zip(counted, (1, 1, 2, 2), strict=True)
    )


def test_a_pcl5_may_meet_the_criteria_below_the_cut_and_pass_the_cut_without_them() -> None:
    few = [2, 0, 0, 0, 0, 2, 0, 2, 2, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0]
    assert score(PCL5, few).criteria_met is True
    assert score(PCL5, few).band == "below_cut"
    no_avoidance = [4] * 5 + [1, 1] + [4] * 13
    assert score(PCL5, no_avoidance).criteria_met is False
    assert score(PCL5, no_avoidance).band == "probable_ptsd"


@given(filled_in())
def test_only_the_ninth_item_of_the_phq9_asks_for_a_person(form: tuple[Scale, list[int]]) -> None:
    scale, answers = form
    asks = scale is PHQ9 and answers[8] > 0
    assert names_self_harm(scale.instrument, answers) is asks


def test_every_version_of_a_form_stands_once_and_the_newest_scores() -> None:
    assert len({(each.instrument, each.version) for each in SCALES}) == len(SCALES)
    for instrument in set(Instrument) - {Instrument.CREYOS}:
        versions = [each.version for each in SCALES if each.instrument is instrument]
        assert newest(instrument).version == max(versions)


# Over a series


def point(
    day: int, total: int | None, infusions: int = 0, *, version: int = 1, **parts: float
) -> Point:
    """A score so many days into the course; with infusions begun, before the next."""
    return Point(
        outcome_id=UUID(int=day),
        occasion=Occasion.BEFORE_INFUSION if infusions else Occasion.INTAKE,
        taken_at=START + timedelta(days=day),
        rule_version=version,
        total=total,
        parts=parts,
        infusions_before=infusions,
        lines=LINES,
    )


def test_the_baseline_is_the_last_score_before_the_first_infusion() -> None:
    points = [point(3, 12), point(1, 20), point(6, 8, 1)]
    assert baseline_of(points) == points[0]
    assert baseline_of([point(6, 8, 1)]) is None


@given(scales, st.data())
def test_a_response_is_a_fall_of_at_least_half_from_a_case(
    scale: Scale, data: st.DataObject
) -> None:
    before = data.draw(st.integers(0, scale.most))
    after = data.draw(st.integers(0, scale.most))
    expected = None if before < scale.judged_from else after * 2 <= before
    assert responded(scale, before, after, LINES) is expected


def test_from_twenty_to_ten_is_a_response_and_from_nineteen_to_ten_is_none() -> None:
    assert responded(PHQ9, 20, 10, LINES) is True
    assert responded(PHQ9, 19, 10, LINES) is False
    assert responded(PHQ9, 9, 0, LINES) is None


def test_remission_is_below_five_on_the_phq9_and_unknown_elsewhere() -> None:
    assert [in_remission(PHQ9, total, LINES) for total in (4, 5)] == [True, False]
    assert in_remission(NRS, 0, LINES) is None


@pytest.mark.parametrize(
    ("total", "change"),
    [
        (9, Change(-9, -50, {}, Meaning.IMPROVED, response=True)),
        (13, Change(-5, -28, {}, Meaning.IMPROVED, response=False)),
        (14, Change(-4, -22, {}, Meaning.STEADY, response=False)),
        (18, Change(0, 0, {}, Meaning.STEADY, response=False)),
        (23, Change(5, 28, {}, Meaning.WORSENED, response=False)),
    ],
)
def test_a_change_says_by_how_much_and_whether_it_is_more_than_noise(
    total: int, change: Change
) -> None:
    assert change_from(point(0, 18), point(4, total, 1), PHQ9) == change


def test_nothing_is_said_of_the_baseline_or_across_versions_or_of_a_rise_from_nothing() -> None:
    baseline = point(2, 18)
    assert change_from(None, baseline, PHQ9) == UNKNOWN_CHANGE
    assert change_from(baseline, baseline, PHQ9) == UNKNOWN_CHANGE
    assert change_from(baseline, point(1, 20), PHQ9) == UNKNOWN_CHANGE
    newer = replace(PHQ9, version=2)
    assert change_from(baseline, point(5, 3, 1, version=2), newer) == UNKNOWN_CHANGE
    assert change_from(point(0, 0), point(5, 6, 1), PHQ9).percent is None


def test_a_summary_changes_task_by_task_where_both_have_the_task() -> None:
    before = point(0, None, spatial_span=96.5, digit_span=101)
    after = point(9, None, 3, spatial_span=104, polygons=90)
    assert change_from(before, after, None) == Change(None, None, {"spatial_span": 7.5}, None, None)


def test_each_score_is_judged_by_the_lines_of_its_own_day() -> None:
    stricter = Lines(response_fall_pct=60, remission_phq9_below=4, checkpoint_infusion=3)
    before, after = point(0, 20), point(9, 10, 3)
    assert change_from(before, after, PHQ9).response is True
    assert change_from(before, replace(after, lines=stricter), PHQ9).response is False
    assert in_remission(PHQ9, 4, stricter) is False
    early = replace(point(6, 18, 2), lines=stricter)
    assert states([before, early], 2) == Checkpoint(CheckpointState.NO_RESPONSE, UUID(int=6))


def states(points: Sequence[Point], begun: int) -> Checkpoint:
    return checkpoint(PHQ9, points, begun, LINES)


def test_the_first_score_for_the_fourth_infusion_or_later_is_judged() -> None:
    course = [point(0, 20), point(3, 19, 1), point(6, 18, 2)]
    assert states(course, 2) == Checkpoint(CheckpointState.NOT_REACHED)
    assert states([*course, point(9, 11, 3)], 3) == Checkpoint(
        CheckpointState.NO_RESPONSE, UUID(int=9)
    )
    late = [*course, point(12, 10, 4), point(15, 18, 5)]
    assert states(late, 5) == Checkpoint(CheckpointState.RESPONSE, UUID(int=12))


def test_a_series_past_its_fourth_infusion_without_a_score_is_not_judged() -> None:
    assert states([point(0, 20)], 4).state is CheckpointState.NOT_JUDGED
    assert states([point(12, 10, 4)], 4).state is CheckpointState.NOT_JUDGED
    assert states([point(0, 8), point(12, 8, 4)], 4).state is CheckpointState.NOT_JUDGED


def test_a_score_after_a_series_of_three_is_before_no_fourth_infusion() -> None:
    after = replace(point(9, 18, 3), occasion=Occasion.AFTER_SERIES)
    assert states([point(0, 20), after], 3).state is CheckpointState.NOT_REACHED


# Creyos

SHEET = """Patient,Task,Standard Score,Percentile,Completed
Testa Canary,Spatial Span,104.3,61,2026-10-05
Testa Canary,Grammatical-Reasoning,88,21,2026-10-05

"""


def test_a_sheet_is_read_by_its_column_names_and_nothing_else_of_it() -> None:
    tasks = creyos.read_csv("\ufeff" + SHEET)
    assert tasks == [
        TaskScore("spatial_span", 104.3, 61),
        TaskScore("grammatical_reasoning", 88, 21),
    ]
    assert creyos.broken_by_tasks([each for each in tasks if isinstance(each, TaskScore)]) == []
    assert creyos.score([TaskScore("spatial_span", 104.3, 61)]) == Score(
        None, None, {"spatial_span": 104.3}, None
    )


@pytest.mark.parametrize(
    ("sheet", "rule", "field"),
    [
        ("", "csv_columns", "rows.0"),
        ("task,score\nspatial_span,100\n", "csv_columns", "rows.0"),
        ("task,task,standard_score,percentile\nx,digit_span,100,50\n", "csv_columns", "rows.0"),
        ("task,standard_score,percentile\nrotations,,50\n", "no_number", "rows.1.standard_score"),
        ("task,standard_score,percentile\nrotations,100\n", "no_number", "rows.1.percentile"),
        ("task,standard_score,percentile\nrotations,NaN,1\n", "no_number", "rows.1.standard_score"),
        ("task,standard_score,percentile\n" + "rotations,1,1\n" * 100, "csv_rows", "body"),
        (f'task,standard_score,percentile\n"{"x" * 140_000}",1,1\n', "csv_unreadable", "body"),
    ],
)
def test_a_sheet_that_cannot_be_read_says_where_and_why(sheet: str, rule: str, field: str) -> None:
    assert wrong_in(sheet) == [(rule, field)]


def wrong_in(sheet: str) -> list[tuple[str, str]]:
    read = creyos.read_csv(sheet)
    tasks = [each for each in read if isinstance(each, TaskScore)]
    unread = [each for each in read if not isinstance(each, TaskScore)]
    found = unread or creyos.broken_by_tasks(tasks, in_sheet=True)
    return [(each.rule, each.field) for each in found]


def test_all_that_is_wrong_in_a_sheet_is_named_at_once() -> None:
    sheet = "task,standard_score,percentile\nrotations,100,400\nchess,x,50\npolygons,,-1\n"
    assert wrong_in(sheet) == [
        ("task_range", "rows.1.percentile"),
        ("unknown_task", "rows.2.task"),
        ("no_number", "rows.2.standard_score"),
        ("no_number", "rows.3.standard_score"),
        ("task_range", "rows.3.percentile"),
    ]


def test_a_summary_has_known_tasks_each_once_with_figures_in_range() -> None:
    tasks = [
        TaskScore("rotations", 100, 50),
        TaskScore("rotations", 100, 50),
        TaskScore("chess", 100, 50),
        TaskScore("polygons", 201, 101),
    ]
    assert [(each.rule, each.field) for each in creyos.broken_by_tasks(tasks)] == [
        ("task_twice", "tasks.1.task"),
        ("unknown_task", "tasks.2.task"),
        ("task_range", "tasks.3.standard_score"),
        ("task_range", "tasks.3.percentile"),
    ]
    assert [each.rule for each in creyos.broken_by_tasks([])] == ["no_tasks"]


@given(st.text(max_size=300))
def test_whatever_is_sent_as_a_sheet_is_read_or_refused(sheet: str) -> None:
    for each in creyos.read_csv(sheet):
        assert isinstance(each, TaskScore) or each.detail
