"""A wrong configuration stops the start, and says in one line which setting it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.postgres import Database
from services.notifications.app import build
from shared.errors import Misconfigured
from tests.notifications.process import environment
from tests.support.outside_world import OutsideWorld
from tests.support.topics import Topics


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment of a process that starts."""
    world = OutsideWorld(clock_file=tmp_path / "clock")
    database = Database("made_up", "postgresql+asyncpg://made_up@/made_up")
    topics = Topics("t.", "127.0.0.1:9")
    named = environment(database, topics, world, "http://127.0.0.1:9")
    for name, value in (named | {"NOTIFICATIONS_HTTP_PORT": "8080"}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_is_right_builds(given: pytest.MonkeyPatch):
    assert build().handlers.service == "notifications"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTIFICATIONS_SMS_FROM", "2025550100"),
        ("NOTIFICATIONS_SMS_ACCOUNT_SID", "AC1"),
        ("NOTIFICATIONS_SMTP_FROM", "nobody"),
        ("NOTIFICATIONS_SMTP_SECURITY", "maybe"),
        ("NOTIFICATIONS_SCHEDULING_URL", "scheduling"),
        ("NOTIFICATIONS_CLINIC_NAME", "Elm “Clinic”"),
        ("NOTIFICATIONS_CLINIC_NAME", "E" * 33),
        ("NOTIFICATIONS_CLINIC_PHONE", "555"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    given: pytest.MonkeyPatch, name: str, value: str
):
    given.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"^{name}: ") as wrong:
        build()
    assert value not in str(wrong.value)


@pytest.mark.parametrize(
    "name", ["NOTIFICATIONS_SMS_AUTH_TOKEN", "NOTIFICATIONS_SMS_FROM", "NOTIFICATIONS_SMTP_HOST"]
)
def test_a_missing_setting_is_named(given: pytest.MonkeyPatch, name: str):
    given.delenv(name)
    with pytest.raises(Misconfigured, match=f"^{name} is not set$"):
        build()


def test_production_sends_no_mail_in_the_clear(given: pytest.MonkeyPatch):
    given.setenv("PRACTICE_ENV", "production")
    given.delenv("PRACTICE_CLOCK_FILE")
    with pytest.raises(Misconfigured, match="NOTIFICATIONS_SMTP_SECURITY"):
        build()
    given.setenv("NOTIFICATIONS_SMTP_SECURITY", "starttls")
    build()


def test_a_user_without_a_password_is_half_a_configuration(given: pytest.MonkeyPatch):
    given.setenv("NOTIFICATIONS_SMTP_USER", "clinic")
    with pytest.raises(Misconfigured, match="both or none"):
        build()
