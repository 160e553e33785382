"""`practice demo` and `practice up`: the whole practice as processes of this machine."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from deploy.local import ground
from deploy.local.cli import around
from deploy.local.cli.asking import TERMINATED, TROUBLE, console, examples, where
from deploy.local.cli.verdict import print_verdict
from deploy.local.demo.demo import begins_at, live_through
from deploy.local.export import Clinic, read_clinic
from deploy.local.installation import Installation, Plan, State, Trouble
from deploy.local.installation.keys import Keys
from deploy.local.installation.plan import LISTENERS
from deploy.local.installation.ports import kept_ports
from deploy.local.postgres import EmbeddedPostgres, Postgres
from shared.clock import real_now

SHIPPED_CLINIC = Path(__file__).parents[1] / "clinic"

ClinicFolder = Annotated[
    Path,
    typer.Option(
        "--clinic",
        metavar="DIR",
        show_default="deploy/local/clinic",
        help="A clinic's export; the README beside the shipped one says how.",
    ),
]
GivenKafka = Annotated[
    str | None,
    typer.Option(
        "--kafka",
        metavar="HOST:PORT",
        envvar="KAFKA_BOOTSTRAP_SERVERS",
        help="A Kafka to use instead of the embedded one.",
    ),
]
GivenPostgres = Annotated[
    str | None,
    typer.Option(
        "--postgres",
        metavar="URL",
        envvar="PRACTICE_POSTGRES_URL",
        show_envvar=True,
        help="A PostgreSQL administrator's address, instead of the embedded server.",
    ),
]


DEMO_EXAMPLES = examples(
    ("practice demo", "the six stories of the shipped clinic"),
    ("practice demo --stay", "and look around afterwards"),
    ("practice demo --clinic my/export", "another clinic's files"),
)
UP_EXAMPLES = examples(
    ("practice up", "goes on with what the last run stored"),
    ("practice up --fresh", "begins with nothing"),
)


def demo(
    context: typer.Context,
    *,
    clinic: ClinicFolder = SHIPPED_CLINIC,
    stay: Annotated[bool, typer.Option("--stay", help="Keep it running to look around.")] = False,
    kafka: GivenKafka = None,
    postgres: GivenPostgres = None,
) -> None:
    """Live through a clinic's export, and compare what happened with what must have.

    The clock leaps whenever nothing is left to do. Ends with 1 if anything is missing or too much.
    """
    began = monotonic()
    out, run = console(), where(context).run
    export = read_clinic(clinic)
    folder = _free_folder(run, "demo")
    superbills = run / "superbills"
    for old in (folder, superbills):
        shutil.rmtree(old, ignore_errors=True)
    running = _installation(
        _plan(folder, export, Keys(), f"demo_{secrets.token_hex(4)}", keeps_data=False),
        out,
        starts_at=begins_at(export),
        rate=0,
        kafka=kafka,
        postgres=postgres,
    )

    async def live() -> bool:
        async with running:
            lived = await running.keep_during(live_through(export, running, out, superbills))
            print_verdict(out, lived)
            took_s = monotonic() - began
            out.print(f"{lived.leaps} leaps of the clock, {took_s:.0f} s in all.")
            state = running.state()
            if stay:
                around.while_it_runs(out, state)
                out.print("\nThe clock stands still now. Ctrl-C ends everything.")
                await running.keep()
        around.afterwards(out, state)
        return bool(lived.wrong)

    if _until_done(live()):
        raise typer.Exit(TROUBLE)


def up(
    context: typer.Context,
    *,
    clinic: ClinicFolder = SHIPPED_CLINIC,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier runs kept.")] = False,
    kafka: GivenKafka = None,
    postgres: GivenPostgres = None,
) -> None:
    """Start the whole practice and stay, in real time, until Ctrl-C.

    What it stores is there again next time; the simulated outside world forgets. Of the clinic's
    export only the clinic's name and phone are used: nobody acts by themselves.
    """
    began = monotonic()
    out = console()
    export = read_clinic(clinic)
    folder = _free_folder(where(context).run, "up")
    if fresh:
        EmbeddedPostgres(folder / "postgres").destroy()
        shutil.rmtree(folder, ignore_errors=True)
    running = _installation(
        _plan(folder, export, Keys.kept_in(folder / "keys.json"), "practice", keeps_data=True),
        out,
        starts_at=real_now(),
        rate=1,
        kafka=kafka,
        postgres=postgres,
    )

    async def stay() -> None:
        async with running:
            out.print(f"Ready after {monotonic() - began:.1f} s.")
            around.while_it_runs(out, running.state())
            out.print("\nCtrl-C ends everything.")
            await running.keep()

    _until_done(stay())


def _plan(folder: Path, clinic: Clinic, keys: Keys, mark: str, *, keeps_data: bool) -> Plan:
    location = next(iter(clinic.locations.values()))
    return Plan(
        folder,
        keys,
        clinic_name=location.name,
        clinic_phone=location.phone,
        topic_prefix=f"{mark}.",
        database_prefix=f"{mark}_",
        keeps_data=keeps_data,
        ports=kept_ports(LISTENERS, folder.with_suffix(".ports.json")),
    )


def _installation(
    plan: Plan,
    out: Console,
    *,
    starts_at: datetime,
    rate: float,
    kafka: str | None,
    postgres: str | None,
) -> Installation:
    return Installation(
        plan,
        starts_at=starts_at,
        rate=rate,
        kafka=ground.GivenKafka(kafka) if kafka else None,
        postgres=Postgres(postgres) if postgres else None,
        say=lambda words: out.print(f"[bright_black]{escape(words)}[/]"),
    )


def _free_folder(run: Path, kind: str) -> Path:
    """The folder of this kind of run. Raises `Trouble` when something runs from it."""
    folder = run / kind
    if (running := State.running_from(folder)) is not None:
        raise Trouble(f"it runs already, as process {running.pid}; end that one first")
    return folder


T = TypeVar("T")


def _until_done(work: Coroutine[Any, Any, T]) -> T:
    """Run it; SIGTERM ends it as Ctrl-C does, with everything stopped in order."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise typer.Exit(TERMINATED) from None
