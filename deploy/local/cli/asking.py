"""Which installation a command is about, and how trouble is told: in one line, never a trace."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from typer.core import TyperGroup

from deploy.local.client import Refusal
from deploy.local.export import BadExport
from deploy.local.installation import SERVICES, State, Trouble

RUN = Path(__file__).parents[3] / "run"
NARROWEST = 100
TROUBLE = 1
INTERRUPTED, TERMINATED = 130, 143  # 128 + the signal, as shells have it

UNAUTHORIZED = 401

_BESIDE = 46
"""How long a command may be for its meaning to stand beside it in 80 columns."""

_BAD_EXPORT_SHOWN = 50
_FOREIGN = (
    "Either PRACTICE_TOKEN_SECRET is not that installation's, or it is production, which takes no "
    "development token: docs/runbook.md, Signing in."
)


def console() -> Console:
    """Standard output; 100 columns where there is no terminal to ask."""
    width = None if sys.stdout.isatty() else NARROWEST
    return Console(width=width, highlight=False, soft_wrap=False)


class Group(TyperGroup):
    """The commands; what goes wrong in one of them ends it with a line that says what."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BadExport as bad:
            shown = bad.problems[:_BAD_EXPORT_SHOWN]
            for problem in shown:
                typer.echo(str(problem), err=True)
            rest = len(bad.problems) - len(shown)
            more = f" The first {len(shown)} are shown." if rest else ""
            typer.echo(f"{len(bad.problems)} to mend in the export.{more}", err=True)
        except Refusal as no:
            typer.echo(f"{no} {_FOREIGN}" if no.status == UNAUTHORIZED else str(no), err=True)
        except Trouble as trouble:
            typer.echo(str(trouble), err=True)
        except httpx.HTTPStatusError as fault:
            typer.echo(f"{fault.request.url}: answered {fault.response.status_code}", err=True)
        except httpx.HTTPError as unreachable:
            url = unreachable.request.url.copy_with(query=None)
            typer.echo(f"{url} cannot be reached ({type(unreachable).__name__})", err=True)
        except KafkaError as trouble:
            typer.echo(f"Kafka cannot be reached ({type(trouble).__name__})", err=True)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(TROUBLE)


@dataclass(frozen=True, slots=True)
class Where:
    """What the options before the command say."""

    run: Path
    services: tuple[str, ...]
    kafka: str | None
    topic_prefix: str

    def state(self) -> State:
        """The installation that a command is about. Raises `Trouble` when there is none."""
        if not self.services and self.kafka is None:
            return State.under(self.run)
        return State(
            pid=0,
            services=dict(_named(pair) for pair in self.services),
            outside=None,
            bootstrap_servers=self.kafka or "",
            topic_prefix=self.topic_prefix,
            logs="",
            token_secret=os.environ.get("PRACTICE_TOKEN_SECRET", ""),
        )


def where(context: typer.Context) -> Where:
    found = context.find_object(Where)
    assert found is not None
    return found


def asked(context: typer.Context) -> State:
    """An installation whose services can be asked. Raises `Trouble` where none is named."""
    state = where(context).state()
    if not state.services:
        raise Trouble(
            "--service: not given, so there is nobody to ask; --kafka "
            "(PRACTICE_KAFKA_BOOTSTRAP_SERVERS) names no service. "
            "Say for each where it is: --service billing=http://127.0.0.1:8002"
        )
    return state


def asked_as_staff(context: typer.Context) -> State:
    """As `asked`, and what it takes to sign a token for them."""
    state = asked(context)
    state.check_token_secret()
    return state


def heard(context: typer.Context) -> State:
    """An installation whose events can be read. Raises `Trouble` where no Kafka is named."""
    state = where(context).state()
    if not state.bootstrap_servers:
        raise Trouble(
            "--kafka: not given, so there is nothing to read events from. "
            "Say where it is: --kafka 127.0.0.1:9092, and --topic-prefix if its topics have one"
        )
    return state


def examples(*lines: tuple[str, str]) -> str:
    """The end of a command's help: what somebody would type, and what it is for."""
    short = [len(command) for command, _meaning in lines if len(command) <= _BESIDE]
    room = max(short, default=0)
    shown = [
        f"  {command:<{room}}  [dim]{meaning}[/]"
        if len(command) <= _BESIDE
        else f"  {command}\n      [dim]{meaning}[/]"
        for command, meaning in lines
    ]
    return "\n".join(["[bold]Examples[/]", *shown])


def _named(pair: str) -> tuple[str, str]:
    name, separator, url = pair.partition("=")
    if not separator or name not in SERVICES or not url.startswith(("http://", "https://")):
        raise Trouble(
            f"--service {pair}: expected NAME=URL with NAME one of {', '.join(SERVICES)}, "
            "such as billing=http://127.0.0.1:8002"
        )
    return name, url.rstrip("/")
