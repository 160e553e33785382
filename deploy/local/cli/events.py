"""`practice events`: what the services say, as it is said."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape

from deploy.local.cli.asking import console, where
from deploy.local.demo.heard import Heard, ear
from deploy.local.installation import State, Trouble

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
    asyncio.run(_tail(state, from_beginning, patient, kind, as_json))


async def _tail(
    state: State,
    from_beginning: bool,  # noqa: FBT001  # options of the one command above
    patient: UUID | None,
    kind: str | None,
    as_json: bool,  # noqa: FBT001  # as above
) -> None:
    out = console()
    async with ear(
        state.bootstrap_servers, state.topic_prefix, from_beginning=from_beginning
    ) as listening:
        async for heard in listening.forever():
            said = heard.event
            wanted = (patient is None or said.key == str(patient)) and (
                kind is None or kind.lower() in said.type_name.lower()
            )
            if wanted and as_json:
                typer.echo(
                    json.dumps(
                        {
                            "type": said.type_name,
                            "at": heard.at.isoformat(),
                            **said.model_dump(mode="json"),
                        }
                    )
                )
            elif wanted:
                out.print(_line(heard))


def _line(heard: Heard) -> str:
    said = heard.event
    fields = said.model_dump(mode="json", exclude_none=True)
    shown = " ".join(
        f"[bright_black]{name}=[/]{escape(str(value))}" for name, value in fields.items()
    )
    return f"{heard.at:%Y-%m-%d %H:%M:%S} [bold]{said.type_name}[/] {shown}"
