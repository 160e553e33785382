"""Mail, through an SMTP relay. It tells nobody what it took: a repeat has the same Message-ID."""

from __future__ import annotations

from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

import aiosmtplib

from services.notifications.gateways.answers import NotTaken, Taken
from services.notifications.rules import NotSent
from services.notifications.words import Clinic, Words, as_mail
from shared.errors import KeyRefused, Retry

TIME_LIMIT_S = 4.0
"""To connect, and again for every answer of the relay."""

PERMANENT = 500  # RFC 5321 §4.2.1: a 5yz reply means do not repeat, a 4yz one try later


class Mail(Protocol):
    async def send(
        self, message_id: UUID, to: str, words: Words, *, written_at: datetime
    ) -> Taken | NotTaken: ...


class SmtpMail:
    """`Mail` through a relay, one connection per mail."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        clinic: Clinic,
        starttls: bool,
        user: str | None = None,
        password: str | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._clinic = clinic
        self._host = host
        self._port = port
        self._starttls = starttls
        self._user = user
        self._password = password
        self._time_limit_s = time_limit_s

    async def send(
        self, message_id: UUID, to: str, words: Words, *, written_at: datetime
    ) -> Taken | NotTaken:
        ref = f"<{message_id}@{self._domain}>"
        try:
            mail = self._written(ref, to, words, written_at)
        except (ValueError, IndexError, HeaderParseError):
            return NotTaken(NotSent.ADDRESS_INVALID)
        try:
            await aiosmtplib.send(
                mail,
                hostname=self._host,
                port=self._port,
                local_hostname=self._domain,
                start_tls=self._starttls,
                username=self._user,
                password=self._password,
                timeout=self._time_limit_s,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            return NotTaken(mail_refusal_of(error))
        return Taken(ref)

    def _written(self, ref: str, to: str, words: Words, written_at: datetime) -> EmailMessage:
        """The mail, the same to the byte at every try. Raises where the address is none."""
        mail = EmailMessage()
        mail["From"] = Address(self._clinic.name, addr_spec=self._sender)
        mail["To"] = Address(addr_spec=to)
        mail["Subject"] = words.subject
        mail["Date"] = written_at
        mail["Message-ID"] = ref
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail.set_content(as_mail(words, self._clinic))
        return mail


def mail_refusal_of(error: Exception) -> NotSent:
    """What a failure means for this message; raises what it means for the work."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
            if refused.code >= PERMANENT:
                return NotSent.ADDRESS_REFUSED
            raise Retry(f"mail_{refused.code}") from None
        case aiosmtplib.SMTPDataError(code=code) if code >= PERMANENT:
            return NotSent.MAIL_REFUSED
        case aiosmtplib.SMTPAuthenticationError():
            raise KeyRefused(
                "mail_refuses_password",
                vendor="The mail server",
                setting="NOTIFICATIONS_SMTP_PASSWORD",
            ) from None
        case aiosmtplib.SMTPResponseException(code=code):
            raise Retry(f"mail_{code}") from None
        case _:
            raise Retry("mail_unreachable") from None
