"""`practice events`: what the services say, as it is said."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape

from deploy.local.cli.asking import console, where
from deploy.local.demo.heard import From, Heard, ear
from deploy.local.installation import Trouble
from shared.events import Event

app = typer.Typer(no_args_is_help=True, help="What the services say, as it is said.")


@app.command("tail")
def tail(
    context: typer.Context,
    *,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Everything that the broker still has, first.")
    ] = False,
    patient: Annotated[UUID | None, typer.Option(help="Only what concerns this patient.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="Only events whose type holds this text.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Print events as they come, until Ctrl-C. They hold ids, codes, times and cents, no names."""
    state = where(context).state()
    if not state.bootstrap_servers:
        raise Trouble("--kafka: not given, and no installation was found to ask")
    start = From.BEGINNING if from_beginning else From.NOW
    show = _print_json if as_json else _print_line

    def wanted(said: Event) -> bool:
        return (patient is None or said.key == str(patient)) and (
            kind is None or kind.lower() in said.type_name.lower()
        )

    async def listen() -> None:
        async with ear(state.bootstrap_servers, state.topic_prefix, start=start) as listening:
            async for heard in listening.forever():
                if wanted(heard.event):
                    show(heard)

    asyncio.run(listen())


def _print_json(heard: Heard) -> None:
    said = heard.event
    shown = {"type": said.type_name, "at": heard.at.isoformat(), **said.model_dump(mode="json")}
    typer.echo(json.dumps(shown))


def _print_line(heard: Heard) -> None:
    console().print(_line(heard))


def _line(heard: Heard) -> str:
    said = heard.event
    fields = said.model_dump(mode="json", exclude_none=True)
    shown = " ".join(
        f"[bright_black]{name}=[/]{escape(str(value))}" for name, value in fields.items()
    )
    return f"{heard.at:%Y-%m-%d %H:%M:%S} [bold]{said.type_name}[/] {shown}"
