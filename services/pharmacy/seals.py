"""Seals of the two vendors' notices: HMAC-SHA256 over `time.body`, as `t=…,v1=…`.

Checked on the raw bytes, in constant time, before anything is parsed. A seal that is too old is
somebody's recording; one from the future would stay valid too long. While a secret is rotated,
several are valid; and a sender may seal with several, each in its own `v1`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from shared.claims import PRINTABLE
from shared.clock import real_now
from shared.http.webhooks import Notice, Read

TOLERANCE = timedelta(minutes=5)
"""Either way, in real time: what Stripe and pharmacy routers allow for the network and clocks."""

_DIGITS_MAX = 12


_Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=PRINTABLE)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    reference: _Word


class _CloudEvent(BaseModel):
    """A structured CloudEvent 1.0. `data` is only asked what it is about."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: _Word
    type: _Word
    data: _Data


def sealed_notices(
    header: str, secrets: Sequence[str], now: Callable[[], datetime] = real_now
) -> Read:
    """Reads notices whose seal holds; of any other the reader answers `None`."""

    def read(raw: bytes, headers: Mapping[str, str]) -> Notice | None:
        if not holds(raw, headers.get(header, ""), secrets, now()):
            return None
        try:
            told = _CloudEvent.model_validate_json(raw)
        except ValidationError:
            return None
        return Notice(notice_id=told.id, kind=told.type, object_id=told.data.reference)

    return read


def holds(raw: bytes, seal: str, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the secrets made this seal over these bytes, about now."""
    parts = [part.strip().partition("=") for part in seal.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    marks = [value.encode() for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not _is_time(times[0]):
        return False
    if abs(now.timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        return False
    expected = [
        hmac.new(secret.encode(), f"{times[0]}.".encode() + raw, hashlib.sha256)
        .hexdigest()
        .encode()
        for secret in secrets
    ]
    matches = [hmac.compare_digest(mark, right) for mark in marks for right in expected]
    return any(matches)


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
