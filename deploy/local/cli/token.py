"""`practice token`: a bearer token for trying the APIs by hand. Development only."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.cli.asking import where
from deploy.local.installation import Trouble
from shared.auth import Role, development_token


def token(
    context: typer.Context,
    roles: Annotated[list[Role], typer.Argument(help="What its bearer may do.")],
    subject: Annotated[str, typer.Option(help="Who its bearer is, as the audit log has it.")] = (
        "somebody-at-the-terminal"
    ),
) -> None:
    """Print a development token, valid for a day."""
    secret = where(context).state().token_secret
    if not secret:
        raise Trouble("PRACTICE_TOKEN_SECRET: not set")
    typer.echo(development_token(secret, env="development", subject=subject, roles=set(roles)))
