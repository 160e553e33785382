"""The partner compounding pharmacy. It has no idempotency: whoever sends looks first."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from services.pharmacy.gateways.vendor import Answer, Refusal, Vendor
from services.pharmacy.values import Order

CANCELLED_BECAUSE = "Sent twice by mistake; the earlier order with this reference stands."


class PartnerPharmacy(Protocol):
    """`find` answers every order with our reference; `cancel` answers whether it still could."""

    async def find(self, reference: UUID) -> tuple[Order, ...]: ...
    async def place(self, form: dict[str, Any]) -> Order | Refusal: ...
    async def cancel(self, order_id: str) -> bool: ...


class _Orders(Answer):
    orders: tuple[Order, ...]


class HttpPartnerPharmacy:
    """`PartnerPharmacy` over the partner's REST API."""

    def __init__(self, base_url: str, key: str) -> None:
        self._vendor = Vendor("pharmacy", base_url, key, setting="PHARMACY_PARTNER_KEY")

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
