"""What this Stripe account holds, and the events that its changes give rise to."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.local.outside.agenda import Agenda
from deploy.local.outside.faults import System
from deploy.local.outside.stripe.cards import CardOnFile
from deploy.local.outside.stripe.checkout_lines import Checkout
from deploy.local.outside.stripe.conversation import Conversation
from deploy.local.outside.stripe.idempotency import CALL, Keys
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.thin import notification, thin_event
from deploy.local.outside.webhooks import Notice, Outcome, Post

API_VERSION = "2026-10-28.endive"
EVENTS_KEPT_FOR = timedelta(days=30)
"""docs.stripe.com/api/events"""
_DONE = frozenset({Outcome.DELIVERED, Outcome.NOBODY_LISTENS})


class Books:
    """Every object by noun, in order of creation."""

    def __init__(self, agenda: Agenda, post: Post, base_url: str) -> None:
        self.agenda = agenda
        self.clock = agenda.clock
        self.post = post
        self.base_url = base_url
        self.webhook_url: str | None = None
        """Where snapshot events are told."""
        self.thin_webhook_url: str | None = None
        """Where thin events are told."""
        self.keys = Keys(self.clock)
        self.conversation = Conversation()
        self.customers: dict[str, Object] = {}
        self.payment_methods: dict[str, Object] = {}
        self.setup_intents: dict[str, Object] = {}
        self.payment_intents: dict[str, Object] = {}
        self.checkout_sessions: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.balance_transactions: dict[str, Object] = {}
        self.payouts: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.uploads: dict[str, Object] = {}
        """Stripe's `files`: documents that the practice sends as evidence."""
        self.fingerprints: dict[str, str] = {}
        """SHA-256 of each upload's content."""
        self.events: dict[str, Object] = {}
        self.thin_events: dict[str, Object] = {}
        self._thin_twins: dict[str, str] = {}
        self.files: dict[str, CardOnFile] = {}
        """The issuer's side of each PaymentMethod."""
        self.checkouts: dict[str, Checkout] = {}
        """What a Checkout session keeps to itself until it is paid."""
        self.sessions_of_intents: dict[str, Object] = {}
        """The Checkout session that made an intent, by the intent's id."""
        self.paid_out: dict[str, str] = {}
        """The payout that a balance transaction went out with, by the transaction's id."""
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
            "balance_transactions": self.balance_transactions,
            "payouts": self.payouts,
            "disputes": self.disputes,
            "uploads": self.uploads,
            "events": self.events,
            "thin_events": self.thin_events,
        }

    def named(self, object_id: str) -> Object | None:
        """Whatever object has an id."""
        shelves = self._shelves().values()
        return next((shelf[object_id] for shelf in shelves if object_id in shelf), None)

    def clear(self) -> None:
        for shelf in self._shelves().values():
            shelf.clear()
        self._thin_twins.clear()
        self.files.clear()
        self.checkouts.clear()
        self.sessions_of_intents.clear()
        self.paid_out.clear()
        self.fingerprints.clear()
        self.authenticated.clear()
        self.keys.clear()
        self.conversation.clear()

    def shown(self) -> dict[str, Any]:
        """The whole truth, oldest first."""
        shown: dict[str, Any] = {
            name: list(shelf.values()) for name, shelf in self._shelves().items()
        }
        shown["uploads"] = [
            upload | {"sha256": self.fingerprints[upload["id"]]} for upload in self.uploads.values()
        ]
        shown["events"] = [self.with_deliveries(event) for event in self.events.values()]
        return shown | {"idempotency_keys": self.keys.shown()}

    def emit(self, kind: str, about: Object) -> None:
        """Record an event, a snapshot of `about` and its thin twin, and tell the practice."""
        call = CALL.get()
        event: Object = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": copy.deepcopy(about)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {
                "id": call.request_id if call else None,
                "idempotency_key": call.idempotency_key if call else None,
            },
            "type": kind,
        }
        thin = thin_event(new_id("evt_test"), event, self.clock.now())
        event["pending_webhooks"] = sum(map(bool, (self.webhook_url, self.thin_webhook_url)))
        self.events[event["id"]] = event
        self.thin_events[thin["id"]] = thin
        self._thin_twins[event["id"]] = thin["id"]
        subject = about.get("customer") or about["id"]
        self._tell(event, subject, self.webhook_url)
        if self.thin_webhook_url is not None:
            self._tell(notification(thin), subject, self.thin_webhook_url)

    def _tell(self, event: Object, subject: str, url: str | None) -> None:
        self.post.send(
            Notice(
                notice_id=event["id"],
                system=System.STRIPE,
                kind=event["type"],
                subject=subject,
                url=url,
                content_type="application/json; charset=utf-8",
                body=json.dumps(event, indent=2).encode(),
            )
        )

    def kept(self, events: dict[str, Object]) -> dict[str, Object]:
        """The events that Stripe still gives: those of the last 30 days."""
        oldest = self.clock.now() - EVENTS_KEPT_FOR
        return {
            event_id: event for event_id, event in events.items() if _happened_at(event) >= oldest
        }

    def with_deliveries(self, event: Object) -> Object:
        return event | {"pending_webhooks": self._undelivered(event)}

    def is_delivered(self, event: Object) -> bool:
        return not self._undelivered(event)

    def _undelivered(self, event: Object) -> int:
        """To how many destinations an event has yet to come."""
        notices = map(self.post.notices.get, (event["id"], self._thin_twins[event["id"]]))
        return sum(notice is not None and notice.outcome not in _DONE for notice in notices)


def _happened_at(event: Object) -> datetime:
    created = event["created"]
    if isinstance(created, str):
        return datetime.fromisoformat(created)
    return datetime.fromtimestamp(created, UTC)
