"""Signing sessions: one prescription each, shown, then signed or declined."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from deploy.local.outside.faults import System
from deploy.local.outside.webhooks import Notice, Post
from shared.clock import Clock

_SOURCE = "urn:simulated:signing-vendor"
FACTORS = ("knowledge", "hard_token")
SHOWN = (
    "issue_date",
    "patient_name",
    "patient_address",
    "drug",
    "strength",
    "form",
    "quantity",
    "sig",
    "refills",
    "prescriber_name",
    "prescriber_address",
    "dea_number",
)
"""What 21 CFR 1306.05(a) and 1311.120(b)(9) want before the prescriber's eyes."""


class Status(StrEnum):
    OPEN = "open"
    SIGNED = "signed"
    DECLINED = "declined"


class SessionForm(BaseModel):
    """A prescription exactly as it is to be displayed and signed: flat, text and whole numbers."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    prescription: dict[str, str | int]

    @field_validator("prescription")
    @classmethod
    def _shows_what_it_must(cls, shown: dict[str, str | int]) -> dict[str, str | int]:
        wanting = [name for name in SHOWN if shown.get(name, "") == ""]
        if wanting:
            raise ValueError(f"must show {', '.join(wanting)}")
        return shown


def canonical(prescription: dict[str, str | int]) -> bytes:
    """The bytes that are signed: JSON, keys sorted, no spaces, UTF-8."""
    return json.dumps(
        prescription, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


@dataclass(slots=True)
class Session:
    """One prescription before its prescriber."""

    session_id: str
    reference: str
    prescription: dict[str, str | int]
    sha256: str
    url: str
    created_at: datetime
    status: Status = Status.OPEN
    signature_id: str | None = None
    decided_at: datetime | None = None
    wrong_tries: int = 0

    def shown(self) -> dict[str, Any]:
        signature = None
        if self.status is Status.SIGNED and self.decided_at is not None:
            signature = {
                "signature_id": self.signature_id,
                "signer_dea_number": self.prescription["dea_number"],
                "signed_at": self.decided_at.isoformat(),
                "factors": list(FACTORS),
                "sha256": self.sha256,
            }
        return {
            "session_id": self.session_id,
            "reference": self.reference,
            "status": self.status,
            "url": self.url,
            "created_at": self.created_at.isoformat(),
            "sha256": self.sha256,
            "signature": signature,
            "declined_at": self.decided_at.isoformat()
            if self.status is Status.DECLINED and self.decided_at
            else None,
        }


class Sessions:
    """Every session, oldest first."""

    def __init__(self, clock: Clock, post: Post, webhook_url: str | None, base_url: str) -> None:
        self._clock = clock
        self._post = post
        self.webhook_url = webhook_url
        self._base_url = base_url
        self.sessions: dict[str, Session] = {}

    def clear(self) -> None:
        self.sessions.clear()

    def shown(self) -> dict[str, Any]:
        return {
            "sessions": [
                session.shown()
                | {"prescription": session.prescription, "wrong_tries": session.wrong_tries}
                for session in self.sessions.values()
            ]
        }

    def signature_ids(self) -> set[str]:
        return {s.signature_id for s in self.sessions.values() if s.signature_id is not None}

    def by_reference(self, reference: str) -> Session | None:
        return next((s for s in self.sessions.values() if s.reference == reference), None)

    def open(self, form: SessionForm) -> Session:
        session_id = f"sess_{secrets.token_hex(16)}"
        session = Session(
            session_id=session_id,
            reference=form.reference,
            prescription=form.prescription,
            sha256=hashlib.sha256(canonical(form.prescription)).hexdigest(),
            url=f"{self._base_url}/signing/sessions/{session_id}",
            created_at=self._clock.now(),
        )
        self.sessions[session_id] = session
        return session

    def sign(self, session: Session) -> None:
        session.status = Status.SIGNED
        session.decided_at = self._clock.now()
        session.signature_id = f"sig_{secrets.token_hex(12)}"
        self._tell(session)

    def decline(self, session: Session) -> None:
        session.status = Status.DECLINED
        session.decided_at = self._clock.now()
        self._tell(session)

    def _tell(self, session: Session) -> None:
        assert session.decided_at is not None
        event_id = f"evt_{secrets.token_hex(12)}"
        kind = f"signing.session.{session.status}"
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": _SOURCE,
            "type": kind,
            "subject": session.session_id,
            "time": session.decided_at.isoformat(),
            "datacontenttype": "application/json",
            "data": session.shown(),
        }
        self._post.send(
            Notice(
                notice_id=event_id,
                system=System.SIGNING,
                kind=kind,
                subject=session.session_id,
                url=self.webhook_url,
                content_type="application/cloudevents+json",
                body=json.dumps(event).encode(),
            )
        )
