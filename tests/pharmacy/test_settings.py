"""What is missing or wrong stops the start, in one line that shows no secret."""

from __future__ import annotations

import pytest

from services.pharmacy.settings import PharmacySettings, several
from shared.errors import Misconfigured
from shared.settings import load

RIGHT = {
    "DATABASE_URL": "postgresql+asyncpg://x",
    "HTTP_PORT": "8003",
    "SCHEDULING_URL": "http://127.0.0.1:8001",
    "PARTNER_URL": "https://partner.example",
    "PARTNER_KEY": "made-up-key",
    "PARTNER_WEBHOOK_SECRET": "new-made-up, old-made-up",
    "SIGNING_URL": "https://signing.example",
    "SIGNING_KEY": "made-up-key",
    "SIGNING_WEBHOOK_SECRET": "made-up",
}


def _set(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None]) -> None:
    for name, value in (RIGHT | changes).items():
        if value is None:
            monkeypatch.delenv(f"PHARMACY_{name}", raising=False)
        else:
            monkeypatch.setenv(f"PHARMACY_{name}", value)


def test_several_webhook_secrets_are_valid_while_one_is_rotated(monkeypatch: pytest.MonkeyPatch):
    _set(monkeypatch, {})
    own = load(PharmacySettings)
    assert several(own.partner_webhook_secret) == ("new-made-up", "old-made-up")
    assert several(own.signing_webhook_secret) == ("made-up",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, None) for name in RIGHT),
        ("PARTNER_URL", "partner.example"),
        ("PARTNER_WEBHOOK_SECRET", "made-up,"),
        ("SIGNING_WEBHOOK_SECRET", ""),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
):
    _set(monkeypatch, {name: value})
    with pytest.raises(Misconfigured) as wrong:
        load(PharmacySettings)
    assert f"PHARMACY_{name}" in str(wrong.value)
    assert "made-up" not in str(wrong.value)
