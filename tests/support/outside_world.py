"""A started outside world for a test: its addresses, its secrets, its truth, its faults."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from subprocess import Popen
from typing import Any, Self

import httpx

from deploy.local.processes import end_process, free_port, last_lines, start_process
from shared.clock import RunClock

STRIPE_KEY = "sk_test_made_up_for_tests"
STRIPE_PUBLISHABLE_KEY = "pk_test_made_up_for_tests"
STRIPE_WEBHOOK_SECRET = "whsec_made_up_for_tests"
PHARMACY_KEY = "pharmacy-key-made-up-for-tests"
PHARMACY_WEBHOOK_SECRET = "pharmacy-webhook-secret-made-up"
SIGNING_KEY = "signing-key-made-up-for-tests"
SIGNING_WEBHOOK_SECRET = "signing-webhook-secret-made-up"
SIGNING_KNOWLEDGE = "made-up pass phrase"
SIGNING_TOKEN_CODE = "246813"
SMS_ACCOUNT_SID = "AC00000000000000000000000000000000"
SMS_AUTH_TOKEN = "sms-auth-token-made-up-for-tests"

ENVIRONMENT = {
    "OUTSIDE_STRIPE_KEY": STRIPE_KEY,
    "OUTSIDE_STRIPE_PUBLISHABLE_KEY": STRIPE_PUBLISHABLE_KEY,
    "OUTSIDE_STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
    "OUTSIDE_PHARMACY_KEY": PHARMACY_KEY,
    "OUTSIDE_PHARMACY_WEBHOOK_SECRET": PHARMACY_WEBHOOK_SECRET,
    "OUTSIDE_SIGNING_KEY": SIGNING_KEY,
    "OUTSIDE_SIGNING_WEBHOOK_SECRET": SIGNING_WEBHOOK_SECRET,
    "OUTSIDE_SIGNING_KNOWLEDGE": SIGNING_KNOWLEDGE,
    "OUTSIDE_SIGNING_TOKEN_CODE": SIGNING_TOKEN_CODE,
    "OUTSIDE_SMS_ACCOUNT_SID": SMS_ACCOUNT_SID,
    "OUTSIDE_SMS_AUTH_TOKEN": SMS_AUTH_TOKEN,
}

_STARTS_WITHIN_S = 30.0


@contextmanager
def world_at(starts_at: datetime, folder: Path) -> Iterator[tuple[OutsideWorld, RunClock]]:
    """An outside world on a clock that stands at a moment until a test steps it."""
    clock = RunClock.create(folder / "clock", starts_at=starts_at, rate=0)
    with OutsideWorld(clock_file=folder / "clock").start(folder / "log") as world:
        yield world, clock


def turn_back(clock_file: Path, moment: datetime) -> None:
    """Have a clock that stands show an earlier moment, as between two tests and never in a run.

    Those who read it have it mapped: the file is written over, not anew.
    """
    fresh = clock_file.with_suffix(".fresh")
    RunClock.create(fresh, starts_at=moment, rate=0)
    with clock_file.open("r+b") as file:
        file.write(fresh.read_bytes())


@dataclass(slots=True)
class OutsideWorld:
    """The simulated outside world as a process of its own. `stop()` it, or use it in `with`."""

    clock_file: Path | None = None
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    http_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)
    _process: Popen[bytes] | None = None
    _client: httpx.Client | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http_port}"

    @property
    def stripe_url(self) -> str:
        return f"{self.url}/stripe"

    @property
    def pharmacy_url(self) -> str:
        return f"{self.url}/pharmacy"

    @property
    def signing_url(self) -> str:
        return f"{self.url}/signing"

    @property
    def sms_url(self) -> str:
        return f"{self.url}/sms"

    def start(self, log: Path) -> Self:
        command = [sys.executable, "-m", "deploy.local.outside"]
        command += ["--http-port", str(self.http_port), "--smtp-port", str(self.smtp_port)]
        if self.clock_file is not None:
            command += ["--clock-file", str(self.clock_file)]
        environment = ENVIRONMENT | dict(self.extra_environment)
        self._process = start_process(command, log=log, env=environment)
        self._client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        give_up = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                self._client.get("/control/rest")
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return self
        self.stop()
        raise RuntimeError(f"the outside world did not start:\n{last_lines(log)}")

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is not None:
            end_process(self._process)
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        assert self._client is not None, "start it first"
        answer = self._client.request(method, f"/control{path}", json=body)
        if answer.is_error:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def state(self) -> dict[str, Any]:
        """The whole truth: `stripe`, `pharmacy`, `signing`, `sms`, `mail`, `webhooks`, `faults`."""
        return dict(self._ask("GET", "/state"))

    def stripe_calls(self) -> list[dict[str, Any]]:
        """The last calls that Stripe granted, word for word, with its answers."""
        return list(self._ask("GET", "/stripe/calls")["calls"])

    def fault(self, system: str, kind: str, route: str = "any", **more: object) -> int:
        """Order a fault. See `deploy.local.outside.faults` for kinds and what else may be said."""
        order = {"system": system, "kind": kind, "route": route, **more}
        return int(self._ask("POST", "/faults", order)["fault_id"])

    def take_back(self, fault_id: int) -> None:
        self._ask("DELETE", f"/faults/{fault_id}")

    def faults(self) -> list[dict[str, Any]]:
        return list(self._ask("GET", "/faults")["faults"])

    def rest(self) -> dict[str, Any]:
        """`at_rest`, and `next_due_at` of practice time or None."""
        return dict(self._ask("GET", "/rest"))

    async def until_rest(self, within_s: float = 10.0) -> None:
        """Wait for every notice to be delivered and everything due to have happened."""
        give_up = time.monotonic() + within_s
        while not self.rest()["at_rest"]:
            if time.monotonic() > give_up:
                raise AssertionError(f"the outside world is not at rest after {within_s} s")
            await asyncio.sleep(0.01)

    def reset(self) -> None:
        self._ask("POST", "/reset")

    def begin(self) -> Self:
        """The world with nothing in it, and nobody who listens: how every test finds it."""
        self.reset()
        self.notify(
            stripe=None,
            stripe_thin=None,
            pharmacy=None,
            signing=None,
            sms_inbound=None,
            sms_status=None,
        )
        return self

    def notify(self, **targets: str | None) -> None:
        """Set who is told, by the names that `/control/targets` has for them."""
        self._ask("PATCH", "/targets", targets)

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        return list(self._ask("GET", "/mail" if to is None else f"/mail?to={to}")["mails"])

    def patient_texts(self, sender: str, to: str, body: str) -> dict[str, Any]:
        return dict(self._ask("POST", "/sms/replies", {"from": sender, "to": to, "body": body}))

    def issuer_says(self, payment_method: str, decline_code: str | None) -> None:
        """From now on this card is declined, or no longer."""
        path = f"/stripe/payment_methods/{payment_method}/issuer"
        self._ask("PUT", path, {"decline_code": decline_code})

    def issuer_renews(self, payment_method: str, **card: object) -> None:
        """The issuer sends another card in this one's place; Stripe is told."""
        self._ask("POST", f"/stripe/payment_methods/{payment_method}/renew", card)

    def cardholder(self, intent_id: str, outcome: str) -> dict[str, Any]:
        """The patient answers their bank about an intent that requires action."""
        path = f"/stripe/intents/{intent_id}/authenticate"
        return dict(self._ask("POST", path, {"outcome": outcome}))

    def refunds_come(self, payment_method: str, come: str | None) -> None:
        """How refunds to one card come from now on: `at_once`, `later` or `failing`."""
        self._ask("PUT", f"/stripe/payment_methods/{payment_method}/refunds", {"come": come})

    def refund_ends(self, refund_id: str, outcome: str, **more: str) -> None:
        """A refund `succeeded` or `failed`; `failure_reason` says why."""
        self._ask("POST", f"/stripe/refunds/{refund_id}", {"outcome": outcome, **more})

    def bank_disputes(self, charge_id: str, **doubts: object) -> dict[str, Any]:
        """A cardholder's bank disputes a charge: `reason`, `amount_cents`, `is_inquiry`, …"""
        return dict(self._ask("POST", f"/stripe/charges/{charge_id}/dispute", doubts))

    def bank_decides(self, dispute_id: str, outcome: str) -> None:
        """`won`, `lost` or, for an inquiry, `escalated`."""
        self._ask("POST", f"/stripe/disputes/{dispute_id}", {"outcome": outcome})

    def stripe_moves(
        self, type_: str, amount_cents: int, category: str, description: str | None = None
    ) -> str:
        """Stripe moves money of itself, a fee or a reserve; the id of its balance transaction."""
        moves = {"type": type_, "amount_cents": amount_cents, "reporting_category": category}
        answer = self._ask(
            "POST", "/stripe/balance_transactions", moves | {"description": description}
        )
        return str(answer["id"])

    def patient_pays(self, url: str, number: str = "4242424242424242") -> int:
        """A patient gives a card on a Checkout page: 303 when it goes on, 402 when refused."""
        card = {"number": number, "expiry": "12 / 35", "cvc": "123", "name": "Pat Made-Up"}
        return self._on_page(url, card)

    def patient_answers_bank(self, url: str, outcome: str) -> int:
        """The bank's question on a Checkout page: `passes` or `fails`."""
        return self._on_page(f"{url}/bank", {"outcome": outcome})

    def _on_page(self, url: str, form: Mapping[str, str]) -> int:
        assert self._client is not None, "start it first"
        return self._client.post(url, data=form).status_code

    def pharmacist(self, order_id: str, status: str, reason: str | None = None) -> None:
        body = {"status": status, "reason": reason}
        self._ask("POST", f"/pharmacy/orders/{order_id}/status", body)
