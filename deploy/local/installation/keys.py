"""The made-up secrets of one installation. They open nothing but the processes of that run."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from deploy.local.installation.errors import Trouble

ONLY_OWNER = 0o600


def _word(prefix: str = "") -> str:
    return prefix + secrets.token_hex(24)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Keys:
    """Every secret that two of the processes share."""

    token_secret: str = field(default_factory=_word, repr=False)
    vault_keys: str = field(default_factory=lambda: f"k1:{_key()}", repr=False)
    database_secret: str = field(default_factory=_word, repr=False)
    stripe_key: str = field(default_factory=lambda: _word("sk_test_"), repr=False)
    stripe_publishable_key: str = field(default_factory=lambda: _word("pk_test_"), repr=False)
    stripe_webhook_secret: str = field(default_factory=lambda: _word("whsec_"), repr=False)
    pharmacy_key: str = field(default_factory=_word, repr=False)
    pharmacy_webhook_secret: str = field(default_factory=_word, repr=False)
    signing_key: str = field(default_factory=_word, repr=False)
    signing_webhook_secret: str = field(default_factory=_word, repr=False)
    signing_knowledge: str = field(default_factory=_word, repr=False)
    signing_token_code: str = field(
        default_factory=lambda: f"{secrets.randbelow(10**6):06d}", repr=False
    )
    sms_account_sid: str = field(default_factory=lambda: f"AC{secrets.token_hex(16)}")
    sms_auth_token: str = field(default_factory=_word, repr=False)

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """The keys of an earlier run, or new ones: what is sealed must open after a restart."""
        if path.exists():
            try:
                return cls(**json.loads(path.read_text()))
            except (ValueError, TypeError):
                raise Trouble(
                    f"{path} is not a file of keys of this version. `practice up --fresh` begins "
                    "again with new keys and an empty database."
                ) from None
        keys = cls()
        write_private(path, json.dumps(asdict(keys), indent=2))
        return keys


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER), "w") as file:
        file.write(text)
    draft.replace(path)
