"""`practice`: run the whole practice on this machine, watch it, and look after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.cli import catalogue, check, events, outbox, parked, run, token
from deploy.local.cli.asking import RUN, Group, Where

__all__ = ["app"]

app = typer.Typer(
    cls=Group,
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(run.demo)
app.command("up")(run.up)
app.command("check")(check.check)
app.command("catalogue")(catalogue.catalogue)
app.command("token")(token.token)
app.add_typer(events.app, name="events")
app.add_typer(parked.app, name="parked")
app.add_typer(outbox.app, name="outbox")


@app.callback()
def where(  # its docstring is the command's help
    context: typer.Context,
    run_folder: Annotated[
        Path, typer.Option("--run", envvar="PRACTICE_RUN", help="Where runs keep what they keep.")
    ] = RUN,
    service: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            envvar="PRACTICE_SERVICES",
            help="A service of an installation that was not started here; once for each.",
        ),
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            envvar="PRACTICE_KAFKA_BOOTSTRAP_SERVERS",
            help="The Kafka of such an installation.",
        ),
    ] = None,
    topic_prefix: Annotated[
        str, typer.Option(envvar="PRACTICE_TOPIC_PREFIX", help="What its topics begin with.")
    ] = "",
) -> None:
    """Run the whole practice on this machine, watch it, and look after it.

    What `practice up` or `practice demo --stay` started is found by itself. For another
    installation name its services and Kafka, and set PRACTICE_TOKEN_SECRET.
    """
    context.obj = Where(run_folder, tuple(service or ()), kafka, topic_prefix)
