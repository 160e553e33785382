"""What this Stripe account holds, and the events that its changes give rise to."""

from __future__ import annotations

import copy
import json
import secrets
import string
from typing import TYPE_CHECKING, Any

from deploy.local.outside.agenda import Agenda
from deploy.local.outside.faults import System
from deploy.local.outside.stripe.cards import CardOnFile
from deploy.local.outside.stripe.idempotency import CALL, Keys
from deploy.local.outside.webhooks import Notice, Outcome, Post

if TYPE_CHECKING:
    from deploy.local.outside.stripe.checkout_lines import Checkout

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits

Object = dict[str, Any]


def new_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"


class Books:
    """Every object by noun, in order of creation."""

    def __init__(self, agenda: Agenda, post: Post, base_url: str) -> None:
        self.agenda = agenda
        self.clock = agenda.clock
        self.post = post
        self.base_url = base_url
        self.webhook_url: str | None = None
        self.keys = Keys(self.clock)
        self.customers: dict[str, Object] = {}
        self.payment_methods: dict[str, Object] = {}
        self.setup_intents: dict[str, Object] = {}
        self.payment_intents: dict[str, Object] = {}
        self.checkout_sessions: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self.files: dict[str, CardOnFile] = {}
        """The issuer's side of each PaymentMethod."""
        self.checkouts: dict[str, Checkout] = {}
        """What a Checkout session keeps to itself until it is paid."""
        self.sessions_of_intents: dict[str, Object] = {}
        """The Checkout session that made an intent, by the intent's id."""
        self.authenticated: set[str] = set()
        """Intents whose customer has proved who they are."""

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def _shelves(self) -> dict[str, dict[str, Object]]:
        return {
            "customers": self.customers,
            "payment_methods": self.payment_methods,
            "setup_intents": self.setup_intents,
            "payment_intents": self.payment_intents,
            "checkout_sessions": self.checkout_sessions,
            "charges": self.charges,
            "refunds": self.refunds,
            "events": self.events,
        }

    def clear(self) -> None:
        for shelf in self._shelves().values():
            shelf.clear()
        self.files.clear()
        self.checkouts.clear()
        self.sessions_of_intents.clear()
        self.authenticated.clear()
        self.keys.clear()

    def shown(self) -> dict[str, Any]:
        """The whole truth, oldest first."""
        shown: dict[str, Any] = {
            name: list(shelf.values()) for name, shelf in self._shelves().items()
        }
        shown["events"] = [self.with_deliveries(event) for event in self.events.values()]
        return shown | {"idempotency_keys": self.keys.shown()}

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
