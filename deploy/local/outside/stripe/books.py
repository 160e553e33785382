"""What this Stripe account holds, and the events that its changes give rise to."""

from __future__ import annotations

import copy
import json
import secrets
import string
from collections.abc import Callable
from typing import Any

from deploy.local.outside.faults import System
from deploy.local.outside.stripe.cards import CardOnFile
from deploy.local.outside.stripe.errors import invalid, no_such
from deploy.local.outside.stripe.idempotency import CALL, Keys
from deploy.local.outside.stripe.params import Params
from deploy.local.outside.webhooks import Notice, Outcome, Post
from shared.clock import Clock

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits
_LONGEST_PAGE = 100

Object = dict[str, Any]


def new_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"


class Books:
    """Every object by noun, in order of creation."""

    def __init__(self, clock: Clock, post: Post, webhook_url: str | None) -> None:
        self.clock = clock
        self.post = post
        self.webhook_url = webhook_url
        self.keys = Keys(clock)
        self.customers: dict[str, Object] = {}
        self.payment_methods: dict[str, Object] = {}
        self.setup_intents: dict[str, Object] = {}
        self.payment_intents: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self.files: dict[str, CardOnFile] = {}
        """The issuer's side of each PaymentMethod."""
        self.authenticated: set[str] = set()
        """Intents whose customer has proved who they are."""

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def clear(self) -> None:
        for shelf in (
            self.customers,
            self.payment_methods,
            self.setup_intents,
            self.payment_intents,
            self.charges,
            self.refunds,
            self.events,
            self.files,
        ):
            shelf.clear()
        self.authenticated.clear()
        self.keys.clear()

    def shown(self) -> dict[str, Any]:
        """The whole truth, oldest first."""
        return {
            "customers": list(self.customers.values()),
            "payment_methods": list(self.payment_methods.values()),
            "setup_intents": list(self.setup_intents.values()),
            "payment_intents": list(self.payment_intents.values()),
            "charges": list(self.charges.values()),
            "refunds": list(self.refunds.values()),
            "events": [self.with_deliveries(event) for event in self.events.values()],
            "idempotency_keys": self.keys.shown(),
        }

    def emit(self, kind: str, about: Object) -> None:
        """Record an event, a snapshot of `about`, and tell the practice."""
        call = CALL.get()
        event: Object = {
            "id": new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": API_VERSION,
            "context": None,
            "created": self.now(),
            "data": {"object": copy.deepcopy(about)},
            "livemode": False,
            "pending_webhooks": 1 if self.webhook_url else 0,
            "request": {
                "id": call.request_id if call else None,
                "idempotency_key": call.idempotency_key if call else None,
            },
            "type": kind,
        }
        self.events[event["id"]] = event
        self.post.send(
            Notice(
                notice_id=event["id"],
                system=System.STRIPE,
                kind=kind,
                subject=about.get("customer") or about["id"],
                url=self.webhook_url,
                content_type="application/json; charset=utf-8",
                body=json.dumps(event, indent=2).encode(),
            )
        )

    def with_deliveries(self, event: Object) -> Object:
        return event | {"pending_webhooks": 0 if self.is_delivered(event) else 1}

    def is_delivered(self, event: Object) -> bool:
        notice = self.post.notices.get(event["id"])
        return notice is None or notice.outcome in {Outcome.DELIVERED, Outcome.NOBODY_LISTENS}


def find(shelf: dict[str, Object], noun: str, object_id: str, *, param: str = "id") -> Object:
    """One object. As a parameter of another call its absence is a 400, as an address a 404."""
    found = shelf.get(object_id)
    if found is None:
        raise no_such(noun, object_id, param=param, status=404 if param == "id" else 400)
    return found


def listed(
    shelf: dict[str, Object],
    params: Params,
    url: str,
    keep: Callable[[Object], bool] = lambda _object: True,
) -> Object:
    """One page, newest first, as `limit`, `starting_after`, `ending_before` and `created` ask."""
    limit = params.integer("limit") or 10
    after, before = params.text("starting_after"), params.text("ending_before")
    since = _created(params)
    params.done()
    if not 1 <= limit <= _LONGEST_PAGE:
        raise invalid("limit must be between 1 and 100", param="limit")
    found = [item for item in reversed(shelf.values()) if since(item) and keep(item)]
    ids = [item["id"] for item in found]
    if after is not None:
        found = found[ids.index(after) + 1 :] if after in ids else []
    elif before is not None:
        found = found[: ids.index(before)] if before in ids else []
        return _page(found[-limit:], url, has_more=len(found) > limit)
    return _page(found[:limit], url, has_more=len(found) > limit)


def _page(data: list[Object], url: str, *, has_more: bool) -> Object:
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def _created(params: Params) -> Callable[[Object], bool]:
    bounds = params.group("created")
    if bounds is None:
        return lambda _object: True
    gt, gte = bounds.integer("gt"), bounds.integer("gte")
    lt, lte = bounds.integer("lt"), bounds.integer("lte")
    bounds.done()
    return lambda item: (
        (gt is None or item["created"] > gt)
        and (gte is None or item["created"] >= gte)
        and (lt is None or item["created"] < lt)
        and (lte is None or item["created"] <= lte)
    )
