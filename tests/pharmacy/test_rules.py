"""The rule sheet of prescriptions: pure."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pharmacy.rules import orders, signature, states
from services.pharmacy.rules.prescription import (
    day_ends_at,
    displayed,
    forbidden_by,
    issue_day,
    order_form,
    sha256_of,
    to_correct,
)
from services.pharmacy.rules.states import MOVES, State
from services.pharmacy.values import Content, Evidence, Item, Order, OrderStep, Partner, Session
from tests.support import people

ZONE = "America/New_York"
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ID = UUID(int=7)
LIMITS = {"patient.first_name": 30, "sig": 1000}


def item(**changes: Any) -> Item:
    return Item.model_validate(
        {
            "drug": "Ketamine HCl nasal spray",
            "schedule": "C-III",
            "ingredients": [{"name": "Ketamine HCl", "quantity": "500", "unit": "mg"}],
            "strength": "100 mg/mL",
            "form": "nasal_spray",
            "quantity": "5",
            "quantity_unit": "mL",
            "days_supply": 30,
            "sig": "One spray. Do not drive for 4 hours after each use.",
            "refills": 0,
            "clinical_difference": "Racemic.",
        }
        | changes
    )


def content(
    *,
    of_item: dict[str, Any] | None = None,
    of_prescriber: dict[str, Any] | None = None,
    limits: dict[str, int] | None = None,
) -> Content:
    record = people.series(ID, patient_id=ID, clinician_id=ID, of_prescriber=of_prescriber)
    return Content(
        patient=record.patient,
        prescriber=record.prescriber,
        zone=ZONE,
        item=item(**(of_item or {})),
        partner=Partner(name="Partner", limits=limits or LIMITS),
    )


# What it says


def test_the_prescriber_sees_every_element_that_the_law_wants():
    assert displayed(content(), DAY) == {
        "issue_date": "2026-11-23",
        "patient_name": "Testa Canary",
        "patient_birth_date": "1980-01-31",
        "patient_address": "1 Canary Row, Alexandria, VA 22314",
        "drug": "Ketamine HCl nasal spray",
        "schedule": "C-III",
        "strength": "100 mg/mL",
        "form": "nasal spray",
        "quantity": "5 mL",
        "days_supply": 30,
        "sig": "One spray. Do not drive for 4 hours after each use.",
        "refills": 0,
        "clinical_difference": "Racemic.",
        "prescriber_name": "Dana Madeup, MD",
        "prescriber_address": "2 Made Up Street, Alexandria, VA 22314",
        "prescriber_phone": "+12025550100",
        "prescriber_npi": "1234567893",
        "dea_number": "AB1234563",
        "pharmacy_name": "Partner",
    }


def test_the_hash_is_over_sorted_keys_without_spaces_in_utf8():
    expected = hashlib.sha256('{"a":1,"b":"ä é"}'.encode()).hexdigest()
    assert sha256_of({"b": "ä é", "a": 1}) == expected


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=5),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=5),
)
def test_only_the_same_content_has_the_same_hash(
    one: dict[str, str | int], other: dict[str, str | int]
):
    assert (sha256_of(one) == sha256_of(other)) == (one == other)


def test_a_sound_prescription_breaks_nothing():
    assert forbidden_by(content()) == to_correct(content()) == []


@pytest.mark.parametrize(
    ("wrong", "rule", "field"),
    [
        ({"of_prescriber": {"dea_number": None}}, "dea_number_missing", "prescriber.dea_number"),
        (
            {"of_prescriber": {"dea_number": "AB1234564"}},
            "dea_number_wrong",
            "prescriber.dea_number",
        ),
        ({"of_prescriber": {"npi": "1234567890"}}, "npi_wrong", "prescriber.npi"),
        ({"of_item": {"sig": "4 hours" + "x" * 994}}, "too_long", "sig"),
        ({"limits": {"patient.first_name": 4}}, "too_long", "patient.first_name"),
        ({"limits": {"patient.address.line1": 11}}, "too_long", "patient.address.line1"),
        ({"limits": {"ingredients.name": 11}}, "too_long", "ingredients.name"),
        ({"limits": {"prescriber.name": 14}}, "too_long", "prescriber.name"),
    ],
)
def test_what_a_correction_mends_is_told_before_it_is_signed(
    wrong: dict[str, Any], rule: str, field: str
):
    assert forbidden_by(content(**wrong)) == []
    [broken] = to_correct(content(**wrong))
    assert (broken.rule, broken.field) == (rule, field)
    assert "Testa" not in broken.detail


@pytest.mark.parametrize(
    ("wrong", "rule", "field"),
    [
        ({"refills": 6}, "too_many_refills", "refills"),
        ({"sig": "One spray."}, "driving_rule_missing", "sig"),
    ],
)
def test_what_a_rule_forbids_is_for_nobody_to_correct(wrong: dict[str, Any], rule: str, field: str):
    assert to_correct(content(of_item=wrong)) == []
    [broken] = forbidden_by(content(of_item=wrong))
    assert (broken.rule, broken.field) == (rule, field)


def test_a_text_that_just_fits_is_not_refused_and_never_cut():
    fits = content(of_item={"sig": "4 hours" + "x" * 993}, limits={"patient.first_name": 5})
    assert to_correct(fits) == []
    assert order_form(ID, fits, DAY, None)["sig"] == fits.item.sig


# The day


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-24T04:59:59+00:00", DAY),
        ("2026-11-24T05:00:00+00:00", date(2026, 11, 24)),
        ("2026-07-02T03:59:59+00:00", date(2026, 7, 1)),
    ],
)
def test_the_issue_day_is_the_clinics(at: str, day: date):
    assert issue_day(datetime.fromisoformat(at), ZONE) == day


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_a_day_ends_where_the_next_begins_also_when_the_clocks_change(day: date):
    end = day_ends_at(day, ZONE)
    assert issue_day(end, ZONE) == day + timedelta(days=1)
    assert issue_day(end - timedelta(microseconds=1), ZONE) == day


# The signature

SHOWN = signature.Shown(sha256="a" * 64, dea_number="AB1234563", issue_date=DAY, zone=ZONE)


def evidence(**changes: Any) -> Evidence:
    return Evidence.model_validate(
        {
            "signature_id": "sig_1",
            "signer_dea_number": "AB1234563",
            "signed_at": NOW,
            "factors": ["knowledge", "hard_token"],
            "sha256": "a" * 64,
        }
        | changes
    )


def session(**changes: Any) -> Session:
    return Session.model_validate(
        {"session_id": "s", "status": "open", "url": "https://v/s", "sha256": "a" * 64} | changes
    )


def signed(**changes: Any) -> Session:
    return session(status="signed", signature=evidence(**changes))


@pytest.mark.parametrize(
    ("seen", "judgement"),
    [
        (session(), signature.Waiting(NOW + timedelta(hours=1))),
        (session(status="declined", declined_at=NOW), signature.Declined(NOW)),
        (signed(), signature.Signed(evidence())),
        (session(sha256="b" * 64), signature.NotOurs("displayed_otherwise")),
        (session(status="signed"), signature.NotOurs("signature_missing")),
        (signed(sha256="b" * 64), signature.NotOurs("signature_hash_mismatch")),
        (signed(signer_dea_number="XY1234563"), signature.NotOurs("signer_not_prescriber")),
        (signed(factors=["knowledge"]), signature.NotOurs("one_factor_only")),
        (signed(factors=["knowledge", "knowledge"]), signature.NotOurs("one_factor_only")),
        (signed(signed_at=datetime(2026, 11, 24, 5, 0, tzinfo=UTC)), signature.Stale()),
    ],
)
def test_a_session_is_believed_as_far_as_it_is_about_what_we_asked(
    seen: Session, judgement: signature.Judgement
):
    assert signature.judge(seen, SHOWN, NOW) == judgement


def test_an_undecided_session_is_asked_after_at_the_end_of_its_day_at_the_latest():
    late = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
    assert signature.judge(session(), SHOWN, late) == signature.Waiting(
        datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    )
    after = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    assert signature.judge(session(), SHOWN, after) == signature.Stale()


def test_a_signature_of_yesterday_over_yesterdays_date_counts_when_it_is_heard_today():
    next_day = NOW + timedelta(days=1)
    assert signature.judge(signed(), SHOWN, next_day) == signature.Signed(evidence())


# The order

WALK = ("received", "accepted", "compounding", "shipped", "delivered")


def order(*statuses: str, order_id: str = "ord_1", age_h: int = 0) -> Order:
    steps = [
        OrderStep(status=status, at=NOW + timedelta(hours=number - age_h))
        for number, status in enumerate(statuses)
    ]
    return Order(
        order_id=order_id, status=statuses[-1], status_at=steps[-1].at, history=tuple(steps)
    )


def at(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (WALK[:1], []),
        (("received", "on_hold"), []),
        (WALK[:2], [(State.ACCEPTED, at(1))]),
        (("received", "on_hold", "accepted"), [(State.ACCEPTED, at(2))]),
        (("received", "compounding"), [(State.ACCEPTED, at(1))]),
        (("received", "delivered"), [(s, at(1)) for s in orders.MILESTONES]),
        (("received", "a word of theirs"), []),
        (WALK, [(State.ACCEPTED, at(1)), (State.SHIPPED, at(3)), (State.DELIVERED, at(4))]),
    ],
)
def test_a_history_tells_the_milestones_that_it_has_reached(
    history: tuple[str, ...], told: list[tuple[State, datetime]]
):
    assert orders.news(State.SENT, order(*history)) == told


@given(st.permutations(range(1, len(WALK) + 1)), st.lists(st.integers(1, len(WALK))))
def test_views_of_an_order_in_any_order_tell_everything_once_and_in_order(
    views: list[int], more: list[int]
):
    """Each view is the history up to some step: late, early, twice, as reads come home."""
    state, told = State.SENT, []
    for length in [*more, *views, *more]:
        for milestone, _ in orders.news(state, order(*WALK[:length])):
            assert milestone in MOVES[state]
            state = milestone
            told.append(milestone)
    assert told == list(orders.MILESTONES)


def test_the_oldest_order_that_lives_is_kept():
    old = order("received", order_id="b", age_h=2)
    twin = order("received", "accepted", order_id="a")
    assert orders.one_order([twin, old]) == orders.OneOrder(old, (twin,))
    rejected = order("received", "rejected", order_id="c", age_h=9)
    assert orders.one_order([rejected, twin]) == orders.OneOrder(twin, ())
    assert orders.one_order([rejected]) == orders.OneOrder(rejected, ())
    assert orders.one_order([]) is None


def test_of_two_orders_of_one_instant_the_one_listed_first_is_kept():
    first, second = order("received", order_id="z"), order("received", order_id="a")
    kept = orders.one_order([first, second])
    assert kept is not None
    assert kept.kept == first


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        (State.SENT, "rejected", "rejected_by_pharmacy"),
        (State.ACCEPTED, "cancelled", "cancelled_by_pharmacy"),
        (State.SENT, "on_hold", None),
        (State.SHIPPED, "rejected", None),
    ],
)
def test_an_order_is_refused_until_it_is_in_the_post(state: State, status: str, reason: str | None):
    assert orders.refusal(state, order("received", status)) == reason


# The life


def test_every_state_can_be_reached_and_nothing_leads_back_from_a_signature():
    reached, waiting = set(), [State.DRAFTING]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting += MOVES[state] - reached
    assert reached == set(State)
    life = [State.SIGNED, State.SENT, *orders.MILESTONES]
    for earlier, later in pairwise(life):
        assert later in MOVES[earlier]
        assert not MOVES[later] & {State.DRAFTED, State.AWAITING_SIGNATURE, earlier}


def test_the_diagram_at_the_door_draws_every_move_and_no_other():
    readme = Path(states.__file__).parents[1] / "README.md"
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)", readme.read_text(), re.MULTILINE))
    assert drawn == {(state, to) for state, after in MOVES.items() for to in after}


def test_the_day_ends_once_in_every_zone():
    assert day_ends_at(date(2026, 3, 8), ZONE) == datetime(2026, 3, 9, 4, 0, tzinfo=UTC)
    assert day_ends_at(DAY, ZONE).astimezone(ZoneInfo(ZONE)).hour == 0
