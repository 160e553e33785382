"""Stripe's idempotency, as its documentation has it.

The first answer of a call that began to execute is kept under its key for 24 hours of practice
time and given again, a 402 and a 500 included. Refused parameters and conflicts are not kept.
The same key with other parameters is an error; the same key while the first call still runs is
a conflict.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.local.outside.edge import read_all
from shared.clock import Clock

_KEPT_FOR = timedelta(hours=24)
_LONGEST_KEY = 255
_NOT_KEPT = frozenset({400, 401, 403, 404, 409, 429})


@dataclass(frozen=True, slots=True)
class Call:
    """The request being served, for the events it gives rise to."""

    request_id: str
    idempotency_key: str | None


CALL: ContextVar[Call | None] = ContextVar("stripe_call", default=None)


@dataclass(slots=True)
class Kept:
    """What a key stands for."""

    fingerprint: str
    at: datetime
    request_id: str
    answer: list[Message] = field(default_factory=list)
    replays: int = 0


class Keys:
    """Every key in use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def find(self, key: str) -> Kept | None:
        kept = self._kept.get(key)
        if kept is not None and kept.answer and self._clock.now() - kept.at >= _KEPT_FOR:
            del self._kept[key]
            return None
        return kept

    def begin(self, key: str, fingerprint: str, request_id: str) -> Kept:
        kept = Kept(fingerprint, self._clock.now(), request_id)
        self._kept[key] = kept
        return kept

    def forget(self, key: str) -> None:
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [
            {"key": key, "status": _status(kept.answer), "replays": kept.replays}
            for key, kept in self._kept.items()
        ]


def _status(answer: list[Message]) -> int | None:
    return answer[0]["status"] if answer else None


class Idempotent:
    """ASGI layer around Stripe's part of the world."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/stripe/"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        key = headers.get(b"idempotency-key")
        call = Call(f"req_{secrets.token_hex(7)}", key)
        reply = _Reply(send, call)
        token = CALL.set(call)
        try:
            if scope["method"] != "POST" or key is None:
                await self.app(scope, receive, reply)
            else:
                await self._once(key, call, scope, receive, reply)
        finally:
            CALL.reset(token)

    async def _once(
        self, key: str, call: Call, scope: Scope, receive: Receive, send: _Reply
    ) -> None:
        body = await read_all(receive)
        fingerprint = _fingerprint(scope, body)
        kept = self.keys.find(key)
        if len(key) > _LONGEST_KEY:
            await send.problem(400, f"Idempotency keys have at most {_LONGEST_KEY} characters.")
        elif kept is None:
            await self._execute(key, fingerprint, call, scope, _replayed(body, receive), send)
        elif kept.fingerprint != fingerprint:
            await send.problem(
                400,
                "Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request.",
            )
        elif not kept.answer:
            await send.problem(
                409,
                "There is currently another in-progress request using this idempotency key. "
                "Try again later.",
                kind="invalid_request_error",
                code="idempotency_key_in_use",
            )
        else:
            kept.replays += 1
            send.original = kept.request_id
            for message in kept.answer:
                await send(message)

    async def _execute(
        self, key: str, fingerprint: str, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        kept = self.keys.begin(key, fingerprint, call.request_id)
        answer: list[Message] = []

        async def collect(message: Message) -> None:
            answer.append(message)

        try:
            await self.app(scope, receive, collect)
        except BaseException:
            self.keys.forget(key)
            raise
        if _status(answer) in _NOT_KEPT:
            self.keys.forget(key)
        else:
            kept.answer = answer
        for message in answer:
            await send(message)


def _fingerprint(scope: Scope, body: bytes) -> str:
    """Of what is asked. The words that part a form with a file are drawn anew for each request."""
    content_type: bytes = dict(scope["headers"]).get(b"content-type", b"")
    _, _, boundary = content_type.partition(b"boundary=")
    if boundary:
        body = body.replace(boundary, b"")
    return hashlib.sha256(scope["path"].encode() + b"\n" + body).hexdigest()


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read again by the layer below."""
    unread = True

    async def again() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


class _Reply:
    """Sends an answer with Stripe's own headers on it."""

    def __init__(self, send: Send, call: Call) -> None:
        self._send = send
        self._call = call
        self.original: str | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {"request-id": self._call.request_id}
            if self._call.idempotency_key is not None:
                ours["idempotency-key"] = self._call.idempotency_key
            if self.original is not None:
                ours |= {"idempotent-replayed": "true", "original-request": self.original}
            encoded = [(name.encode(), value.encode("latin-1")) for name, value in ours.items()]
            message = {**message, "headers": [*message["headers"], *encoded]}
        await self._send(message)

    async def problem(
        self, status: int, message: str, *, kind: str = "idempotency_error", **more: str
    ) -> None:
        body = json.dumps({"error": {"type": kind, "message": message, **more}})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body.encode()})
