"""Links by which a patient books one session: signed, expiring, for nothing else.

A link carries its own random id, its end and a signature over both; whose it is stands in its row.
Whoever holds a link is taken for its patient, as with a ticket, so it books one session and shows
nothing of the patient.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

PURPOSE = b"practice booking link 1"
SIGNATURE_BYTES = 16
_LAYOUT = struct.Struct(f">16sI{SIGNATURE_BYTES}s")


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a link says, once its signature is known to be ours."""

    link_id: UUID
    expires_at: datetime


class BookingLinks:
    """Signs the links of one installation and reads them back.

    The key is made of the house's secret for this purpose alone, so that nothing else that the
    secret signs is a link, and a link is nothing else.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), PURPOSE, "sha256")

    def token(self, link: SignedLink) -> str:
        """The link's part of an address. `expires_at` counts in whole seconds."""
        said = struct.pack(">16sI", link.link_id.bytes, int(link.expires_at.timestamp()))
        signed = said + hmac.digest(self._key, said, "sha256")[:SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(signed).decode()

    def read(self, token: str) -> SignedLink | None:
        """What a token of ours says; `None` for any other text."""
        try:
            signed = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
            id_, expires, _ = _LAYOUT.unpack(signed)
            link = SignedLink(UUID(bytes=id_), datetime.fromtimestamp(expires, UTC))
        except (binascii.Error, struct.error, UnicodeEncodeError):
            return None
        return link if hmac.compare_digest(self.token(link), token) else None
