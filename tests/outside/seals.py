"""Signatures of the pharmacy's and the signing vendor's notices, checked independently."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from tests.outside.conftest import Heard


def opened(heard: Heard, header: str, secret: str) -> tuple[dict[str, Any], int]:
    """A notice whose signature holds, and the unix time in its seal."""
    parts = dict(part.split("=", 1) for part in heard.headers[header].split(","))
    signed = f"{parts['t']}.".encode() + heard.body
    assert hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == parts["v1"]
    return json.loads(heard.body), int(parts["t"])
