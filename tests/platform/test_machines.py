"""What is tried at random is tried anew in every run, and can be had again."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.support.machines import World, run_any
from tests.support.seeds import VARIABLE

NO_WORLD = cast("World", None)
COURSES = 4


def drawing(into: list[int], fails_after: int | None = None) -> Any:
    """A machine that only draws numbers, and perhaps fails after so many courses."""

    class Drawing(RuleBasedStateMachine):
        begun = 0

        def __init__(self) -> None:
            super().__init__()
            Drawing.begun += 1

        @rule(number=st.integers(0, 10**9))
        def draw(self, number: int) -> None:
            into.append(number)
            assert fails_after is None or Drawing.begun <= fails_after

    return Drawing


def drawn(**how: Any) -> list[int]:
    numbers: list[int] = []
    run_any(drawing(numbers, **how), NO_WORLD, courses=COURSES, steps=3)
    return numbers


def test_some_courses_are_the_same_in_every_run_and_some_never_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    one, other = drawn(), drawn()
    same = next(n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])
    assert same >= COURSES
    assert one != other


def test_a_seed_that_is_named_tries_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "17")
    assert drawn() == drawn()
    with pytest.raises(AssertionError) as failed:
        drawn(fails_after=COURSES)
    assert any(f"{VARIABLE}=17" in note for note in failed.value.__notes__)
