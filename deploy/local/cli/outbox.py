"""`practice outbox`: offering events again, after Kafka lost some or for a new consumer."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer
from rich.progress import Progress

from deploy.local.cli.asking import asked_as_staff, console, examples
from deploy.local.client import Practice
from deploy.local.installation import State, Trouble
from shared.auth import Role

app = typer.Typer(no_args_is_help=True, help="Offering events again.")


EXAMPLES = examples(
    ("practice outbox replay --since 2027-01-08T09:00:00-05:00", "all that was said since"),
    ("practice outbox replay --since 2027-01-08T14:00:00Z --from billing", "one service's"),
)


@app.command("replay", epilog=EXAMPLES)
def replay(
    context: typer.Context,
    since: Annotated[
        str,
        typer.Option(
            metavar="MOMENT", help="From when on, with its zone: 2027-01-08T09:00:00-05:00."
        ),
    ],
    producer: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="NAME", help="Only this service's events. May be given again."
        ),
    ] = None,
) -> None:
    """Put events into the outboxes again. Consumers drop those that they know."""
    moment = _moment(since)
    state = asked_as_staff(context)
    wanted = producer or list(state.services)
    unknown = [name for name in wanted if name not in state.services]
    if unknown:
        raise Trouble(f"--from {unknown[0]}: expected one of {', '.join(state.services)}")
    counts = asyncio.run(_replay(state, wanted, moment))
    for service, count in counts.items():
        console().print(f"{service}: {count} event{'' if count == 1 else 's'} offered again")


async def _replay(state: State, services: list[str], since: datetime) -> dict[str, int]:
    counts = {}
    async with Practice(state) as practice:
        with Progress(transient=True, console=console()) as progress:
            for service in progress.track(services, description="offering again"):
                answer = await practice.post(
                    service,
                    "/operations/outbox/replay",
                    {"since": since.isoformat()},
                    role=Role.OPS,
                )
                counts[service] = int(answer["events"])
    return counts


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(f"--since {text}: not a moment like 2027-01-08T09:00:00-05:00") from None
    if moment.tzinfo is None:
        raise Trouble(f"--since {text}: say the zone, as in {text}Z or {text}-05:00")
    return moment
