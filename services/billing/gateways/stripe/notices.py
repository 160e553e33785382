"""Stripe's webhooks: verified on the raw bytes, and read no further than who it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import stripe
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.clock import real_now
from shared.http.webhooks import Notice, Read

TOLERANCE = timedelta(seconds=300)
"""Stripe's own for the past. The client lets any time in the future pass; we do not."""

_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,255}$")]


class _Object(BaseModel):
    id: _Word


class _Data(BaseModel):
    object: _Object


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: _Word
    type: _Word
    data: _Data


def reader(secrets: Sequence[str]) -> Read:
    """Reads what one of `secrets` signed, within the tolerance on both sides of now."""

    def read(raw: bytes, headers: Mapping[str, str]) -> Notice | None:
        header = headers.get("stripe-signature", "")
        if not any(_is_signed(raw, header, secret) for secret in secrets):
            return None
        if _signed_at(header) - real_now() > TOLERANCE:
            return None
        try:
            event = _Event.model_validate_json(raw)
        except ValidationError:
            return None
        return Notice(event.id, event.type, event.data.object.id)

    return read


def _is_signed(raw: bytes, header: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(
            raw, header, secret, tolerance=int(TOLERANCE.total_seconds())
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _signed_at(header: str) -> datetime:
    """The time in a header that verified, so it is there."""
    [at, *_] = [part[2:] for part in header.split(",") if part.startswith("t=")]
    return datetime.fromtimestamp(int(at), real_now().tzinfo)
