"""`practice`: run the whole practice on this machine, watch it, and look after it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.cli import audit, catalogue, check, events, importing, outbox, parked, run, token
from deploy.local.cli.asking import RUN, Group, Where, examples

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Group,
    epilog=examples(
        ("practice demo", "six patients, three weeks, in about a minute"),
        ("practice up", "the same practice in real time; it stays"),
        ("practice check", "is every service ready, and if not, why"),
        ("practice COMMAND --help", "more about one of them"),
    ),
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", epilog=run.DEMO_EXAMPLES)(run.demo)
app.command("up", epilog=run.UP_EXAMPLES)(run.up)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("catalogue", epilog=catalogue.EXAMPLES)(catalogue.catalogue)
app.command("import", epilog=importing.EXAMPLES)(importing.import_file)
app.command("token", epilog=token.EXAMPLES)(token.token)
app.add_typer(events.app, name="events")
app.add_typer(parked.app, name="parked")
app.add_typer(outbox.app, name="outbox")
app.add_typer(audit.app, name="audit")


@app.callback()
def where(  # its docstring is the command's help
    context: typer.Context,
    run_folder: Annotated[
        Path,
        typer.Option(
            "--run",
            metavar="DIR",
            envvar="PRACTICE_RUN",
            show_default="run",
            help="Where runs keep what they keep.",
        ),
    ] = RUN,
    service: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            envvar="PRACTICE_SERVICES",
            help="A service of an installation that was not started here. Once for each; in the "
            "variable, with spaces between.",
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
        str,
        typer.Option(
            metavar="TEXT", envvar="PRACTICE_TOPIC_PREFIX", help="What its topics begin with."
        ),
    ] = "",
) -> None:
    """Run the whole practice on this machine, watch it, and look after it.

    What `practice up` or `practice demo --stay` started is found by itself. For another
    installation name its services and Kafka, and set PRACTICE_TOKEN_SECRET.
    """
    context.obj = Where(run_folder, tuple(service or ()), kafka, topic_prefix)


def main() -> None:
    """The command as a process of its own."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # trouble is told in our own words
    app(prog_name="practice")
