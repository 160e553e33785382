"""State machines on a real database: any course of steps, and what must hold after each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Postgres
from shared.db import create_engine, migrate
from shared.ids import new_id
from tests.support.seeds import fresh_seed, how_to_repeat


class World:
    """A database, and a loop of the test's own, for as long as a machine runs.

    `done` counts what a machine did: a course in which nothing happens proves nothing.
    """

    def __init__(self, postgres: Postgres, service: str, metadata: MetaData) -> None:
        self.done: Counter[str] = Counter()
        self.runner = asyncio.Runner()
        self._postgres = postgres
        self._database = self.runner.run(postgres.create_database(f"m_{new_id().hex[-12:]}"))
        self.engine: AsyncEngine = create_engine(self._database.url, pool_size=5)
        self.runner.run(migrate(self.engine, service, metadata))

    def close(self) -> None:
        self.runner.run(self.engine.dispose())
        self.runner.run(self._postgres.drop_database(self._database.name))
        self.runner.close()


FRESH = 4
"""Of so many courses that are the same in every run, one more is tried that never was."""


MORE = 8
"""So often a few new courses are added at most, until everything was done that is to be tried."""


def run_any(
    machine: type[RuleBasedStateMachine],
    world: World,
    *,
    courses: int,
    steps: int,
    until: Collection[str] = (),
) -> None:
    """Run a machine in a world: the same courses as every time, then a few that are new.

    More of those follow while something is missing of what is to be done `until` the end: ids are
    new each time, and with them what a course meets. What fails by a new one says how to run it
    again.
    """
    here = type(machine.__name__, (machine,), {"world": world})
    _run(here, _settings(courses, steps, derandomize=True))
    again = fresh_seed()
    for more in range(1 + MORE):
        if more and (not until or world.done.keys() >= set(until)):
            return
        new = type(machine.__name__, (machine,), {"world": world})
        try:
            # The first course that is tried is always the simplest.
            few = _settings(1 + -(-courses // FRESH), steps, derandomize=False)
            _run(seed(again + more)(new), few)
        except Exception as error:
            error.add_note(how_to_repeat(again + more))
            raise


def _run(machine: type[RuleBasedStateMachine], how: settings) -> None:
    run_state_machine_as_test(machine, settings=how)  # type: ignore[no-untyped-call]


def _settings(courses: int, steps: int, *, derandomize: bool) -> settings:
    return settings(
        max_examples=courses,
        stateful_step_count=steps,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
