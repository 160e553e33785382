"""Settings of the simulated outside world: `OUTSIDE_*` in the environment, or arguments.

Keys and webhook secrets have no default: whoever starts the world makes them up and hands the
same ones to the services.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _on_this_machine(url: str) -> str:
    """The world only ever calls back to this machine: what it sends looks real."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.hostname not in LOOPBACK:
        raise ValueError("must be an http address on this machine (127.0.0.1)")
    return url


LocalUrl = Annotated[str, AfterValidator(_on_this_machine)]
Port = Annotated[int, Field(ge=1, le=65535)]
Pause = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=60))]


def _local_host(host: str) -> str:
    if host not in LOOPBACK:
        raise ValueError("must be 127.0.0.1: the simulated world is for this machine only")
    return host


class OutsideSettings(BaseSettings):
    """What the world listens on, whom it notifies, and how fast the pharmacy works."""

    model_config = SettingsConfigDict(env_prefix="OUTSIDE_", hide_input_in_errors=True)

    host: Annotated[str, AfterValidator(_local_host)] = "127.0.0.1"
    http_port: Port
    smtp_port: Port
    clock_file: Path | None = None

    stripe_key: SecretStr
    stripe_publishable_key: SecretStr
    stripe_webhook_secret: SecretStr
    stripe_webhook_url: LocalUrl | None = None
    stripe_thin_webhook_url: LocalUrl | None = None

    pharmacy_key: SecretStr
    pharmacy_webhook_secret: SecretStr
    pharmacy_webhook_url: LocalUrl | None = None
    pharmacy_accepts_after: Pause = timedelta(minutes=20)
    pharmacy_compounds_after: Pause = timedelta(hours=4)
    pharmacy_ships_after: Pause = timedelta(days=1)
    pharmacy_delivers_after: Pause = timedelta(days=3)

    signing_key: SecretStr
    signing_webhook_secret: SecretStr
    signing_webhook_url: LocalUrl | None = None
    signing_knowledge: SecretStr
    signing_token_code: SecretStr

    sms_account_sid: str
    sms_auth_token: SecretStr
    sms_inbound_url: LocalUrl | None = None
    sms_status_url: LocalUrl | None = None

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.http_port}"
