"""Patient fields at rest: AES-256-GCM, each value bound to its table, column and row.

A sealed value copied to another row, column or table does not open. Keys have ids and rotate: the
first seals, all of them open, and `reseal` brings what an older one sealed to the newest, as
`shared.sealed` does with a whole database. A fingerprint stands for what is said, so that the same
is found again where what is kept of it is sealed. Nothing here writes a value, sealed or not, into
an error.
"""

from __future__ import annotations

import hmac
import os
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Poison
from shared.settings import parse_vault_keys

_FORMAT = b"\x01"
_NONCE_BYTES = 12


class Vault:
    """Seals and opens the values of one installation."""

    def __init__(self, keys: str) -> None:
        parsed = parse_vault_keys(keys)
        self._current = next(iter(parsed))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in parsed.items()}
        self._keys = parsed

    def seal(self, value: dict[str, Any], *, table: str, column: str, row: UUID) -> bytes:
        """Encrypt a JSON object for one place."""
        plain = orjson.dumps(value, default=_text)
        return self.seal_bytes(plain, table=table, column=column, row=row)

    def open(self, sealed: bytes, *, table: str, column: str, row: UUID) -> dict[str, Any]:
        """Decrypt a JSON object from its place; raises like `open_bytes`."""
        opened: dict[str, Any] = orjson.loads(
            self.open_bytes(sealed, table=table, column=column, row=row)
        )
        return opened

    def seal_bytes(self, plain: bytes, *, table: str, column: str, row: UUID) -> bytes:
        """Encrypt bytes for one place. Layout: format, key id, 0, nonce, ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._current
        sealed = self._ciphers[key_id].encrypt(nonce, plain, _place(table, column, row, key_id))
        return self.mark + nonce + sealed

    def open_bytes(self, sealed: bytes, *, table: str, column: str, row: UUID) -> bytes:
        """Decrypt bytes from their place.

        Raises `Poison`: `sealed_format` (not an envelope of ours), `sealed_key` (a key that is
        not configured), `sealed_value` (another place, or damaged). None carries data.
        """
        key_id = self._key_of(sealed)
        body = sealed[len(_FORMAT) + len(key_id) + 1 :]
        try:
            return self._ciphers[key_id].decrypt(
                body[:_NONCE_BYTES], body[_NONCE_BYTES:], _place(table, column, row, key_id)
            )
        except (InvalidTag, ValueError):
            raise Poison("sealed_value", f"{table}.{column} does not open in this row") from None

    def fingerprints(self, said: bytes, *, purpose: str) -> list[bytes]:
        """What stands for something said, by each key, the newest first. The first is to be kept.

        What is said is found by any of them, so also what was kept under an older key. Without the
        keys nobody tells by trying what a fingerprint stands for, and of one purpose it tells
        nothing about another.
        """
        return [
            _mark(key_id) + hmac.digest(_own_key(key, purpose), said, "sha256")
            for key_id, key in self._keys.items()
        ]

    @property
    def mark(self) -> bytes:
        """How every value begins that the newest key sealed, or made a fingerprint of."""
        return _mark(self._current)

    def reseal(self, sealed: bytes, *, table: str, column: str, row: UUID) -> bytes:
        """The same value in the same place, under the newest key."""
        plain = self.open_bytes(sealed, table=table, column=column, row=row)
        return self.seal_bytes(plain, table=table, column=column, row=row)

    def _key_of(self, sealed: bytes) -> str:
        if sealed[:1] != _FORMAT:
            raise Poison("sealed_format")
        key_id = sealed[1:].partition(b"\0")[0].decode("ascii", "replace")
        if key_id not in self._ciphers:
            raise Poison("sealed_key")
        return key_id


def _mark(key_id: str) -> bytes:
    return _FORMAT + key_id.encode() + b"\0"


def _own_key(key: bytes, purpose: str) -> bytes:
    """A key that seals is not used for anything else itself."""
    return hmac.digest(key, f"practice fingerprints: {purpose}".encode(), "sha256")


def _text(value: Any) -> str:
    """Asyncpg's UUID is a subclass of the standard one, which orjson does not take."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


def _place(table: str, column: str, row: UUID, key_id: str) -> bytes:
    return f"{table}|{column}|{row}|{key_id}".encode()
