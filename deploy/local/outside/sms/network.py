"""The texts the network holds, both ways, and who has opted out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from deploy.local.outside.agenda import Agenda
from deploy.local.outside.faults import System
from deploy.local.outside.webhooks import Notice, Post

STOP_WORDS = frozenset(
    {"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"}
)
START_WORDS = frozenset({"start", "yes", "unstop"})
HELP_WORDS = frozenset({"help", "info"})

_SENT_AFTER = timedelta(seconds=1)
_DELIVERED_AFTER = timedelta(seconds=3)
_SEGMENT = 160
_LONG_SEGMENT = 153
_API_VERSION = "2010-04-01"

_FATES = {
    "+12025550190": (30006, "Landline or unreachable carrier"),
    "+12025550191": (30003, "Unreachable destination handset"),
    "+12025550192": (30005, "Unknown destination handset"),
    "+12025550193": (30007, "Message filtered"),
}

_CONFIRMATIONS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages "
    "from this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP "
    "for help. Reply STOP to unsubscribe.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class Direction(StrEnum):
    OUTBOUND = "outbound-api"
    REPLY = "outbound-reply"
    INBOUND = "inbound"


@dataclass(slots=True)
class Text:
    """One message."""

    sid: str
    account_sid: str
    direction: Direction
    sender: str
    to: str
    body: str
    status: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    error_code: int | None = None
    error_message: str | None = None
    messaging_service_sid: str | None = None
    status_url: str | None = None

    @property
    def segments(self) -> int:
        length = len(self.body)
        return 1 if length <= _SEGMENT else -(-length // _LONG_SEGMENT)

    def shown(self) -> dict[str, Any]:
        """As the API shows it."""
        uri = f"/{_API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": _API_VERSION,
            "body": self.body,
            "date_created": format_datetime(self.created_at),
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.updated_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "from": self.sender,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": "0",
            "num_segments": str(self.segments),
            "price": None,
            "price_unit": "USD",
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "tags": None,
            "to": self.to,
            "uri": f"{uri}.json",
        }


class TextNetwork:
    """Every text, oldest first."""

    def __init__(
        self,
        agenda: Agenda,
        post: Post,
        *,
        account_sid: str,
        inbound_url: str | None,
        status_url: str | None,
    ) -> None:
        self._agenda = agenda
        self._post = post
        self._account_sid = account_sid
        self.inbound_url = inbound_url
        self.status_url = status_url
        self.texts: dict[str, Text] = {}
        self._stopped: set[tuple[str, str]] = set()

    def clear(self) -> None:
        self.texts.clear()
        self._stopped.clear()

    def shown(self) -> dict[str, Any]:
        return {
            "messages": [
                text.shown() | {"created_at": text.created_at.isoformat()}
                for text in self.texts.values()
            ],
            "opted_out": sorted([to, sender] for sender, to in self._stopped),
        }

    def has_stopped(self, *, sender: str, to: str) -> bool:
        return (sender, to) in self._stopped

    def take(
        self,
        *,
        sender: str,
        to: str,
        body: str,
        messaging_service_sid: str | None,
        status_url: str | None,
    ) -> Text:
        """A text to a patient: always a new one."""
        text = self._record(
            Direction.OUTBOUND,
            sender=sender,
            to=to,
            body=body,
            status="queued",
            messaging_service_sid=messaging_service_sid,
        )
        text.status_url = status_url or self.status_url
        self._travel(text)
        return text

    def receive(self, *, sender: str, to: str, body: str) -> Text:
        """A patient's text to the clinic's number, told to the practice."""
        text = self._record(Direction.INBOUND, sender=sender, to=to, body=body, status="received")
        text.sent_at = text.created_at
        word = body.strip().lower()
        asked = (
            "STOP"
            if word in STOP_WORDS
            else "START"
            if word in START_WORDS
            else "HELP"
            if word in HELP_WORDS
            else None
        )
        if asked == "STOP":
            self._stopped.add((to, sender))
        elif asked == "START":
            self._stopped.discard((to, sender))
        form = {
            "AccountSid": text.account_sid,
            "ApiVersion": _API_VERSION,
            "Body": body,
            "From": sender,
            "FromCountry": "US",
            "MessageSid": text.sid,
            "NumMedia": "0",
            "NumSegments": str(text.segments),
            "SmsMessageSid": text.sid,
            "SmsSid": text.sid,
            "SmsStatus": "received",
            "To": to,
            "ToCountry": "US",
        }
        if asked is not None:
            form["OptOutType"] = asked
        self._tell(text, "inbound", self.inbound_url, form)
        if asked is not None:
            self._confirm(asked, sender=to, to=sender)
        return text

    def _confirm(self, asked: str, *, sender: str, to: str) -> None:
        text = self._record(
            Direction.REPLY, sender=sender, to=to, body=_CONFIRMATIONS[asked], status="queued"
        )
        self._travel(text)

    def _record(
        self,
        direction: Direction,
        *,
        sender: str,
        to: str,
        body: str,
        status: str,
        messaging_service_sid: str | None = None,
    ) -> Text:
        now = self._agenda.clock.now()
        text = Text(
            sid=f"SM{secrets.token_hex(16)}",
            account_sid=self._account_sid,
            direction=direction,
            sender=sender,
            to=to,
            body=body,
            status=status,
            created_at=now,
            updated_at=now,
            messaging_service_sid=messaging_service_sid,
        )
        self.texts[text.sid] = text
        return text

    def _travel(self, text: Text) -> None:
        """Queued now, sent a second later, then delivered or not."""
        self._report(text)

        def sent(at: datetime) -> None:
            text.sent_at = at
            self._progress(text, "sent", at)

        def arrived(at: datetime) -> None:
            fate = _FATES.get(text.to)
            if fate is not None:
                text.error_code, text.error_message = fate
            self._progress(text, "undelivered" if fate else "delivered", at)

        start = text.created_at
        self._agenda.at(start + _SENT_AFTER, sent)
        self._agenda.at(start + _DELIVERED_AFTER, arrived)

    def _progress(self, text: Text, status: str, at: datetime) -> None:
        text.status, text.updated_at = status, at
        self._report(text)

    def _report(self, text: Text) -> None:
        if text.direction is not Direction.OUTBOUND:
            return
        form = {
            "AccountSid": text.account_sid,
            "ApiVersion": _API_VERSION,
            "From": text.sender,
            "MessageSid": text.sid,
            "MessageStatus": text.status,
            "SmsSid": text.sid,
            "SmsStatus": text.status,
            "To": text.to,
        }
        if text.error_code is not None:
            form["ErrorCode"] = str(text.error_code)
        self._tell(text, text.status, text.status_url, form)

    def _tell(self, text: Text, kind: str, url: str | None, form: Mapping[str, str]) -> None:
        self._post.send(
            Notice(
                notice_id=f"{text.sid}:{kind}",
                system=System.SMS,
                kind=kind,
                subject=text.sid,
                url=url,
                content_type="application/x-www-form-urlencoded; charset=UTF-8",
                body=urlencode(form).encode(),
            )
        )
