"""The picture of a series: every score, every infusion, and the same in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.documents.outcome_days import LEFT, PLOT
from services.scheduling.documents.outcome_plot import Given, draw
from services.scheduling.forms.outcomes import ScoreAnswer, Trend, TrendPoint
from services.scheduling.rules.outcomes.creyos import TASKS
from services.scheduling.rules.outcomes.forms import Instrument, Occasion, Scale
from services.scheduling.rules.outcomes.scales import GAD7, NRS, PHQ9, SCALES
from tests.scheduling.conftest import NOON, Clinic
from tests.scheduling.forms import before, form, record
from tests.scheduling.test_treatments import book, give

SVG = "{http://www.w3.org/2000/svg}"
ALEXANDRIA = ZoneInfo("America/New_York")
START = datetime(2026, 10, 5, 16, 0, tzinfo=UTC)


def trend(scale: Scale, totals: Iterable[tuple[float, int]]) -> Trend:
    """A form's totals, so many days into the course; the first is the baseline."""
    points = [
        TrendPoint(
            outcome_id=UUID(int=n),
            occasion=Occasion.BEFORE_INFUSION if n else Occasion.INTAKE,
            appointment_id=None,
            infusions_before=max(n - 1, 0),
            taken_at=START + timedelta(days=day),
            rule_version=scale.version,
            score=ScoreAnswer(total=total, band="mild", parts={}, criteria_met=None),
            change=None,
            change_pct=None,
            part_changes={},
            meaning=None,
            response=None,
            remission=None,
        )
        for n, (day, total) in enumerate(totals)
    ]
    return Trend(
        instrument=scale.instrument,
        baseline_id=points[0].outcome_id,
        response_fall_pct=50,
        remission_below=5 if scale is PHQ9 else None,
        points=points,
        checkpoint=None,
    )


def kind(picture: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in picture.iter() if each.get("class") == name]


def drawn(
    trends: list[Trend], infusions: Iterable[float] = (), boosters: Iterable[float] = ()
) -> ET.Element:
    given = Given(
        *([START + timedelta(days=day) for day in each] for each in (infusions, boosters))
    )
    return ET.fromstring(draw(trends, given, ALEXANDRIA))  # noqa: S314  # our own words


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.instrument)
def test_places_are_written_as_exactly_as_anybody_sees(scale: Scale) -> None:
    totals = [(3 * n, total) for n, total in enumerate(range(scale.most, -1, -1))]
    picture = drawn([trend(scale, totals)], [1 / 7, 3])
    written = {
        value
        for each in picture.iter()
        for name, value in each.attrib.items()
        if name in {"x", "x1", "x2", "y", "y1", "y2", "cx", "cy", "height", "points"}
    }
    assert [value for value in written if re.search(r"\.\d\d", value)] == []


def test_each_score_and_each_infusion_is_drawn_and_told() -> None:
    picture = drawn([trend(PHQ9, [(0, 18), (3, 12), (6, 4)])], [3, 6])
    assert [each.text for each in kind(picture, "value")] == ["18", "12", "4"]
    assert (len(kind(picture, "baseline")), len(kind(picture, "point"))) == (1, 2)
    assert [each.text for each in kind(picture, "number")] == ["1", "2"]
    scores = [float(each.get("cx", "")) for each in [*kind(picture, "point")]]
    assert [float(each.get("x1", "")) for each in kind(picture, "infusion")] == scores
    assert picture.get("role") == "img"
    labels = [picture.find(f"{SVG}{name}") for name in ("title", "desc")]
    assert [each is not None and each.get("id") for each in labels] == ["title", "desc"]
    assert picture.get("aria-labelledby") == "title desc"
    assert labels[1] is not None
    said = labels[1].text or ""
    for words in (
        "2 infusions",
        "18 (mild) at intake, Oct 5",
        "4 (mild) before infusion 2, Oct 11",
    ):
        assert words in said


@pytest.mark.parametrize("totals", [(18, 17), (0, 0), (10, 10, 10), (27, 26), (9, 0, 9, 0)])
def test_scores_of_one_day_stand_side_by_side_and_each_can_be_read(totals: tuple[int, ...]) -> None:
    first = [(n / 24, total) for n, total in enumerate(totals)]
    picture = drawn([trend(PHQ9, [*first, (3, 12), (6, 4)])], [0.2, 3, 6])
    here = [(float(p.get("x", "")), float(p.get("y", ""))) for p in kind(picture, "value")]
    for number, (x, y) in enumerate(here):
        for other_x, other_y in here[:number]:
            assert abs(x - other_x) >= 15 or abs(y - other_y) >= 12, (number, here)
    xs = [x for x, _ in here]
    assert xs == sorted(set(xs)), "in the order in which they were taken"


@pytest.mark.parametrize("weeks", [0, 5, 12, 20])
def test_infusions_and_scores_of_a_long_time_do_not_lie_on_one_another(weeks: int) -> None:
    course = [(3 * n, 18) for n in range(8)]
    later = [(30 + 7 * n, 7) for n in range(weeks)]
    picture = drawn([trend(PHQ9, course + later)], [day for day, _ in course[1:]])
    for name, where in (("drop", "cx"), ("value", "x")):
        xs = [float(each.get(where, "")) for each in kind(picture, name)]
        assert all(later - earlier >= 20 for earlier, later in pairwise(xs)), name


def test_what_a_line_means_stands_beside_the_panel_where_no_score_is() -> None:
    picture = drawn([trend(PHQ9, [(0, 27), (3, 13), (6, 4)]), trend(GAD7, [(0, 21)])])
    grid = sorted(float(each.get("y1", "")) for each in kind(picture, "grid"))
    for key in ("half-word", "remission-word"):
        for each in kind(picture, key):
            y = float(each.get("y", ""))
            assert not any(y - 12 < line < y + 4 for line in grid)
    assert len(kind(picture, "half-key")) == 2
    assert len(kind(picture, "remission-key")) == 1


def test_a_booster_after_the_series_is_marked_and_has_no_number() -> None:
    picture = drawn([trend(PHQ9, [(0, 18), (3, 4), (40, 12), (43, 5)])], [3], [40])
    assert [each.text for each in kind(picture, "number")] == ["1", "+"]
    assert "1 infusion · 1 booster · ○ baseline." in (picture.findtext(f"{SVG}desc") or "")
    assert "Booster, Nov 14" in [each.text for each in picture.iter(f"{SVG}title")]


def test_only_the_phq9_has_a_line_of_remission() -> None:
    picture = drawn([trend(PHQ9, [(0, 18)]), trend(GAD7, [(0, 12)])])
    [line] = kind(picture, "remission")
    [five] = [each for each in kind(picture, "tick") if each.text == "5"][:1]
    assert float(line.get("y1", "")) == pytest.approx(float(five.get("y", "")) - 4)
    assert len(kind(picture, "half")) == 2


def test_a_baseline_that_is_no_case_has_no_half() -> None:
    assert kind(drawn([trend(PHQ9, [(0, 9), (3, 4)])]), "half") == []


def test_a_day_is_the_clinic_s_own() -> None:
    """Half past eleven in the evening of October 5 is October 6 in UTC."""
    picture = drawn([trend(NRS, [(0, 5), (11.5 / 24, 4)])])
    assert [each.text for each in kind(picture, "day")] == ["Oct 5"]


def test_a_long_gap_is_drawn_short_and_says_so() -> None:
    picture = drawn([trend(NRS, [(0, 9), (100, 5), (103, 4), (110, 4)])])
    xs = [float(each.get("x", "")) for each in kind(picture, "value")]
    assert xs[1] - xs[0] == xs[3] - xs[2]
    assert len(kind(picture, "gap")) == 1
    assert "100 days, drawn as 7" in ET.tostring(picture, encoding="unicode")


def test_without_a_form_the_picture_says_so() -> None:
    picture = drawn([], [1])
    assert "No form and no test has been recorded yet" in "".join(picture.itertext())


def summaries(figures: list[dict[str, float]]) -> Trend:
    """Creyos summaries three days apart, each with a figure per task; the first is the baseline."""
    found = trend(NRS, [(3 * n, 0) for n, _ in enumerate(figures)])
    points = [
        point.model_copy(
            update={"score": ScoreAnswer(total=None, band=None, parts=parts, criteria_met=None)}
        )
        for point, parts in zip(found.points, figures, strict=True)
    ]
    return found.model_copy(update={"instrument": Instrument.CREYOS, "points": points})


def test_each_task_of_a_creyos_summary_is_a_row_from_its_baseline_to_its_newest() -> None:
    first, last = {"digit_span": 92, "polygons": 104.5}, {"digit_span": 104, "polygons": 104.5}
    picture = drawn([summaries([first, {"digit_span": 99}, last])])
    assert [each.text for each in kind(picture, "task")] == ["polygons", "digit span"]
    assert [each.text for each in kind(picture, "figure")] == ["104.5 (±0)", "104 (+12)"]
    [moved] = [each for each in kind(picture, "moved") if each.get("x1") != each.get("x2")]
    [baseline] = kind(picture, "baseline")
    newest = kind(picture, "point")[1]
    assert (moved.get("x1"), moved.get("x2")) == (baseline.get("cx"), newest.get("cx"))
    assert len(kind(picture, "between")) == 1
    said = (picture.findtext(f"{SVG}desc") or "").partition("Creyos")[2]
    assert "digit span: 92 on Oct 5; 99 on Oct 8; 104 on Oct 11." in said


def test_forms_and_a_creyos_summary_are_one_picture_and_nothing_lies_on_another() -> None:
    picture = drawn([trend(PHQ9, [(0, 18), (3, 9)]), summaries([{"digit_span": 92}])], [1])
    names = {each.text: float(each.get("y", "")) for each in kind(picture, "name")}
    assert list(names) == ["PHQ-9 · depression", "Creyos · cognition"]
    days = [float(each.get("y", "")) for each in kind(picture, "day")]
    assert min(days) + 20 < names["Creyos · cognition"] < max(days)
    assert [each.text for each in kind(picture, "figure")] == ["92"]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(TASKS), st.floats(0, 200).map(lambda x: round(x, 1)), min_size=1
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_creyos_found_every_figure_has_its_place(found: list[dict[str, float]]) -> None:
    picture = drawn([summaries(found)])
    height = int(picture.get("viewBox", "").split()[-1])
    for each in picture.iter(f"{SVG}circle"):
        assert LEFT <= float(each.get("cx", "")) <= LEFT + PLOT
        assert 0 < float(each.get("cy", "")) < height
    for each in kind(picture, "figure"):
        before, behind = {"start": (0, 94), "end": (94, 0), "middle": (47, 47)}[
            each.get("text-anchor", "")
        ]
        x = float(each.get("x", ""))
        assert x - before >= LEFT
        assert x + behind <= LEFT + PLOT


async def test_a_patient_s_picture_shows_the_newest_series_or_the_one_named(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    patient_id, (first, second, *_) = series["patient_id"], series["appointments"]
    await record(clinic, patient_id, form("phq9", 19))
    await clinic.infuse(first)
    clinic.be_there(second)
    await record(clinic, patient_id, form("phq9", 9, **before(second)))
    await record(clinic, patient_id, form("gad7", 9, **before(second)))
    path = f"/patients/{patient_id}/outcomes.svg"
    newest = await clinic.client.get(path, headers=clinic.headers)
    assert newest.headers["Content-Type"] == "image/svg+xml"
    assert newest.headers["Cache-Control"] == "no-store"
    named = await clinic.client.get(
        path, params={"series_id": series["series_id"]}, headers=clinic.headers
    )
    assert named.content == newest.content
    assert "19 to 9 (\u221253 %), response" in newest.text
    assert newest.text.count('class="name"') == 2
    assert newest.text.count('class="drop"') == 1
    assert "Canary" not in newest.text
    assert re.search(r"https?://(?!www\.w3\.org/2000/svg)", newest.text) is None


async def test_what_is_given_of_the_drug_after_a_series_stands_in_its_picture(
    clinic: Clinic,
) -> None:
    series = await clinic.series()
    patient_id, series_id = series["patient_id"], series["series_id"]
    await record(clinic, patient_id, form("phq9", 19))
    await clinic.given(series["appointments"][0])
    await clinic.post(f"/series/{series_id}/stop", {"reason": "Well enough."})
    booster = await book(clinic, NOON + timedelta(days=30), patient_id)
    await give(clinic, booster)
    follow_up = form("phq9", 9, occasion="after_series", series_id=series_id)
    await record(clinic, patient_id, follow_up)
    picture = await clinic.client.get(
        f"/patients/{patient_id}/outcomes.svg", headers=clinic.headers
    )
    assert "October 5, 2026 to November 6, 2026 · 1 infusion · 1 booster" in picture.text
    assert "Booster, Nov 6" in picture.text


async def test_a_patient_without_a_series_is_drawn_too(clinic: Clinic) -> None:
    patient_id = await clinic.patient()
    await record(clinic, patient_id, form("nrs", 6))
    picture = await clinic.client.get(
        f"/patients/{patient_id}/outcomes.svg", headers=clinic.headers
    )
    assert "no infusions" in picture.text
    assert "6 (moderate) at intake, Oct 5" in picture.text
