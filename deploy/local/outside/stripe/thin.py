"""Thin events: that something changed and what, without its contents. They carry no API version.

Names, fields and the link to the snapshot: docs.stripe.com/event-destinations and the SDK's
`stripe.events`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

Object = dict[str, Any]

_ADDRESSES = {
    "charge": "/v1/charges",
    "checkout.session": "/v1/checkout/sessions",
    "customer": "/v1/customers",
    "dispute": "/v1/disputes",
    "payment_intent": "/v1/payment_intents",
    "payment_method": "/v1/payment_methods",
    "payout": "/v1/payouts",
    "refund": "/v1/refunds",
    "setup_intent": "/v1/setup_intents",
}


def thin_event(event_id: str, snapshot: Object, at: datetime) -> Object:
    """The thin twin of a snapshot event, under an id of its own."""
    about = snapshot["data"]["object"]
    request = snapshot["request"]
    return {
        "id": event_id,
        "object": "v2.core.event",
        "changes": None,
        "context": None,
        "created": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "livemode": False,
        "reason": {"type": "request", "request": request} if request["id"] else None,
        "related_object": {
            "id": about["id"],
            "type": about["object"],
            "url": f"{_ADDRESSES[about['object']]}/{about['id']}",
        },
        "snapshot_event": snapshot["id"],
        "type": f"v1.{snapshot['type']}",
    }


def notification(event: Object) -> Object:
    """What is sent: all but what is left to be fetched."""
    return {name: value for name, value in event.items() if name != "changes"}
