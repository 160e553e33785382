"""A clinic on a calm Monday, in a world whose clock is stepped over months."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.clock import RunClock
from tests.billing.conftest import Billing
from tests.billing.courses import STARTS_AT, Course, calm_monday
from tests.support.outside_world import OutsideWorld, world_at


@pytest.fixture(scope="module")
def running_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OutsideWorld, RunClock, Path]]:
    """A world of each file's own: its clock is stepped over months."""
    folder = tmp_path_factory.mktemp("estimates-outside")
    with world_at(STARTS_AT, folder) as (world, run_clock):
        yield world, run_clock, folder / "clock"


@pytest.fixture
def unpriced(billing: Billing) -> Course:
    """On a Monday at ten, in a clinic without a fee."""
    course = Course(billing, calm_monday(billing.clock.now()))
    billing.clock.step_to(course.at(0))
    return course


@pytest.fixture
async def course(unpriced: Course) -> Course:
    await unpriced.billing.set_fee()
    return unpriced
