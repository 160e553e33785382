"""Settings of pharmacy, under `PHARMACY_`.

A webhook secret may be several, separated by commas: while one is rotated, notices under the old
and the new one are both taken.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import SecretStr, StringConstraints, field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


class PharmacySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PHARMACY_", hide_input_in_errors=True)

    scheduling_url: Url
    partner_url: Url
    partner_key: SecretStr
    partner_webhook_secret: SecretStr
    signing_url: Url
    signing_key: SecretStr
    signing_webhook_secret: SecretStr

    @field_validator("partner_webhook_secret", "signing_webhook_secret")
    @classmethod
    def _none_empty(cls, secret: SecretStr) -> SecretStr:
        if not all(several(secret)):
            raise ValueError("must be secrets separated by commas, none of them empty")
        return secret


def several(secret: SecretStr) -> tuple[str, ...]:
    """The secrets that are valid at the moment."""
    return tuple(part.strip() for part in secret.get_secret_value().split(","))
