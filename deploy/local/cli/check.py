"""`practice check`: what is wrong, in plain words, and what to do about it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import typer
from rich.table import Table

from deploy.local.cli.asking import TROUBLE, asked, console, examples
from deploy.local.client import Practice, Refusal
from deploy.local.installation import State
from shared.auth import Role

_WHAT_TO_DO = (
    ("the database cannot be reached", "Bring PostgreSQL back; the service goes on by itself."),
    ("kafka cannot be reached", "Bring Kafka back; it is tried again every few seconds."),
    ("waits for a person", "See `practice parked list`; mend the cause, then replay one."),
    ("the group is being joined", "A replica came or went. If it stays so, look at the log."),
    ("the group's coordinator", "A broker is away or restarting. Look at the brokers."),
    ("the relay waits for kafka", "Bring Kafka back; what was committed is published then."),
    ("the relay waits for database", "Bring PostgreSQL back; the relay goes on by itself."),
    ("the relay waits for starting", "It has just started. Ask again in a moment."),
    ("have not looked", "The process is wedged. Restart it; its leases run out by themselves."),
    ("what answers at", "Look at the addresses in --service or PRACTICE_SERVICES."),
    ("does not answer at", "Start it, or look at its address; its log has its last words."),
    ("no answer within", "The check itself hangs. Look at the database first."),
)
_ELSE = "Look at its log; docs/runbook.md says more."


EXAMPLES = examples(
    ("practice check", "what runs on this machine"),
    ("practice --service billing=http://10.0.0.7:8002 check", "a service elsewhere"),
)


def check(context: typer.Context) -> None:
    """Ask every service whether it is fit for work, and say what to do where it is not.

    Also which vendors do not accept its key, where it takes a token of PRACTICE_TOKEN_SECRET.
    Ends with 1 unless all of them are ready and their keys are good.
    """
    state = asked(context)
    found = asyncio.run(_ask_all(state))
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    fit = True
    for name, (wrong, refused) in found.items():
        fit &= not wrong and not refused
        table.add_row(f"[bold]{name}[/]", "[red]not ready[/]" if wrong else "[green]ready[/]", "")
        for part, what in wrong.items():
            table.add_row("", part, f"{what}. {_advice(what)}")
        for detail in refused:
            table.add_row("", "refused key", detail)
    console().print(table)
    if not fit:
        if state.logs:
            console().print(f"Logs: {state.logs}", soft_wrap=True)
        raise typer.Exit(TROUBLE)


async def _ask_all(state: State) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Each service with what is wrong with it, by check, and the keys that vendors refuse."""
    async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
        answers = await asyncio.gather(
            *(_ask(client, name, url) for name, url in state.services.items())
        )
    wrong = dict(zip(state.services, answers, strict=True))
    fit = [name for name, found in wrong.items() if not found and state.token_secret]
    refused = {name: await _refused_keys(state, name) for name in fit}
    return {name: (found, refused.get(name, [])) for name, found in wrong.items()}


async def _refused_keys(state: State, name: str) -> list[str]:
    """What waits for a key that a vendor accepts, in words; nothing where nobody may ask."""
    async with Practice(state) as practice:
        try:
            told = await practice.get(name, "/operations/refused-keys", role=Role.OPS)
        except (Refusal, httpx.HTTPError):
            return []
    return [str(key["detail"]) for key in told["keys"]]


async def _ask(client: httpx.AsyncClient, name: str, url: str) -> dict[str, str]:
    try:
        answer = await client.get(f"{url}/health/ready")
        checks: dict[str, Any] = answer.json()["checks"]
        title = (await client.get(f"{url}/openapi.json")).json()["info"]["title"]
    except httpx.HTTPError as error:
        return {"process": f"does not answer at {url} ({type(error).__name__})"}
    except (ValueError, KeyError, TypeError):
        return {"address": f"what answers at {url} is no service of the practice"}
    who = str(title).partition(" ")[0]
    if who != name:
        return {"address": f"what answers at {url} is {who}, not {name}"}
    return {part: str(what) for part, what in checks.items() if what is not None}


def _advice(what: str) -> str:
    return next((advice for words, advice in _WHAT_TO_DO if words in what), _ELSE)
