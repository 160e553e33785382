"""Faults on requests, as two layers of ASGI around the systems.

The outer layer stands for the network: what it loses, the system has already done. The inner one
stands for the system itself and lies below Stripe's idempotency, so that a slow request holds its
key and a 500 after the work is kept and replayed, as Stripe does.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from deploy.local.outside.faults import ON_REQUESTS, FaultKind, FaultOrder, Faults, System
from deploy.local.outside.webhooks import Post

_BELOW = "outside.fault"
_TRANSPORTS: dict[Any, asyncio.Transport] = {}
"""Open connections by the caller's address and port."""
_HTTP_SYSTEMS = (System.STRIPE, System.PHARMACY, System.SIGNING, System.SMS)


class SeverableProtocol(H11Protocol):
    """HTTP/1.1 whose connection a request may cut, as a broken network would."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _TRANSPORTS[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _TRANSPORTS.pop(self.client, None)
        super().connection_lost(exc)


async def sever(scope: Scope, receive: Receive) -> None:
    """Cut the caller's connection without a word."""
    transport = _TRANSPORTS.get(tuple(scope["client"]))
    if transport is not None:
        transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _swallow(_message: Message) -> None:
    """What the caller will never read."""


def called(scope: Scope) -> tuple[System, str] | None:
    """Which system a request is for, and `METHOD /path` below its prefix."""
    path: str = scope["path"]
    for system in _HTTP_SYSTEMS:
        prefix = f"/{system}/"
        if path.startswith(prefix):
            return system, f"{scope['method']} /{path.removeprefix(prefix)}"
    return None


_MESSAGES: dict[System, dict[str, Any]] = {
    System.STRIPE: {"error": {"type": "api_error", "message": "An unknown error occurred."}},
    System.SMS: {"code": 20500, "message": "Internal Server Error"},
}
_STRIPES_OWN: dict[int, dict[str, Any]] = {
    409: {
        "error": {
            "type": "invalid_request_error",
            "code": "lock_timeout",
            "message": "This object cannot be accessed right now because another API request or "
            "Stripe process is currently accessing it.",
        }
    },
    429: {
        "error": {
            "type": "invalid_request_error",
            "code": "rate_limit",
            "message": "Request rate limit exceeded.",
        }
    },
}


def _message(system: System, status: int) -> dict[str, Any]:
    if system is System.STRIPE and status in _STRIPES_OWN:
        return _STRIPES_OWN[status]
    return _MESSAGES.get(system, {"error": "the service is in trouble"})


async def _answer(send: Send, system: System, status: int) -> None:
    body = json.dumps(_message(system, status)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class FaultyNetwork:
    """The outer layer: deals out one fault per request and carries out the network's part."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = called(scope) if scope["type"] == "http" else None
        if target is None:
            await self.app(scope, receive, send)
            return
        system, route = target
        thaw = self.faults.frozen(system)
        if thaw is not None:
            await _stand_still(thaw, scope, receive)
            return
        fault = self.faults.befalling(system, route, ON_REQUESTS)
        match fault.kind if fault else None:
            case FaultKind.STATUS_BEFORE:
                assert fault is not None
                await read_all(receive)
                await _answer(send, system, fault.status or 503)
            case FaultKind.LOST_ANSWER:
                await self.app(scope, receive, _swallow)
                await sever(scope, receive)
            case FaultKind.HANG:
                assert fault is not None
                await self._hang(fault, scope, receive)
            case _:
                scope[_BELOW] = fault
                await self.app(scope, receive, send)

    async def _hang(self, fault: FaultOrder, scope: Scope, receive: Receive) -> None:
        if fault.works:
            await self.app(scope, receive, _swallow)
        try:
            async with asyncio.timeout(fault.lasts_s):
                await _gone(receive)
        except TimeoutError:
            await sever(scope, receive)


async def _stand_still(thaw: asyncio.Event, scope: Scope, receive: Receive) -> None:
    """Answer nothing until the caller has gone, or cut them off at the thaw."""
    waits = {asyncio.create_task(thaw.wait()), asyncio.create_task(_gone(receive))}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if thaw.is_set():
        await sever(scope, receive)


class FaultySystem:
    """The inner layer: what goes wrong inside the system itself."""

    def __init__(self, app: ASGIApp, post: Post) -> None:
        self.app = app
        self.post = post

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault: FaultOrder | None = scope.get(_BELOW)
        target = called(scope) if fault else None
        if fault is None or target is None:
            await self.app(scope, receive, send)
        elif fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.ms / 1000)
            await self.app(scope, receive, send)
        elif fault.kind is FaultKind.NOTICES_FIRST:
            answer: list[Message] = []
            await self.app(scope, receive, _into(answer))
            await self.post.until_tried()
            for message in answer:
                await send(message)
        else:
            await self.app(scope, receive, _swallow)
            await _answer(send, target[0], fault.status or 500)


def _into(answer: list[Message]) -> Send:
    async def collect(message: Message) -> None:
        answer.append(message)

    return collect


async def read_all(receive: Receive) -> bytes:
    """A request's whole body."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
