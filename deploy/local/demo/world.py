"""The outside world as its own people reach it: a patient's browser, an issuer, the prescriber.

Also its truth, which no service can talk away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import httpx

from deploy.local.export.records import Fault

EVERY_TIME = 1_000_000  # as often as an order may say


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A card that a patient's browser saved: the vendor's ids for customer and card."""

    customer: str
    payment_method: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text that the carrier took from the clinic."""

    at: datetime
    to: str
    body: str


class World:
    """The simulated outside world over HTTP."""

    def __init__(self, url: str, *, knowledge: str, token_code: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)
        self._factors = {"knowledge": knowledge, "token_code": token_code}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def truth(self) -> dict[str, Any]:
        return dict(await self._ask("GET", "/control/state"))

    async def faults(self) -> list[dict[str, Any]]:
        """What was ordered to go wrong, and how often it has."""
        return list((await self._ask("GET", "/control/faults"))["faults"])

    async def texts(self) -> list[Text]:
        """Every text from the clinic, oldest first."""
        return texts_in(await self.truth())

    async def order_fault(self, fault: Fault) -> None:
        order = {"system": fault.system, "kind": fault.kind, "route": fault.route}
        more = {"times": fault.times, "status": fault.status, "seconds": fault.seconds}
        kept = {name: value for name, value in more.items() if value is not None}
        await self._ask("POST", "/control/faults", json=order | kept)

    async def slow_down(self, system: str, *, ms: int) -> None:
        """Have every call to a system take so much longer from now on."""
        order = {"system": system, "kind": "slow", "ms": ms, "times": EVERY_TIME}
        await self._ask("POST", "/control/faults", json=order)

    async def issuer_declines(self, payment_method: str, code: str) -> None:
        path = f"/control/stripe/payment_methods/{payment_method}/issuer"
        await self._ask("PUT", path, json={"decline_code": code})

    async def confirm_card(
        self, number: str, *, client_secret: str, publishable_key: str
    ) -> Confirmed | str:
        """What a patient's browser does with Stripe's form. Text is the issuer's refusal."""
        key = {"Authorization": f"Bearer {publishable_key}"}
        card = {
            "type": "card",
            "card[number]": number,
            "card[exp_month]": "12",
            "card[exp_year]": "2035",
            "card[cvc]": "123",
        }
        made = await self._client.post("/stripe/v1/payment_methods", data=card, headers=key)
        if made.is_error:
            return str(made.json()["error"]["message"])
        intent_id = client_secret.partition("_secret_")[0]
        confirmed = await self._client.post(
            f"/stripe/v1/setup_intents/{intent_id}/confirm",
            data={"payment_method": made.json()["id"], "client_secret": client_secret},
            headers=key,
        )
        if confirmed.is_error:
            return str(confirmed.json()["error"]["message"])
        intent = confirmed.json()
        if intent["status"] == "requires_action":
            intent = await self._ask(
                "POST",
                f"/control/stripe/intents/{intent_id}/authenticate",
                json={"outcome": "passes"},
            )
        return Confirmed(str(intent["customer"]), str(intent["payment_method"]))

    async def sign(self, session_id: str) -> None:
        """The prescriber signs on the vendor's page, with both factors."""
        await self._ask("POST", f"/signing/v1/sessions/{session_id}/sign", json=self._factors)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = await self._client.request(method, path, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def texts_in(truth: dict[str, Any]) -> list[Text]:
    return [
        Text(datetime.fromisoformat(text["created_at"]), text["to"], text["body"])
        for text in truth["sms"]["messages"]
        if text["direction"] == "outbound-api"
    ]
