"""A mail server that keeps every delivery and delivers none."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.outside.faults import ON_REQUESTS, FaultKind, Faults, System
from shared.clock import Clock

_LARGEST = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One delivery: who handed it over for whom, and the message itself."""

    mail_id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def text(self) -> str:
        part = self.message().get_body(("plain", "html"))
        return str(part.get_content()) if part is not None else ""

    def attachments(self) -> list[Attachment]:
        return [
            Attachment(
                part.get_filename() or "unnamed",
                part.get_content_type(),
                _content(part),
            )
            for part in self.message().iter_attachments()
        ]

    def shown(self) -> dict[str, Any]:
        message = self.message()
        return {
            "mail_id": self.mail_id,
            "received_at": self.received_at.isoformat(),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "subject": str(message["subject"] or ""),
            "headers": [[name, str(value)] for name, value in message.items()],
            "text": self.text(),
            "attachments": [
                {
                    "name": attachment.name,
                    "content_type": attachment.content_type,
                    "size": len(attachment.content),
                }
                for attachment in self.attachments()
            ],
        }


def _content(part: Any) -> bytes:
    content = part.get_content()
    return content if isinstance(content, bytes) else str(content).encode()


class Mailroom:
    """Every mail, oldest first; and the SMTP side that takes them in."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self.mails: dict[str, Mail] = {}

    def clear(self) -> None:
        self.mails.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [mail.shown() for mail in self.mails.values()]

    def protocol(self) -> SMTP:
        """One connection's protocol, for `loop.create_server`."""
        return SMTP(
            self, hostname="outside.example", data_size_limit=_LARGEST, enable_SMTPUTF8=True
        )

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, unless a fault has it otherwise."""
        fault = self._faults.befalling(System.SMTP, "DATA", ON_REQUESTS)
        kind = fault.kind if fault else None
        if fault is not None and kind is FaultKind.STATUS_BEFORE:
            return f"{fault.status or 451} simulated trouble, try again later"
        if fault is not None and kind is FaultKind.SLOW:
            await asyncio.sleep(fault.ms / 1000)
        if fault is None or kind is not FaultKind.HANG or fault.works:
            self._keep(envelope)
        if fault is not None and kind is FaultKind.HANG:
            await asyncio.sleep(fault.lasts_s)
        if kind in {FaultKind.LOST_ANSWER, FaultKind.HANG}:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if fault is not None and kind is FaultKind.STATUS_AFTER:
            return f"{fault.status or 451} simulated trouble after taking the mail"
        return "250 OK"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content or "").encode()
        mail = Mail(
            mail_id=f"mail_{secrets.token_hex(8)}",
            received_at=self._clock.now(),
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            raw=raw,
        )
        self.mails[mail.mail_id] = mail
