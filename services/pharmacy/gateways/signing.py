"""The certified signing vendor. The prescriber signs there, never here."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from services.pharmacy.gateways.vendor import Answer, Refusal, Vendor
from services.pharmacy.values import Displayed, Session


class Signing(Protocol):
    """The same document under the same reference is the same session, so `open` may be repeated."""

    async def open(self, reference: UUID, shown: Displayed) -> Session | Refusal: ...
    async def find(self, reference: UUID) -> Session | None: ...


class _Sessions(Answer):
    sessions: tuple[Session, ...]


class HttpSigning:
    """`Signing` over the vendor's REST API."""

    def __init__(self, base_url: str, key: str) -> None:
        self._vendor = Vendor("signing", base_url, key, setting="PHARMACY_SIGNING_KEY")

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
