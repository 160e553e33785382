"""What was asked of Stripe's API and granted: the last calls, word for word.

They are kept so that a test can put them to Stripe's official mock, and hold the answers against
Stripe's own description of its objects.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT = 1000
_API = "/stripe/v1/"


@dataclass(frozen=True, slots=True)
class Granted:
    """One call that was answered with 200."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes
    answer: bytes

    def shown(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "content_type": self.content_type,
            "body": base64.b64encode(self.body).decode(),
            "answer": json.loads(self.answer),
        }


class Conversation:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._granted: deque[Granted] = deque(maxlen=_KEPT)

    def add(self, granted: Granted) -> None:
        self._granted.append(granted)

    def clear(self) -> None:
        self._granted.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [granted.shown() for granted in self._granted]


class Overheard:
    """The innermost ASGI layer: it hears what Stripe really answered, whoever may lose it later."""

    def __init__(self, app: ASGIApp, conversation: Conversation) -> None:
        self.app = app
        self.conversation = conversation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self.app(scope, receive, send)
            return
        asked, answered, status = bytearray(), bytearray(), 0

        async def hear() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def speak(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, hear, speak)
        if status == 200:  # noqa: PLR2004  # HTTP OK, with which Stripe grants everything
            headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
            self.conversation.add(
                Granted(
                    scope["method"],
                    scope["path"].removeprefix("/stripe"),
                    scope["query_string"].decode(),
                    headers.get(b"content-type", ""),
                    bytes(asked),
                    bytes(answered),
                )
            )
