"""`practice parked`: what waits for a person, in any service, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from deploy.local.cli.asking import asked_as_staff, console, examples
from deploy.local.client import Practice, Refusal
from deploy.local.installation import State, Trouble
from shared.auth import Role

app = typer.Typer(no_args_is_help=True, help="What waits for a person, and what becomes of it.")

NOT_FOUND = 404
Why = Annotated[
    str, typer.Option(prompt="Why", help="The reason, kept with the event and in the audit log.")
]
Parked = Annotated[UUID, typer.Argument(help="Its id, as `practice parked list` shows it.")]


LIST = examples(("practice parked list", "the ids are for the other commands"))
SHOW = examples(("practice parked show ID", "which event of whom, since when, and why"))
REPLAY = examples(
    ('practice parked replay ID --why "billing reads it now"', "once the cause is mended")
)
DISCARD = examples(
    ('practice parked discard ID --why "a test of theirs"', "once it is known to change nothing")
)


@app.command("list", epilog=LIST)
def list_all(context: typer.Context) -> None:
    """Parked events, those held behind them, parked work and outbox rows, of every service."""
    rows = asyncio.run(_list(asked_as_staff(context)))
    if not rows:
        console().print("Nothing is parked.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("id", no_wrap=True)
    table.add_column("service", no_wrap=True)
    table.add_column("what waits, and why", overflow="fold")
    table.add_column("since", no_wrap=True)
    for service, item in rows:
        held = "" if item["state"] == "parked" else f" ({item['state']})"
        what = f"{item['what']} {item['type_name']}{held}: {item['reason']}"
        since = item["parked_at"][:16].replace("T", " ")
        table.add_row(item["parked_id"], service, escape(what), since)
    console().print(table)


@app.command("show", epilog=SHOW)
def show(context: typer.Context, parked_id: Parked) -> None:
    """One of them, with everything but what the record said."""
    service, item = asyncio.run(_find(asked_as_staff(context), parked_id))
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
    table.add_row("service", service)
    for name, value in item.items():
        if value is not None:
            table.add_row(name, str(value))
    console().print(table)


@app.command("replay", epilog=REPLAY)
def replay(context: typer.Context, parked_id: Parked, why: Why) -> None:
    """Have it decided or tried again, now. What was held behind it follows."""
    _resolve(context, parked_id, "replay", why, "Replayed")


@app.command("discard", epilog=DISCARD)
def discard(context: typer.Context, parked_id: Parked, why: Why) -> None:
    """Give it up for good. What was held behind it follows."""
    _resolve(context, parked_id, "discard", why, "Discarded")


def _resolve(context: typer.Context, parked_id: UUID, verb: str, why: str, done: str) -> None:
    state = asked_as_staff(context)

    async def resolve(practice: Practice) -> tuple[str, dict[str, Any]]:
        service, _item = await _find_with(practice, parked_id)
        path = f"/operations/parked/{parked_id}/{verb}"
        return service, await practice.post(service, path, {"why": why}, role=Role.OPS)

    service, answer = asyncio.run(_with(state, resolve))
    console().print(f"{done} in {service}. {answer['followed']} followed that it held back.")


async def _with(
    state: State, ask: Callable[[Practice], Awaitable[tuple[str, dict[str, Any]]]]
) -> tuple[str, dict[str, Any]]:
    async with Practice(state) as practice:
        return await ask(practice)


async def _list(state: State) -> list[tuple[str, dict[str, Any]]]:
    async with Practice(state) as practice:
        return [
            (service, item)
            for service in state.services
            async for item in practice.items(service, "/operations/parked", role=Role.OPS)
        ]


async def _find(state: State, parked_id: UUID) -> tuple[str, dict[str, Any]]:
    async with Practice(state) as practice:
        return await _find_with(practice, parked_id)


async def _find_with(practice: Practice, parked_id: UUID) -> tuple[str, dict[str, Any]]:
    for service in practice.state.services:
        try:
            path = f"/operations/parked/{parked_id}"
            return service, await practice.get(service, path, role=Role.OPS)
        except Refusal as no:
            if no.status != NOT_FOUND:
                raise
    raise Trouble(f"nothing is parked under {parked_id}; see `practice parked list`")
