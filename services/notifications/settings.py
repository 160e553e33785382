"""Settings of notifications, under `NOTIFICATIONS_`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, HttpUrl, SecretStr, StringConstraints, field_validator
from pydantic_settings import SettingsConfigDict

from services.notifications.words import fits_gsm7
from shared.claims import E164, Email
from shared.settings import ServiceSettings


class NotificationsSettings(ServiceSettings):
    """The clinic's name stands in every text: choose one that names no drug and no illness."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATIONS_", hide_input_in_errors=True)

    scheduling_url: HttpUrl
    billing_url: HttpUrl
    sms_account_sid: Annotated[str, StringConstraints(pattern=r"^AC[0-9a-f]{32}$")]
    sms_auth_token: SecretStr
    sms_api_base: HttpUrl | None = None
    sms_from: E164
    smtp_host: str
    smtp_port: Annotated[int, Field(ge=1, le=65535)]
    smtp_from: Email
    smtp_security: Literal["starttls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    clinic_name: Annotated[str, Field(min_length=1, max_length=32)]
    clinic_phone: E164

    @field_validator("clinic_name")
    @classmethod
    def _can_be_texted(cls, name: str) -> str:
        if not fits_gsm7(name) or "\n" in name:
            raise ValueError("must be one line of characters that a text message has (GSM-7)")
        return name
