"""Stripe's webhooks: verified on the raw bytes, and read no further than who it is about.

Stripe tells of a happening in two ways: with a snapshot of the object, or by its id alone (a thin
event). A thin event names the snapshot that it stands beside, so both are one notice.

What billing hears (`rules/notices.py`) names the object that Stripe is asked about. Whatever else
an endpoint is told of, a balance or an account, is taken by its own id and kind, and asks for
nothing: Stripe would repeat what is refused for three days, and then turn the endpoint off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import stripe
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.billing.gateways.stripe.client import Stripe
from services.billing.gateways.stripe.marks import PAGE
from services.billing.rules.notices import HEARD, Window
from services.billing.work import NoticesListed
from shared.clock import real_now
from shared.http.webhooks import Notice, Read

TOLERANCE = timedelta(seconds=300)
"""Stripe's own for the past. The client lets any time in the future pass; we do not."""

_ID = re.compile(r"[A-Za-z0-9_.]{1,255}")

_Id = Annotated[str, Field(pattern=f"^{_ID.pattern}$")]
_Kind = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\[\]]{1,255}$")]


class _Object(BaseModel):
    """A balance has no id, and a plan the one that somebody made up."""

    id: str | None = None


class _Data(BaseModel):
    object: _Object


class _Snapshot(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    object: Literal["event"]
    id: _Id
    type: _Kind
    data: _Data

    def notice(self) -> Notice | None:
        return _notice(self.id, self.type, self.data.object)


class _Thin(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    object: Literal["v2.core.event"]
    id: _Id
    type: _Kind
    related_object: _Object | None = None
    snapshot_event: _Id | None = None

    def notice(self) -> Notice | None:
        kind = self.type.removeprefix("v1.")
        return _notice(self.snapshot_event or self.id, kind, self.related_object)


def _notice(notice_id: str, kind: str, about: _Object | None) -> Notice | None:
    if kind not in HEARD:
        return Notice(notice_id, kind, "")
    object_id = None if about is None else about.id
    if object_id is None or _ID.fullmatch(object_id) is None:
        return None
    return Notice(notice_id, kind, object_id)


_EVENT: TypeAdapter[_Snapshot | _Thin] = TypeAdapter(
    Annotated[_Snapshot | _Thin, Field(discriminator="object")]
)


def reader(secrets: Sequence[str]) -> Read:
    """Reads what one of `secrets` signed, within the tolerance on both sides of now."""

    def read(raw: bytes, headers: Mapping[str, str]) -> Notice | None:
        header = headers.get("stripe-signature", "")
        if not any(_is_signed(raw, header, secret) for secret in secrets):
            return None
        if _signed_at(header) - real_now() > TOLERANCE:
            return None
        try:
            return _EVENT.validate_json(raw).notice()
        except ValidationError:
            return None

    return read


class StripeNews:
    """`News` at Stripe: the list of events, which it keeps for 30 days."""

    def __init__(self, client: Stripe) -> None:
        self._stripe = client

    async def told(self, window: Window) -> NoticesListed:
        bounds: Any = {"gte": int(window.since.timestamp()), "lte": int(window.until.timestamp())}
        async with self._stripe.request():
            page = await self._stripe.v1.events.list_async(
                {"types": list(window.kinds), "created": bounds, "limit": PAGE}
            )
            events = [event async for event in page.auto_paging_iter()]
        return NoticesListed(
            until=window.until,
            notices=tuple(
                Notice(event.id, event.type, str(event.data.object["id"]))
                for event in reversed(events)
            ),
        )


def _is_signed(raw: bytes, header: str, secret: str) -> bool:
    if not header.isascii():
        return False  # Stripe's client compares signatures as text, and fails at any other
    try:
        stripe.WebhookSignature.verify_header(
            raw, header, secret, tolerance=int(TOLERANCE.total_seconds())
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _signed_at(header: str) -> datetime:
    """The time in a header that verified, so it is there."""
    [at, *_] = [part[2:] for part in header.split(",") if part.startswith("t=")]
    return datetime.fromtimestamp(int(at), real_now().tzinfo)
