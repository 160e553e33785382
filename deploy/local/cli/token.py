"""`practice token`: a bearer token for trying the APIs by hand. Development only."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from deploy.local.cli.asking import examples, where
from shared.auth import Role, development_token

EXAMPLES = examples(
    ("practice token front_desk nurse", "one bearer with two roles"),
    (
        'curl -H "Authorization: Bearer $(practice token front_desk)" URL/patients/ID',
        "a call as the front desk; `practice up` prints each URL",
    ),
)


def token(
    context: typer.Context,
    roles: Annotated[
        list[Role], typer.Argument(metavar="ROLE", help="What its bearer may do; one or more.")
    ],
    subject: Annotated[
        str, typer.Option(metavar="WORD", help="Who its bearer is, as the audit log has it.")
    ] = "somebody-at-the-terminal",
    locations: Annotated[
        list[UUID] | None,
        typer.Option("--location", metavar="ID", help="Where its bearer works; else everywhere."),
    ] = None,
) -> None:
    """Print a development token, valid for a day. Production takes none."""
    state = where(context).state()
    state.check_token_secret()
    signed = development_token(
        state.token_secret,
        env="development",
        subject=subject,
        roles=set(roles),
        locations=frozenset(locations) if locations else None,
    )
    typer.echo(signed)
