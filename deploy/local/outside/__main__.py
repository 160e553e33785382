"""Start the simulated outside world: `python -m deploy.local.outside --http-port … --smtp-port …`.

Every setting is an argument or `OUTSIDE_*` in the environment; secrets belong in the latter.
"""

from __future__ import annotations

import os
import sys

from pydantic_settings import SettingsConfigDict

from deploy.local.outside.settings import OutsideSettings
from shared.settings import load, or_exit, stop_with


class FromCommandLine(OutsideSettings):
    """The same settings, with arguments ahead of the environment."""

    model_config = SettingsConfigDict(
        cli_parse_args=True, cli_kebab_case=True, cli_prog_name="python -m deploy.local.outside"
    )


def main() -> None:
    if os.environ.get("PRACTICE_ENV") == "production":
        stop_with("PRACTICE_ENV=production: the simulated outside world does not start here")
    settings: OutsideSettings = or_exit(lambda: load(FromCommandLine))

    from deploy.local.outside.app import run  # noqa: PLC0415  # refuse before building anything

    def ready() -> None:
        sys.stdout.write(f"the outside world is at {settings.base_url}\n")
        sys.stdout.flush()

    run(settings, ready)


if __name__ == "__main__":
    main()
