"""The orders the pharmacy holds, and how they move on of themselves."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from deploy.local.outside.agenda import Agenda
from deploy.local.outside.faults import System
from deploy.local.outside.pharmacy.order import OrderForm
from deploy.local.outside.webhooks import Notice, Post

_SOURCE = "urn:simulated:partner-pharmacy"


class Status(StrEnum):
    RECEIVED = "received"
    ACCEPTED = "accepted"
    COMPOUNDING = "compounding"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    ON_HOLD = "on_hold"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each step takes after the one before."""

    accepts_after: timedelta
    compounds_after: timedelta
    ships_after: timedelta
    delivers_after: timedelta

    def next_step(self, status: Status) -> tuple[Status, timedelta] | None:
        return {
            Status.RECEIVED: (Status.ACCEPTED, self.accepts_after),
            Status.ACCEPTED: (Status.COMPOUNDING, self.compounds_after),
            Status.COMPOUNDING: (Status.SHIPPED, self.ships_after),
            Status.SHIPPED: (Status.DELIVERED, self.delivers_after),
        }.get(status)


@dataclass(slots=True)
class Order:
    """One order: one bottle to be made."""

    order_id: str
    form: OrderForm
    status: Status
    status_at: datetime
    history: list[dict[str, str]] = field(default_factory=list)
    tracking: dict[str, str] | None = None
    reason: str | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "order_id": self.order_id,
            "reference": self.form.reference,
            "status": self.status,
            "status_at": self.status_at.isoformat(),
            "tracking": self.tracking,
            "reason": self.reason,
            "history": self.history,
        }


class OrderBook:
    """Every order, oldest first."""

    def __init__(self, agenda: Agenda, post: Post, webhook_url: str | None, pace: Pace) -> None:
        self._agenda = agenda
        self._post = post
        self.webhook_url = webhook_url
        self._pace = pace
        self.orders: dict[str, Order] = {}

    def clear(self) -> None:
        self.orders.clear()

    def shown(self, *, known_signatures: set[str]) -> dict[str, Any]:
        return {
            "orders": [
                order.shown()
                | {
                    "form": order.form.model_dump(mode="json"),
                    "signature_known_to_vendor": order.form.signature is not None
                    and order.form.signature.signature_id in known_signatures,
                }
                for order in self.orders.values()
            ]
        }

    def take(self, form: OrderForm) -> Order:
        """Always a new order, whatever the reference."""
        order_id = f"ord_{secrets.token_hex(8)}"
        order = Order(order_id, form, Status.RECEIVED, self._agenda.clock.now())
        self.orders[order_id] = order
        self.move(order, Status.RECEIVED, order.status_at)
        return order

    def by_reference(self, reference: str) -> list[Order]:
        return [order for order in self.orders.values() if order.form.reference == reference]

    def move(self, order: Order, status: Status, at: datetime, reason: str | None = None) -> None:
        """Set a status, tell the practice, and plan what follows it."""
        order.status, order.status_at, order.reason = status, at, reason
        order.history.append({"status": status, "at": at.isoformat()})
        if status is Status.SHIPPED:
            order.tracking = {
                "carrier": "Simulated Parcel",
                "number": f"SP{secrets.randbelow(10**10):010d}",
            }
        self._tell(order)
        step = self._pace.next_step(status)
        if step is not None:
            following, pause = step
            self._agenda.at(
                at + pause,
                lambda due_at: self.move(order, following, due_at),
                wanted=lambda: order.status is status,
            )

    def cancel(self, order: Order, reason: str | None) -> bool:
        """Whether it could still be cancelled."""
        if order.status not in {
            Status.RECEIVED,
            Status.ACCEPTED,
            Status.COMPOUNDING,
            Status.ON_HOLD,
        }:
            return False
        self.move(order, Status.CANCELLED, self._agenda.clock.now(), reason)
        return True

    def _tell(self, order: Order) -> None:
        event_id = f"evt_{secrets.token_hex(12)}"
        kind = f"pharmacy.order.{order.status}"
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": _SOURCE,
            "type": kind,
            "subject": order.order_id,
            "time": order.status_at.isoformat(),
            "datacontenttype": "application/json",
            "data": {key: value for key, value in order.shown().items() if key != "history"},
        }
        self._post.send(
            Notice(
                notice_id=event_id,
                system=System.PHARMACY,
                kind=kind,
                subject=order.order_id,
                url=self.webhook_url,
                content_type="application/cloudevents+json",
                body=json.dumps(event).encode(),
            )
        )
