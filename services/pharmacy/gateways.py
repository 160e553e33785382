"""The partner pharmacy and the signing vendor: only the calls we use, and what their errors mean.

A refusal is a value. Whatever may pass (no answer, a busy vendor, a key that is not accepted yet)
is a `Retry`; an answer that is not understood is a `Poison`.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from services.pharmacy.values import Displayed, Order, Session, Violation
from shared.errors import Poison, Retry

TIME_LIMIT_S = 5.0
"""Per call. A work's 20 s (`shared.messaging`) hold the three calls of a send."""

CANCELLED_BECAUSE = "Sent twice by mistake; the earlier order with this reference stands."

_REFUSALS = frozenset({400, 409, 413, 422})
"""What the vendor says about the content. Other 4xx are about the key or the address."""


class Refusal(BaseModel):
    """The vendor will not take this, and asking again will not help."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: str
    violations: tuple[Violation, ...]


class Signing(Protocol):
    """The certified signing vendor. The prescriber signs there, never here.

    The same document under the same reference is the same session, so `open` may be repeated.
    """

    async def open(self, reference: UUID, shown: Displayed) -> Session | Refusal: ...
    async def find(self, reference: UUID) -> Session | None: ...


class PartnerPharmacy(Protocol):
    """The partner compounding pharmacy. It has no idempotency: `place` twice is two bottles.

    `find` answers every order with our reference. `cancel` answers whether it still could.
    """

    async def find(self, reference: UUID) -> tuple[Order, ...]: ...
    async def place(self, form: dict[str, Any]) -> Order | Refusal: ...
    async def cancel(self, order_id: str) -> bool: ...


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Sessions(_Answer):
    sessions: tuple[Session, ...]


class _Orders(_Answer):
    orders: tuple[Order, ...]


class _Wrong(_Answer):
    field: str = ""
    reason: str = ""


class _Refused(_Answer):
    violations: tuple[_Wrong, ...] = ()


A = TypeVar("A", bound=BaseModel)


class _Vendor:
    """One vendor's HTTP API."""

    def __init__(self, name: str, base_url: str, key: str) -> None:
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"x-api-key": key},
            timeout=TIME_LIMIT_S,
            trust_env=False,
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """An answer about what was asked: a success or a refusal. Raises `Retry` for any other."""
        try:
            answer = await self._client.request(method, path, **given)
        except httpx.HTTPError as error:
            raise Retry(f"{self._name}_unreachable") from error
        if answer.is_success or answer.status_code in _REFUSALS:
            return answer
        code = "refuses_key" if answer.status_code in {401, 403} else "busy"
        raise Retry(f"{self._name}_{code}", f"status {answer.status_code}")

    def read(self, answer: httpx.Response, kind: type[A]) -> A:
        if not answer.is_success:
            raise Poison(f"{self._name}_refuses_question", f"status {answer.status_code}")
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError:
            raise Poison(f"{self._name}_not_understood") from None

    def refusal(self, answer: httpx.Response) -> Refusal:
        """What is wrong, in the vendor's words where they can be read."""
        try:
            wrong = _Refused.model_validate_json(answer.content).violations
        except ValidationError:
            wrong = ()
        return Refusal(
            code=f"{self._name}_refused_{answer.status_code}",
            violations=tuple(Violation(field=one.field, detail=one.reason) for one in wrong),
        )


class HttpSigning:
    """`Signing` over the vendor's REST API."""

    def __init__(self, base_url: str, key: str) -> None:
        self._vendor = _Vendor("signing", base_url, key)

    async def aclose(self) -> None:
        await self._vendor.aclose()

    async def open(self, reference: UUID, shown: Displayed) -> Session | Refusal:
        answer = await self._vendor.ask(
            "POST", "/v1/sessions", json={"reference": str(reference), "prescription": shown}
        )
        if not answer.is_success:
            return self._vendor.refusal(answer)
        return self._vendor.read(answer, Session)

    async def find(self, reference: UUID) -> Session | None:
        answer = await self._vendor.ask("GET", "/v1/sessions", params={"reference": str(reference)})
        found = self._vendor.read(answer, _Sessions).sessions
        return found[0] if found else None


class HttpPartnerPharmacy:
    """`PartnerPharmacy` over the partner's REST API."""

    def __init__(self, base_url: str, key: str) -> None:
        self._vendor = _Vendor("pharmacy", base_url, key)

    async def aclose(self) -> None:
        await self._vendor.aclose()

    async def find(self, reference: UUID) -> tuple[Order, ...]:
        answer = await self._vendor.ask("GET", "/v1/orders", params={"reference": str(reference)})
        return self._vendor.read(answer, _Orders).orders

    async def place(self, form: dict[str, Any]) -> Order | Refusal:
        answer = await self._vendor.ask("POST", "/v1/orders", json=form)
        if not answer.is_success:
            return self._vendor.refusal(answer)
        return self._vendor.read(answer, Order)

    async def cancel(self, order_id: str) -> bool:
        answer = await self._vendor.ask(
            "POST", f"/v1/orders/{order_id}/cancel", json={"reason": CANCELLED_BECAUSE}
        )
        return answer.is_success
