"""`/v2/core/events`: thin events, to be asked for by id, or listed when some were missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request

from deploy.local.outside.stripe.calls import Given, Practice
from deploy.local.outside.stripe.errors import invalid
from deploy.local.outside.stripe.listing import find
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.params import Params

router = APIRouter(prefix="/v2/core/events")
_LONGEST_PAGE = 100


@router.get("")
async def list_thin_events(books: Practice, params: Given, request: Request) -> Object:
    """Newest first, by pages that name the next one."""
    kinds, about = set(params.values("types")), params.text("object_id")
    since = _within(params)
    limit, page = params.integer("limit"), params.integer("page") or 0
    params.done()
    limit = 20 if limit is None else limit
    if not 1 <= limit <= _LONGEST_PAGE:
        raise invalid("limit must be between 1 and 100", param="limit")
    found = [
        event
        for event in reversed(books.kept(books.thin_events).values())
        if (not kinds or event["type"] in kinds)
        and (about is None or event["related_object"]["id"] == about)
        and since(datetime.fromisoformat(event["created"]))
    ]

    def address(page: int) -> str:
        asked = [(name, value) for name, value in parse_qsl(request.url.query) if name != "page"]
        return f"/v2/core/events?{urlencode([*asked, ('page', page)])}"

    return {
        "data": found[page * limit : (page + 1) * limit],
        "next_page_url": address(page + 1) if len(found) > (page + 1) * limit else None,
        "previous_page_url": address(page - 1) if page else None,
    }


def _within(params: Params) -> Callable[[datetime], bool]:
    bounds = params.group("created") or Params({})
    gt, gte = _moment(bounds, "gt"), _moment(bounds, "gte")
    lt, lte = _moment(bounds, "lt"), _moment(bounds, "lte")
    bounds.done()
    return lambda at: (
        (gt is None or at > gt)
        and (gte is None or at >= gte)
        and (lt is None or at < lt)
        and (lte is None or at <= lte)
    )


def _moment(bounds: Params, name: str) -> datetime | None:
    text = bounds.text(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid timestamp: {text}", param=f"created[{name}]") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@router.get("/{event_id}")
async def retrieve(books: Practice, event_id: str) -> Object:
    return find(books.kept(books.thin_events), "v2.core.event", event_id)
