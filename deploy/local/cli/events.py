"""`practice events`: what the services say, as it is said."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape

from deploy.local.cli.asking import console, examples, heard
from deploy.local.demo.heard import From, Heard, ear
from deploy.local.installation import Trouble
from shared.events import REGISTRY, Event

app = typer.Typer(no_args_is_help=True, help="What the services say, as it is said.")


EXAMPLES = examples(
    ("practice events tail", "what is said from now on"),
    ("practice events tail --from-beginning --type Payment", "every event about a payment"),
    ("practice events tail --json | jq .type", "for another program"),
)


@app.command("tail", epilog=EXAMPLES)
def tail(
    context: typer.Context,
    *,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Everything that the broker still has, first.")
    ] = False,
    patient: Annotated[UUID | None, typer.Option(help="Only what concerns this patient.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--type", metavar="TEXT", help="Only events whose type holds this: Payment, billing."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Print events as they come, until Ctrl-C. They hold ids, codes, times and cents, no names."""
    if kind is not None and not any(kind.lower() in name.lower() for name in REGISTRY):
        raise Trouble(f"--type {kind}: no event's type holds it; see `practice catalogue`")
    state = heard(context)
    start = From.BEGINNING if from_beginning else From.NOW
    show = _print_json if as_json else _print_line

    def wanted(said: Event) -> bool:
        return (patient is None or said.key == str(patient)) and (
            kind is None or kind.lower() in said.type_name.lower()
        )

    async def listen() -> None:
        async with ear(state.bootstrap_servers, state.topic_prefix, start=start) as listening:
            async for one in listening.forever():
                if wanted(one.event):
                    show(one)

    asyncio.run(listen())


def _print_json(one: Heard) -> None:
    said = one.event
    shown = {"type": said.type_name, "at": one.at.isoformat(), **said.model_dump(mode="json")}
    typer.echo(json.dumps(shown))


def _print_line(one: Heard) -> None:
    said = one.event
    fields = said.model_dump(mode="json", exclude_none=True)
    shown = " ".join(
        f"[bright_black]{name}=[/]{escape(str(value))}" for name, value in fields.items()
    )
    console().print(f"{one.at:%Y-%m-%d %H:%M:%S} [bold]{said.type_name}[/] {shown}")
