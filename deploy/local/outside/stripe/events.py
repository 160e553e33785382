"""Events: what happened, to be asked for again when a webhook was missed."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.calls import Given, Practice
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object

router = APIRouter(prefix="/events")


@router.get("")
async def list_events(books: Practice, params: Given) -> Object:
    kinds = set(params.values("types"))
    one = params.text("type")
    if one is not None:
        kinds.add(one)
    asked = params.has("delivery_success")
    delivered = params.flag("delivery_success")
    page = listed(
        books.kept(books.events),
        params,
        "/v1/events",
        keep=lambda event: (
            (not kinds or event["type"] in kinds)
            and (not asked or books.is_delivered(event) is delivered)
        ),
    )
    return page | {"data": [books.with_deliveries(event) for event in page["data"]]}


@router.get("/{event_id}")
async def retrieve(books: Practice, event_id: str, params: Given) -> Object:
    params.done()
    return books.with_deliveries(find(books.kept(books.events), "event", event_id))
