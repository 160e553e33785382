"""The clinic's rule sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.slots import ChairPlace, Slot
from services.scheduling.rules.patients import intake
from services.scheduling.rules.series import course
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.gaps import advice_on_series, broken_by_place, gap_in_days
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol, numbered
from services.scheduling.rules.visits import life
from services.scheduling.rules.visits.life import FREED, FROM, Step, VisitState
from shared.events.scheduling import RideMode
from shared.refusals import Broken
from tests.scheduling.figures import MOOD, MOOD_MIN, NO_DRIVE_MIN, PAIN, PLANNING

ALEXANDRIA = ZoneInfo("America/New_York")
NOW = datetime(2026, 10, 5, 14, 0, tzinfo=UTC)


def local(text: str, fold: int = 0) -> datetime:
    """A moment by the clock on the clinic's wall."""
    return datetime.fromisoformat(text).replace(tzinfo=ALEXANDRIA, fold=fold).astimezone(UTC)


def spaced(*gaps: int, first: str = "2026-10-07T12:00") -> list[datetime]:
    """Infusions at noon on the wall, so many local days apart."""
    start = datetime.fromisoformat(first)
    days = accumulate(gaps, initial=0)
    return [local((start + timedelta(days=day)).isoformat()) for day in days]


def named(broken: Sequence[Broken]) -> list[tuple[str, str | None]]:
    return [(each.rule, each.field) for each in broken]


def book(starts: Sequence[datetime], protocol: InfusionProtocol = MOOD) -> list[Broken]:
    return course.broken_by_booking(PLANNING, protocol, numbered(starts), ALEXANDRIA, NOW)


def field(n: int) -> str:
    return f"appointments.{n}.starts_at"


@pytest.mark.parametrize(
    ("gaps", "broken"),
    [
        ((2, 2, 2, 2, 2), []),
        ((5, 5, 5, 5, 5), []),
        ((2, 3, 2, 2, 3, 2, 2), []),
        ((7, 7, 7, 7, 7), []),
        ((2, 2, 2, 2), [("series_size", "appointments")]),
        ((2,) * 8, [("series_size", "appointments")]),
        ((2, 1, 2, 2, 2), [("series_gap", field(2))]),
        ((2, 2, 8, 2, 2), [("series_gap", field(3))]),
        ((1, 2, 2, 2, 9), [("series_gap", field(1)), ("series_gap", field(5))]),
        ((4, -2, 4, 2, 2), [("series_order", field(2))]),
        ((2, 0, 2, 2, 2), [("series_order", field(2))]),
    ],
)
def test_a_mood_series_is_six_to_eight_infusions_two_to_seven_local_days_apart(
    gaps: tuple[int, ...], broken: list[tuple[str, str]]
) -> None:
    assert named(book(spaced(*gaps))) == broken


@pytest.mark.parametrize(
    ("gaps", "broken"),
    [
        ((1, 1), []),
        ((1, 1, 1, 1), []),
        ((1,), [("series_size", "appointments")]),
        ((1,) * 5, [("series_size", "appointments")]),
        ((1, 2), [("series_gap", field(2))]),
    ],
)
def test_a_pain_series_is_three_to_five_days_in_a_row(
    gaps: tuple[int, ...], broken: list[tuple[str, str]]
) -> None:
    assert named(book(spaced(*gaps), PAIN)) == broken


def test_no_infusion_at_all_is_no_series() -> None:
    assert named(book([])) == [("series_size", "appointments")]


def test_an_infusion_later_on_the_same_day_is_too_close() -> None:
    starts = spaced(2, 2, 2, 2, 2)
    starts.insert(1, starts[0] + timedelta(hours=3))
    [wrong] = book(starts)
    assert wrong.detail == "Infusion 2 is 0 local days after infusion 1; right would be 2 to 7."
    assert wrong.source == "FAQ: spaced 2 to 5 days apart"


def test_a_gap_longer_than_advised_is_allowed_and_told() -> None:
    infusions = numbered(spaced(2, 6, 5, 7, 2))
    assert course.broken_by_booking(PLANNING, MOOD, infusions, ALEXANDRIA, NOW) == []
    assert advice_on_series(MOOD, infusions, ALEXANDRIA) == [
        "Infusion 3 is 6 local days after infusion 2; the clinic advises at most 5.",
        "Infusion 5 is 7 local days after infusion 4; the clinic advises at most 5.",
        "The last infusion is 22 local days after the first; the clinic advises a course of at"
        " most 3 weeks.",
    ]


def test_days_are_counted_on_the_calendar_not_in_hours() -> None:
    monday, wednesday = local("2026-10-12T15:00"), local("2026-10-14T09:00")
    assert wednesday - monday == timedelta(hours=42)
    assert gap_in_days(Infusion(1, monday), Infusion(2, wednesday), ALEXANDRIA) == 2


@pytest.mark.parametrize(
    ("one", "other", "hours"),
    [
        ("2026-10-31T12:00", "2026-11-02T12:00", 49),  # clocks go back on November 1
        ("2027-03-13T12:00", "2027-03-15T12:00", 47),  # clocks go forward on March 14
        ("2026-10-31T20:30", "2026-11-02T00:30", 29),
        ("2027-03-13T20:30", "2027-03-15T23:30", 50),
    ],
)
def test_two_days_stay_two_days_when_the_clocks_change(one: str, other: str, hours: int) -> None:
    earlier, later = local(one), local(other)
    assert later - earlier == timedelta(hours=hours)
    assert gap_in_days(Infusion(1, earlier), Infusion(2, later), ALEXANDRIA) == 2


def test_the_same_moments_are_other_days_in_another_zone() -> None:
    earlier, later = local("2026-10-12T23:30"), local("2026-10-14T00:30")
    infusions = Infusion(1, earlier), Infusion(2, later)
    assert gap_in_days(*infusions, ALEXANDRIA) == 2
    assert gap_in_days(*infusions, ZoneInfo("America/Los_Angeles")) == 1


@given(st.lists(st.integers(min_value=-3, max_value=12), max_size=12))
def test_a_series_is_booked_exactly_when_its_size_and_every_gap_are_right(gaps: list[int]) -> None:
    allowed = 6 <= len(gaps) + 1 <= 8 and all(2 <= gap <= 7 for gap in gaps)
    assert (book(spaced(*gaps, first="2026-12-07T12:00")) == []) == allowed


@given(
    gaps=st.lists(st.integers(min_value=2, max_value=7), min_size=5, max_size=7),
    moved=st.integers(min_value=1, max_value=8),
    days=st.integers(min_value=-20, max_value=20),
)
def test_no_move_breaks_a_hard_gap_or_the_order(gaps: list[int], moved: int, days: int) -> None:
    assume(moved <= len(gaps) + 1)
    starts = spaced(*gaps, first="2026-12-07T12:00")
    starts[moved - 1] += timedelta(days=days)
    after = numbered(starts)
    refused = broken_by_place(MOOD, after, moved - 1, ALEXANDRIA) != []
    now_allowed = book(starts) == []
    assert refused == (not now_allowed)


def test_a_move_is_not_blamed_for_a_gap_that_a_cancellation_left() -> None:
    infusions = [each for each in numbered(spaced(5, 5, 5, 2, 2)) if each.sequence_no != 3]
    moved = [*infusions[:-1], Infusion(6, infusions[-1].starts_at + timedelta(days=1))]
    assert broken_by_place(MOOD, moved, 4, ALEXANDRIA) == []
    assert named(broken_by_place(MOOD, moved, 2, ALEXANDRIA)) == [("series_gap", "starts_at")]


@pytest.mark.parametrize(
    ("start", "wrong"),
    [
        (NOW - timedelta(seconds=1), True),
        (NOW, True),
        (NOW + timedelta(seconds=1), False),
        (NOW + timedelta(days=366), False),
        (NOW + timedelta(days=366, seconds=1), True),
    ],
)
def test_a_visit_is_booked_for_a_time_to_come_within_a_year(start: datetime, wrong: bool) -> None:  # noqa: FBT001  # a table's column
    assert [each.rule for each in slots.broken_by_time(PLANNING, start, NOW, "starts_at")] == (
        ["bookable_time"] if wrong else []
    )


@pytest.mark.parametrize(
    ("protocol", "given_", "open_", "done"),
    [
        (MOOD, 6, 0, True),
        (MOOD, 8, 0, True),
        (MOOD, 5, 1, False),
        (MOOD, 7, 1, False),
        (MOOD, 5, 0, False),
        (PAIN, 3, 0, True),
        (PAIN, 2, 0, False),
    ],
)
def test_a_series_is_done_when_none_is_left_and_enough_were_given(
    protocol: InfusionProtocol,
    given_: int,
    open_: int,
    done: bool,  # noqa: FBT001  # a table's column
) -> None:
    assert course.is_completed(protocol, given_, open_) is done


def test_only_an_open_series_with_no_drip_running_is_stopped() -> None:
    def stop(state: SeriesState, *, running: bool) -> list[str]:
        return [each.rule for each in course.broken_by_stopping(state, infusion_running=running)]

    assert stop(SeriesState.BOOKED, running=False) == []
    assert stop(SeriesState.BOOKED, running=True) == ["infusion_running"]
    assert stop(SeriesState.COMPLETED, running=False) == ["series_state"]
    assert stop(SeriesState.STOPPED, running=False) == ["series_state"]


CHAIR, OTHER_CHAIR, ONE, OTHER = (UUID(int=n) for n in range(1, 5))


def slot(begin: int, end: int, chair: UUID = CHAIR, patient: UUID = ONE) -> Slot:
    return Slot(NOW + timedelta(minutes=begin), NOW + timedelta(minutes=end), chair, patient)


@pytest.mark.parametrize(
    ("taken", "broken"),
    [
        (slot(0, 50, CHAIR, OTHER), ["chair_taken"]),
        (slot(0, 50, OTHER_CHAIR, ONE), ["patient_taken"]),
        (slot(0, 50, CHAIR, ONE), ["chair_taken", "patient_taken"]),
        (slot(0, 50, OTHER_CHAIR, OTHER), []),
        (slot(49, 51, CHAIR, OTHER), ["chair_taken"]),
        (slot(10, 20, CHAIR, OTHER), ["chair_taken"]),
        (slot(50, 100, CHAIR, OTHER), []),
        (slot(-50, 0, CHAIR, OTHER), []),
    ],
)
def test_neither_chair_nor_patient_is_in_two_visits_at_once(taken: Slot, broken: list[str]) -> None:
    found = slots.broken_by_taken(slot(0, 50), [taken], "chair_id", "starts_at")
    assert [each.rule for each in found] == broken


@given(*[st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=100)] * 2)
def test_visits_meet_exactly_when_they_share_a_minute(
    one: int, one_min: int, other: int, other_min: int
) -> None:
    minutes, others = range(one, one + one_min), range(other, other + other_min)
    first, second = slot(one, one + one_min), slot(other, other + other_min)
    share = bool(set(minutes) & set(others))
    assert first.meets(second) == second.meets(first) == share


def test_a_chair_stands_where_the_series_is_given() -> None:
    def rules(chair: ChairPlace | None) -> list[tuple[str, str]]:
        return named(slots.broken_by_chair(chair, ONE, "chair_id"))

    assert rules(ChairPlace(ONE, out_since=None)) == []
    assert rules(ChairPlace(OTHER, out_since=None)) == [("chair_elsewhere", "chair_id")]
    assert rules(None) == [("unknown_chair", "chair_id")]


@pytest.mark.parametrize("state", VisitState)
@pytest.mark.parametrize("step", Step)
def test_each_step_is_taken_from_its_states_and_from_no_other(
    step: Step, state: VisitState
) -> None:
    coming, here = "booked confirmed", "checked_in cleared"
    after = "completed recovering aborted"
    allowed = {
        Step.MOVE: coming,
        Step.CANCEL: coming,
        Step.STOP: f"{coming} {here}",
        Step.RECORD_RIDE: f"{coming} {here} running {after}",
        Step.CHECK_IN: f"{coming} {here}",
        Step.UNDO_CHECK_IN: "checked_in",
        Step.UNDO_NO_SHOW: "no_show",
        Step.CORRECT_END: after,
        Step.SEND_HOME: here,
        Step.TAKE_VITALS: f"{here} running {after}",
        Step.OVERRIDE: f"{here} {after}",
        Step.PREMEDICATE: f"{here} running",
        Step.PLAN_DOSE: f"{coming} {here}",
        Step.CLEAR: "checked_in",
        Step.START: "cleared",
        Step.COMPLETE: "running",
        Step.ABORT: "running",
        Step.RECORD_DOSE: f"{after} left",
        Step.NOTE_ADVERSE_EVENT: f"{here} running {after} discharged left",
        Step.SEE_RIDE: after,
        Step.DISCHARGE: after,
        Step.TRANSFER: after,
        Step.WALK_OUT: f"{here} running {after}",
        Step.ATTEND: "checked_in",
    }[step].split()
    assert (life.broken_by_step(step, state) == []) == (state.value in allowed)


def test_a_refused_step_says_what_would_be_right() -> None:
    [wrong] = life.broken_by_step(Step.CHECK_IN, VisitState.RUNNING)
    assert wrong.detail == (
        "The visit is running; only one that is booked or confirmed or checked in or cleared can be"
        " checked in."
    )


def test_no_step_is_taken_from_where_a_visit_ends() -> None:
    ends = {VisitState.DISCHARGED, *FREED}
    assert not ends & {
        state
        for step, states in FROM.items()
        for state in states
        # the first may come to light at home, the other takes back a mistake
        if step not in {Step.NOTE_ADVERSE_EVENT, Step.UNDO_NO_SHOW}
    }


@pytest.mark.parametrize(
    ("starts", "now", "fits"),
    [
        ("2026-10-07T09:00", "2026-10-07T00:00", True),
        ("2026-10-07T09:00", "2026-10-07T23:59", True),
        ("2026-10-07T20:30", "2026-10-07T20:00", True),  # the next day in UTC
        ("2026-10-07T23:30", "2026-10-08T00:19", True),  # its own time, past midnight
        ("2026-10-07T23:30", "2026-10-08T00:20", False),
        ("2026-10-07T09:00", "2026-10-08T00:00", False),
        ("2026-10-07T09:00", "2026-10-06T23:59", False),
    ],
)
def test_a_visit_is_given_on_its_own_local_day(starts: str, now: str, fits: bool) -> None:  # noqa: FBT001  # a table's column
    begin = local(starts)
    end = begin + timedelta(minutes=MOOD_MIN)
    assert (life.broken_by_day(begin, end, local(now), ALEXANDRIA) == []) == fits


def test_a_driver_has_a_name_and_a_rideshare_needs_none() -> None:
    assert life.broken_by_ride(RideMode.RIDESHARE, None) == []
    assert life.broken_by_ride(RideMode.DRIVER, "Testa Driver") == []
    assert named(life.broken_by_ride(RideMode.DRIVER, None)) == [("driver_unnamed", "driver_name")]


@pytest.mark.parametrize(
    ("stopped", "free", "zone_then"),
    [
        ("2026-10-31T20:30", "2026-11-01T01:30", "EST"),  # six on the wall would be 02:30: 7 h
        ("2026-10-31T19:30", "2026-11-01T01:30", "EDT"),  # the same reading, an hour before
        ("2027-03-13T20:30", "2027-03-14T03:30", "EDT"),  # six on the wall does not exist
        ("2026-10-07T12:40", "2026-10-07T18:40", "EDT"),
    ],
)
def test_the_driving_ban_is_six_elapsed_hours_from_the_end(
    stopped: str, free: str, zone_then: str
) -> None:
    until = life.no_drive_until(local(stopped), NO_DRIVE_MIN)
    assert until - local(stopped) == timedelta(hours=6)
    shown = until.astimezone(ALEXANDRIA)
    assert (shown.strftime("%Y-%m-%dT%H:%M"), shown.tzname()) == (free, zone_then)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2199, 1, 1)))  # noqa: DTZ001  # the strategy adds the zone
def test_the_driving_ban_is_never_shorter_than_six_hours(stopped: datetime) -> None:
    moment = stopped.replace(tzinfo=UTC)
    assert life.no_drive_until(moment, NO_DRIVE_MIN) - moment == timedelta(hours=6)


def test_a_patient_is_born_before_intake() -> None:
    today = date(2026, 10, 5)
    assert intake.broken_by_birth_date(today, today) == []
    assert named(intake.broken_by_birth_date(date(2026, 10, 6), today)) == [
        ("birth_date", "birth_date")
    ]


@pytest.mark.parametrize(
    "judged",
    [
        lambda: book(spaced(1, 9, -1)),
        lambda: slots.broken_by_time(PLANNING, NOW, NOW, "starts_at"),
        lambda: life.broken_by_revision(1, 2),
    ],
)
def test_every_refusal_names_rule_detail_source_and_field(
    judged: Callable[[], list[Broken]],
) -> None:
    broken = judged()
    assert broken
    for each in broken:
        assert each.rule.isidentifier()
        assert each.rule.islower()
        assert each.detail.endswith(".")
        assert each.source
        assert each.field
