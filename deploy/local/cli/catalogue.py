"""`practice catalogue`: every event of the published language, from the registry itself."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from deploy.local.cli.asking import console, examples
from deploy.local.installation import Trouble

EXAMPLES = examples(
    ("practice catalogue", "all of them"),
    ("practice catalogue InfusionCompleted", "one, with what each field is"),
)


def catalogue(
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="[EVENT]", help="One event, such as billing.ChargePosted; else all."
        ),
    ] = None,
) -> None:
    """Who says what, with which fields, and who hears it."""
    # Importing every service takes a second, which the other commands need not wait for.
    from deploy.catalogue import contracts, events_page, services  # noqa: PLC0415

    wanted = [
        one for one in contracts.events() if event is None or event.lower() in one.type_name.lower()
    ]
    if not wanted:
        raise Trouble(f"no event is called {event}; `practice catalogue` lists them all")
    handlers = services.all_handlers()
    out = console()
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("event", no_wrap=True)
    table.add_column("fields", overflow="fold", ratio=1)
    table.add_column("heard by", overflow="fold")
    for one in wanted:
        fields = ", ".join(one.model_fields)
        heard = ", ".join(hearer.service for hearer in services.hearers(one, handlers))
        table.add_row(f"[bold]{one.type_name}[/]", f"[bright_black]{fields}[/]", heard or "nobody")
    out.print(table)
    if len(wanted) == 1:
        root = contracts.schema_of(wanted[0])
        detail = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
        for name, field in root["properties"].items():
            detail.add_row(name, events_page.kind(field, root), events_page.unit(name))
        out.print(detail)
