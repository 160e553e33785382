"""Settings of billing, under `BILLING_`."""

from __future__ import annotations

from typing import Annotated

from pydantic import HttpUrl, SecretStr, StringConstraints, field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="BILLING_", hide_input_in_errors=True)

    scheduling_url: HttpUrl
    stripe_key: SecretStr
    stripe_publishable_key: Annotated[str, StringConstraints(pattern=r"^pk_")]
    stripe_webhook_secret: SecretStr
    stripe_api_base: HttpUrl | None = None
    pay_link_return_url: HttpUrl

    @field_validator("stripe_key")
    @classmethod
    def _is_no_publishable_key(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().startswith(("sk_", "rk_")):
            raise ValueError("must be a secret or restricted key: sk_… or rk_…")
        return key

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _holds_a_secret(cls, secrets: SecretStr) -> SecretStr:
        parse_secrets(secrets.get_secret_value())
        return secrets

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing secrets that are accepted: two while one is being rotated out."""
        return parse_secrets(self.stripe_webhook_secret.get_secret_value())


def parse_secrets(text: str) -> tuple[str, ...]:
    """`whsec_…,whsec_…` to its parts. Raises `ValueError` that says what is expected."""
    secrets = tuple(part.strip() for part in text.split(","))
    if not all(secret.startswith("whsec_") for secret in secrets):
        raise ValueError("must be whsec_…, or several of them separated by commas")
    return secrets
