"""Settings: from the environment, typed, checked at start. Secrets have no default.

`PRACTICE_*` are common to all services; a service adds its own under its name (`BILLING_*`).
What is wrong is said in one line that names the variable and never shows its value.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.errors import Misconfigured

EX_CONFIG = 78
"""Exit code for a wrong configuration, from sysexits.h."""

MIN_SECRET = 32
KEY_BYTES = 32


class PracticeSettings(BaseSettings):
    """What every process of an installation shares."""

    model_config = SettingsConfigDict(env_prefix="PRACTICE_", hide_input_in_errors=True)

    env: Literal["development", "production"]
    kafka_bootstrap_servers: str
    topic_prefix: str = ""
    clock_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trace_file: Path | None = None
    vault_keys: SecretStr
    token_secret: SecretStr
    replay_on_start_h: Annotated[int, Field(ge=0, le=24 * 90)] = 0
    work_lease_s: Annotated[float, Field(ge=1, le=600)] = 45.0
    consumer_session_s: Annotated[float, Field(ge=1, le=300)] = 10.0

    @field_validator("token_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < MIN_SECRET:
            raise ValueError(f"must have at least {MIN_SECRET} characters")
        return secret

    @field_validator("vault_keys")
    @classmethod
    def _keys_of_256_bits(cls, keys: SecretStr) -> SecretStr:
        parse_vault_keys(keys.get_secret_value())
        return keys

    @field_validator("clock_file")
    @classmethod
    def _no_run_clock_in_production(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and info.data.get("env") == "production":
            raise ValueError("is for development; production lives in real time")
        return path


class ServiceSettings(BaseSettings):
    """What every service has under its own prefix."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    database_url: SecretStr
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)]

    @field_validator("database_url")
    @classmethod
    def _names_the_driver(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith("postgresql+asyncpg://"):
            raise ValueError("must start with postgresql+asyncpg://")
        return url


def parse_vault_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64` to keys of 32 bytes by id. The first seals, all of them open."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not (len(key) == KEY_BYTES and key_id.isascii() and key_id.isalnum()) or key_id in keys:
            raise ValueError(
                "must be id:base64 pairs, each key 32 bytes, each id once, separated by commas"
            )
        keys[key_id] = key
    return keys


S = TypeVar("S", bound=BaseSettings)
R = TypeVar("R")


def load(settings: type[S]) -> S:
    """Read settings from the environment.

    Raises `Misconfigured` with one line that names the variable and what is wrong with it, and
    never shows its value.
    """
    prefix = settings.model_config.get("env_prefix", "")
    try:
        return settings()
    except ValidationError as invalid:
        wrong = [
            f"{prefix}{'.'.join(str(part) for part in error['loc'])}".upper()
            + (" is not set" if error["type"] == "missing" else f": {_plain(error['msg'])}")
            for error in invalid.errors(include_input=False, include_context=False)
        ]
        raise Misconfigured("; ".join(wrong)) from None
    except SettingsError:
        fields = ", ".join(f"{prefix}{name}".upper() for name in settings.model_fields)
        raise Misconfigured(f"one of {fields}: is not the JSON that it must be") from None


def _plain(message: str) -> str:
    return " ".join(message.removeprefix("Value error, ").split())


def or_exit(build: Callable[[], R]) -> R:
    """Run the start of a process; a wrong configuration ends it with one line on stderr."""
    try:
        return build()
    except Misconfigured as wrong:
        stop_with(str(wrong))


def stop_with(line: str) -> NoReturn:
    """End the process, with one line on stderr and the exit code for a wrong configuration."""
    sys.stderr.write(line + "\n")
    raise SystemExit(EX_CONFIG)
