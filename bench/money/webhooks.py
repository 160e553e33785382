"""A burst of Stripe's webhooks: kept and worked on later, and worked on before the answer.

Each tenth notice comes twice in a row. All are about payments that Stripe has, and every call to
Stripe takes its time. The clients are on the same machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import uuid4

import httpx

from bench.bare import connect
from bench.figures import Latency, Rate
from bench.ground import Ground
from bench.money.stripe import payments_taken
from bench.practice import Stage
from bench.served import served
from bench.sizes import Sizes
from deploy.local.processes import free_port
from services.billing.handlers.notices import VENDOR
from shared.clock import real_now

CLIENTS = 50
TWICE_EVERY = 10
IN_REQUEST = "bench.ways.work_in_request"

_KEPT = "SELECT count(*) FROM webhooks WHERE vendor = $1"
_SEEN = "SELECT count(*) FROM notices WHERE $1 <> ''"


@dataclass(frozen=True, slots=True)
class Answered:
    """Notices answered per second, and how long each answer took."""

    rate: Rate
    delay: Latency


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Billing, and the whole work in the request."""

    billing: Answered
    in_request: Answered
    worked: Rate
    """Billing's notices per second until the last of a burst was worked on."""

    @property
    def ratio(self) -> float:
        return self.billing.rate.median / self.in_request.rate.median


async def measure(
    ground: Ground,
    stage: Stage,
    plain_database: str,
    sizes: Sizes,
    step: Callable[[], object],
) -> Webhooks:
    """Both ways, round by round in turn. `step` is called after each."""
    keys = stage.practice.plan.keys
    payments = await payments_taken(stage)
    ours = Burst(keys.stripe_webhook_secret, payments, stage.billing_database, _KEPT)
    theirs = Burst(keys.stripe_webhook_secret, payments, plain_database, _SEEN)
    worked: list[float] = []
    port = free_port()
    environment = {
        "DATABASE_URL": plain_database,
        "STRIPE_KEY": keys.stripe_key,
        "STRIPE_API_BASE": stage.stripe_url,
        "SECRET": keys.stripe_webhook_secret,
        "PORT": str(port),
    }
    billing, in_request = stage.practice.plan.url("billing"), f"http://127.0.0.1:{port}"
    log = ground.folder / "in_request.log"
    async with served(IN_REQUEST, port=port, log=log, environment=environment):
        for _ in range(sizes.rounds):
            began = perf_counter()
            await ours.send(billing, sizes.notices)
            await stage.until_quiet()
            worked.append(sizes.notices / (perf_counter() - began))
            step()
            await theirs.send(in_request, sizes.notices)
            step()
    return Webhooks(ours.answered(), theirs.answered(), Rate(tuple(worked)))


class Burst:
    """Bursts at one receiver, and what it kept of them."""

    def __init__(self, secret: str, payments: Sequence[str], database_url: str, kept: str) -> None:
        self._secret = secret
        self._payments = payments
        self._database_url = database_url
        self._count = kept
        self._rates: list[float] = []
        self._took_s: list[float] = []

    async def send(self, url: str, count: int) -> None:
        """Raises if one is refused, or if the receiver kept more or fewer than there were."""
        before, waiting = await self._kept(), iter(list(self._notices(count)))

        async def sender() -> None:
            async with _client(url) as client:
                for body in waiting:
                    headers = {"Stripe-Signature": self._signature(body)}
                    began = perf_counter()
                    answer = await client.post("/webhooks/stripe", content=body, headers=headers)
                    self._took_s.append(perf_counter() - began)
                    answer.raise_for_status()

        began = perf_counter()
        await asyncio.gather(*(sender() for _ in range(CLIENTS)))
        self._rates.append(count / (perf_counter() - began))
        kept, told = await self._kept() - before, count - count // TWICE_EVERY
        if kept != told:
            raise AssertionError(f"{told} notices were told, and {kept} were kept")

    def answered(self) -> Answered:
        return Answered(Rate(tuple(self._rates)), Latency.of_seconds(self._took_s))

    def _notices(self, count: int) -> Iterator[bytes]:
        """So many bodies, each tenth the same as the one before."""
        body = b""
        for number in range(count):
            if (number + 1) % TWICE_EVERY:
                payment = self._payments[number % len(self._payments)]
                body = json.dumps(
                    {
                        "object": "event",
                        "id": f"evt_{uuid4().hex}",
                        "type": "payment_intent.succeeded",
                        "data": {"object": {"id": payment, "object": "payment_intent"}},
                    }
                ).encode()
            yield body

    def _signature(self, body: bytes) -> str:
        at = int(real_now().timestamp())
        signed = hmac.new(self._secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
        return f"t={at},v1={signed.hexdigest()}"

    async def _kept(self) -> int:
        connection = await connect(self._database_url)
        try:
            return int(await connection.fetchval(self._count, VENDOR))
        finally:
            await connection.close()


def _client(url: str) -> httpx.AsyncClient:
    """One connection, left before a server closes it for idling.

    One pool for all of them would cost the machine more than what is measured.
    """
    limits = httpx.Limits(max_connections=1, keepalive_expiry=2.0)
    return httpx.AsyncClient(
        base_url=url,
        limits=limits,
        timeout=60.0,
        trust_env=False,
        verify=False,  # noqa: S501
    )
