"""Notices to the practice: sealed, delivered over real HTTP, tried again, and made to go wrong.

Notices about one subject are first tried in the order in which they were made; different
subjects do not wait for one another. A refused notice is tried again on real time, backing off,
for five minutes. Signatures carry real time, because a verifier's tolerance is about the network.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from urllib.parse import parse_qsl

import httpx

from deploy.local.outside.agenda import Agenda
from deploy.local.outside.faults import ON_NOTICES, FaultKind, FaultOrder, Faults, System
from shared.clock import real_now

_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 5.0
_GIVE_UP_AFTER_S = 300.0
_PATIENCE_S = 10.0


class Outcome(StrEnum):
    HELD = "held"
    PENDING = "pending"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    GIVEN_UP = "given_up"
    NOBODY_LISTENS = "nobody_listens"


@dataclass(slots=True)
class Notice:
    """One webhook: what the practice is told, and how the telling went."""

    notice_id: str
    system: System
    kind: str
    subject: str
    url: str | None
    content_type: str
    body: bytes
    outcome: Outcome = Outcome.PENDING
    answers: list[int | str] = field(default_factory=list)
    forged_answers: list[int | str] = field(default_factory=list)

    def shown(self) -> dict[str, object]:
        return {
            "id": self.notice_id,
            "system": self.system,
            "type": self.kind,
            "subject": self.subject,
            "url": self.url,
            "outcome": self.outcome,
            "answers": self.answers,
            "forged_answers": self.forged_answers,
            "body": self.body.decode(),
        }


Seal = Callable[[str, str, bytes, int], tuple[str, str]]
"""(secret, url, raw body, unix time) → header and value."""


def timestamped_seal(header: str) -> Seal:
    """HMAC-SHA256 over `time.body`, hex, as `t=…,v1=…`."""

    def seal(secret: str, _url: str, body: bytes, at: int) -> tuple[str, str]:
        digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
        return header, f"t={at},v1={digest.hexdigest()}"

    return seal


def twilio_seal(secret: str, url: str, body: bytes, _at: int) -> tuple[str, str]:
    """HMAC-SHA1 over the exact address and the sorted form, base64."""
    form = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    signed = url + "".join(name + value for name, value in form)
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha1).digest()
    return "X-Twilio-Signature", base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class Sealing:
    seal: Seal
    secret: str


class Post:
    """Delivers notices. Start it inside the running loop, close it at the end."""

    def __init__(self, agenda: Agenda, faults: Faults, sealings: Mapping[System, Sealing]) -> None:
        self._agenda = agenda
        self._faults = faults
        self._sealings = sealings
        self._client = httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False)
        self._lanes: dict[str, asyncio.Event] = {}
        self._held: dict[str | None, Notice] = {}
        """By address, who waits for the next notice to go first."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._frozen: set[asyncio.Task[None]] = set()
        """Waiting for a system to thaw; that is no work under way."""
        self.notices: dict[str, Notice] = {}

    def is_idle(self) -> bool:
        return not self._tasks

    async def clear(self) -> None:
        """Forget every notice and stop telling."""
        tasks = self._tasks | self._frozen
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lanes.clear()
        self._held.clear()
        self.notices.clear()

    async def close(self) -> None:
        await self.clear()
        await self._client.aclose()

    def send(self, notice: Notice) -> None:
        """Tell the practice, unless a fault has it otherwise. Returns at once."""
        self.notices[notice.notice_id] = notice
        if notice.url is None:
            notice.outcome = Outcome.NOBODY_LISTENS
            return
        thaw = self._faults.frozen(notice.system)
        if thaw is not None:
            notice.outcome = Outcome.HELD
            waiting = asyncio.create_task(self._start_after(thaw, notice))
            self._frozen.add(waiting)
            waiting.add_done_callback(self._frozen.discard)
            return
        fault = self._faults.befalling(notice.system, notice.kind, ON_NOTICES)
        match fault.kind if fault else None:
            case FaultKind.DROP:
                notice.outcome = Outcome.DROPPED
            case FaultKind.DELAY:
                assert fault is not None
                self._hold(notice, fault)
            case FaultKind.REORDER:
                assert fault is not None
                self._hold(notice, fault)
                self._held[notice.url] = notice
            case _:
                self._start(notice, fault)

    async def _start_after(self, thaw: asyncio.Event, notice: Notice) -> None:
        await thaw.wait()
        self._start(notice, None)

    async def until_tried(self) -> None:
        """Wait until every notice under way has been tried once."""
        tried = [event.wait() for event in self._lanes.values()]
        await asyncio.wait_for(asyncio.gather(*tried), _PATIENCE_S)

    def _hold(self, notice: Notice, fault: FaultOrder) -> None:
        notice.outcome = Outcome.HELD
        until = self._agenda.clock.now() + timedelta(seconds=fault.lasts_s)
        self._agenda.at(
            until,
            lambda _due: self._start(notice, None),
            wanted=lambda: notice.outcome is Outcome.HELD,
        )

    def _start(self, notice: Notice, fault: FaultOrder | None) -> None:
        notice.outcome = Outcome.PENDING
        lane = f"{notice.url} {notice.subject}"
        before, tried = self._lanes.get(lane), asyncio.Event()
        self._lanes[lane] = tried
        task = asyncio.create_task(self._deliver(notice, fault, before, tried))
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            tried.set()
            if self._lanes.get(lane) is tried:
                del self._lanes[lane]

        task.add_done_callback(done)

    async def _deliver(
        self,
        notice: Notice,
        fault: FaultOrder | None,
        before: asyncio.Event | None,
        tried: asyncio.Event,
    ) -> None:
        if before is not None:
            await before.wait()
        kind = fault.kind if fault else None
        if kind is FaultKind.FORGED_SIGNATURE:
            notice.forged_answers.append(await self._forge(notice))
        skew_s = fault.lasts_s if fault and kind is FaultKind.FUTURE_TIMESTAMP else 0.0
        waited_s = 0.0
        for doubling in itertools.count():
            accepted = await self._try(notice, skew_s)
            tried.set()
            self._let_go_after(notice)
            if accepted:
                break
            wait_s = min(_FIRST_RETRY_S * 2 ** min(doubling, 10), _LONGEST_RETRY_S)
            waited_s += wait_s
            if waited_s > _GIVE_UP_AFTER_S:
                notice.outcome = Outcome.GIVEN_UP
                return
            await asyncio.sleep(wait_s)
            skew_s = 0.0
        if kind is FaultKind.DUPLICATE:
            await self._try(notice, 0.0)
        notice.outcome = Outcome.DELIVERED

    def _let_go_after(self, notice: Notice) -> None:
        held = self._held.pop(notice.url, None)
        if held is not None and held.outcome is Outcome.HELD:
            self._start(held, None)

    async def _try(self, notice: Notice, skew_s: float) -> bool:
        sealing = self._sealings[notice.system]
        answer = await self._post(notice, notice.body, sealing.secret, skew_s)
        notice.answers.append(answer)
        return isinstance(answer, int) and 200 <= answer < 300  # noqa: PLR2004  # HTTP success

    async def _forge(self, notice: Notice) -> int | str:
        """Somebody who knows the address and the format, but not the secret."""
        other_id = notice.notice_id[:-6] + secrets.token_hex(3)
        body = notice.body.replace(notice.notice_id.encode(), other_id.encode())
        return await self._post(notice, body, secrets.token_hex(16), 0.0)

    async def _post(self, notice: Notice, body: bytes, secret: str, skew_s: float) -> int | str:
        assert notice.url is not None
        at = int(real_now().timestamp() + skew_s)
        header, value = self._sealings[notice.system].seal(secret, notice.url, body, at)
        headers = {"content-type": notice.content_type, header: value}
        try:
            answer = await self._client.post(notice.url, content=body, headers=headers)
        except httpx.HTTPError as trouble:
            return type(trouble).__name__
        return answer.status_code
