"""`practice audit`: whether anybody changed, moved or took out an entry of an audit log."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.local.cli.asking import TROUBLE, asked_as_staff, console, examples
from deploy.local.client import Practice
from deploy.local.installation import State, Trouble
from shared.auth import Role

app = typer.Typer(no_args_is_help=True, help="Whether the audit logs are whole.")

_HEAD = re.compile(r"([a-z]+)=(\d{1,18}):([0-9a-f]{64})", re.ASCII)

EXAMPLES = examples(
    ("practice audit check", "walks every chain; prints heads to keep elsewhere"),
    ("practice audit check --known billing=118:4be0…", "and what was kept must be in it"),
)


@app.command("check", epilog=EXAMPLES)
def check(
    context: typer.Context,
    known: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEAD",
            help="A head that an earlier check printed. Once for each service. Without it nobody "
            "can see that the newest entries were cut off.",
        ),
    ] = None,
) -> None:
    """Walk the hash chain of each service's audit log, and name the first entry that is wrong.

    Ends with 1 unless every chain is whole.
    """
    state = asked_as_staff(context)
    heads = dict(_head(text, state) for text in known or ())
    found = asyncio.run(_ask(state, heads))
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
    for service, chain in found.items():
        broken = chain["broken_at"]
        said = "[green]whole[/]" if broken is None else f"[red]wrong from entry {broken} on[/]"
        table.add_row(f"[bold]{service}[/]", said, f"{chain['entries']} entries")
    console().print(table)
    for service, chain in found.items():
        if chain["head_hash"] is not None:
            head = f"{service}={chain['entries']}:{chain['head_hash']}"
            console().print(f"[bright_black]--known {head}[/]", soft_wrap=True)
    if any(chain["broken_at"] is not None for chain in found.values()):
        raise typer.Exit(TROUBLE)


async def _ask(state: State, heads: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    async with Practice(state) as practice:
        return {
            service: await practice.get(
                service, "/operations/audit", role=Role.AUDITOR, **heads.get(service, {})
            )
            for service in state.services
        }


def _head(text: str, state: State) -> tuple[str, dict[str, str]]:
    found = _HEAD.fullmatch(text)
    if found is None or found[1] not in state.services:
        raise Trouble(
            f"--known {text}: expected NAME=NUMBER:HASH as an earlier check printed it, with NAME "
            f"one of {', '.join(state.services)}"
        )
    return found[1], {"known_seq": found[2], "known_hash": found[3]}
