"""Where to look and what to type next, once a practice runs or a demonstration has ended."""

from __future__ import annotations

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from deploy.local.installation import State

_WHAT = {
    "scheduling": "patients, clearance, chairs, series, visits",
    "billing": "fees, charges, payments, superbills",
    "pharmacy": "prescriptions, signing links",
    "notifications": "messages that left, wait, or did not go",
}
_OUTSIDE = "the world outside: charges, orders, texts, mails, faults to order"

WHILE_IT_RUNS = (
    ("practice token front_desk", "a token; the pages take it under Authorize"),
    ("practice events tail", "what the services say, as they say it"),
    ("practice check", "is every service ready, and if not, why"),
    ("practice parked list", "what waits for a person"),
)
AFTERWARDS = (
    (". .venv/bin/activate", "lets a shell find `practice`"),
    ("practice demo --stay", "the same again, and it stays; the pages above answer then"),
    ("practice up", "the same practice in real time, with nobody in it yet"),
    ("practice demo --clinic DIR", "your files: deploy/local/clinic/README.md says how"),
    ("practice catalogue", "every event, its fields, and who hears it"),
)


def while_it_runs(out: Console, state: State) -> None:
    """The pages that answer, and the commands that find this installation by themselves."""
    out.print()
    out.print(Rule("[bold]To look around[/]", align="left", style="bright_black"))
    _print(out, [*_pages(state), (state.logs, "logs, one file for each process"), *WHILE_IT_RUNS])


def afterwards(out: Console, state: State) -> None:
    """The pages that would answer if it had stayed, and what to type next."""
    out.print()
    out.print(Rule("[bold]To look around[/]", align="left", style="bright_black"))
    out.print("It has all ended again. With --stay it goes on, and these pages answer:")
    _print(out, _pages(state))
    out.print()
    out.print(Rule("[bold]Next[/]", align="left", style="bright_black"))
    _print(out, [*AFTERWARDS, ("README.md", "follow one event file by file, and add one")])


def _pages(state: State) -> list[tuple[str, str]]:
    outside = [(state.outside, _OUTSIDE)] if state.outside else []
    return outside + [
        (f"{url}/docs", f"{name}: {_WHAT[name]}") for name, url in state.services.items()
    ]


def _print(out: Console, rows: list[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(style="bright_black")
    for what, meaning in rows:
        table.add_row(what, meaning)
    out.print(table)
