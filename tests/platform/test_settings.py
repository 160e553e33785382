"""A wrong configuration ends the process at start, in one line that names the variable."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import Misconfigured
from shared.settings import (
    EX_CONFIG,
    PracticeSettings,
    ServiceSettings,
    load,
    or_exit,
    parse_vault_keys,
)

KEY = base64.b64encode(b"k" * 32).decode()
CANARY = "TestaCanarySecret"
RIGHT = {
    "PRACTICE_ENV": "development",
    "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "PRACTICE_VAULT_KEYS": f"k2:{KEY},k1:{KEY}",
    "PRACTICE_TOKEN_SECRET": "made-up-" * 5,
}


class LabSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="LAB_")

    rooms: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def _right(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAB_DATABASE_URL", "postgresql+asyncpg://lab@/lab")
    monkeypatch.setenv("LAB_HTTP_PORT", "8080")


def test_a_right_configuration_is_read_and_its_secrets_do_not_show() -> None:
    settings = load(PracticeSettings)
    assert settings.env == "development"
    assert load(LabSettings).http_host == "127.0.0.1"
    assert KEY not in repr(settings)
    assert "made-up" not in str(settings.model_dump())


@pytest.mark.parametrize("secret", ["PRACTICE_VAULT_KEYS", "PRACTICE_TOKEN_SECRET"])
def test_a_secret_has_no_default(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(secret)
    with pytest.raises(Misconfigured, match=f"^{secret} is not set$"):
        load(PracticeSettings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PRACTICE_ENV", CANARY, "'development' or 'production'"),
        ("PRACTICE_TOKEN_SECRET", CANARY, "at least 32 characters"),
        ("PRACTICE_VAULT_KEYS", f"k1:{CANARY}", "each key 32 bytes"),
        ("PRACTICE_VAULT_KEYS", f"k1:{KEY},k1:{KEY}", "each id once"),
        ("PRACTICE_WORK_LEASE_S", CANARY, "valid number"),
        ("LAB_DATABASE_URL", f"postgresql://{CANARY}@/lab", r"postgresql\+asyncpg://"),
        ("LAB_HTTP_PORT", "70000", "less than or equal to 65535"),
        ("LAB_ROOMS", f"[{CANARY}", "JSON"),
    ],
)
def test_what_is_wrong_is_named_and_its_value_is_not(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    kind = LabSettings if name.startswith("LAB_") else PracticeSettings
    with pytest.raises(Misconfigured, match=says) as raised:
        load(kind)
    line = str(raised.value)
    assert name in line
    assert CANARY not in line
    assert "\n" not in line


@pytest.mark.parametrize("kind", [PracticeSettings, LabSettings])
def test_even_the_library_s_own_words_do_not_quote_a_value(
    kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRACTICE_ENV", CANARY)
    monkeypatch.setenv("LAB_HTTP_PORT", CANARY)
    with pytest.raises(ValidationError) as raised:
        kind()
    assert CANARY not in str(raised.value)


def test_production_does_not_live_by_a_run_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRACTICE_ENV", "production")
    monkeypatch.setenv("PRACTICE_CLOCK_FILE", "run.clock")
    with pytest.raises(Misconfigured, match="PRACTICE_CLOCK_FILE"):
        load(PracticeSettings)


def test_a_start_that_is_misconfigured_ends_with_one_line_and_exit_code_78() -> None:
    code = "from shared.settings import *; or_exit(lambda: load(PracticeSettings))"
    ended = subprocess.run(  # noqa: S603  # our own interpreter and a constant
        [sys.executable, "-c", code],
        env=RIGHT | {"PRACTICE_TOKEN_SECRET": CANARY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == EX_CONFIG
    assert ended.stderr == "PRACTICE_TOKEN_SECRET: must have at least 32 characters\n"


def test_what_starts_is_handed_on() -> None:
    assert or_exit(lambda: 7) == 7


def test_the_first_vault_key_comes_first() -> None:
    assert list(parse_vault_keys(f"new:{KEY}, old:{KEY}")) == ["new", "old"]
