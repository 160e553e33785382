"""The one world: its clock, its agenda, its faults, its post, and the five systems' books."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import SecretStr

from deploy.local.outside.agenda import Agenda
from deploy.local.outside.faults import Faults, System
from deploy.local.outside.mail import Mailroom
from deploy.local.outside.pharmacy.orders import OrderBook, Pace
from deploy.local.outside.settings import OutsideSettings
from deploy.local.outside.signing.sessions import Sessions
from deploy.local.outside.sms.network import TextNetwork
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.webhooks import Post, Sealing, timestamped_seal, twilio_seal
from shared.clock import Clock


def same(given: str, secret: SecretStr) -> bool:
    """Whether a caller knows a secret, in constant time."""
    return hmac.compare_digest(given.encode(), secret.get_secret_value().encode())


class World:
    """Everything outside. Build it inside the running loop."""

    def __init__(self, settings: OutsideSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.agenda = Agenda(clock)
        self.faults = Faults()
        self.post = Post(
            self.agenda,
            self.faults,
            {
                System.STRIPE: Sealing(
                    timestamped_seal("Stripe-Signature"),
                    settings.stripe_webhook_secret.get_secret_value(),
                ),
                System.PHARMACY: Sealing(
                    timestamped_seal("x-pharmacy-signature"),
                    settings.pharmacy_webhook_secret.get_secret_value(),
                ),
                System.SIGNING: Sealing(
                    timestamped_seal("x-signing-signature"),
                    settings.signing_webhook_secret.get_secret_value(),
                ),
                System.SMS: Sealing(twilio_seal, settings.sms_auth_token.get_secret_value()),
            },
        )
        self.stripe = Books(self.agenda, self.post, settings.base_url)
        self.stripe.webhook_url = settings.stripe_webhook_url
        self.stripe.thin_webhook_url = settings.stripe_thin_webhook_url
        self.signing = Sessions(clock, self.post, settings.signing_webhook_url, settings.base_url)
        self.pharmacy = OrderBook(
            self.agenda,
            self.post,
            settings.pharmacy_webhook_url,
            Pace(
                accepts_after=settings.pharmacy_accepts_after,
                compounds_after=settings.pharmacy_compounds_after,
                ships_after=settings.pharmacy_ships_after,
                delivers_after=settings.pharmacy_delivers_after,
            ),
        )
        self.sms = TextNetwork(
            self.agenda,
            self.post,
            account_sid=settings.sms_account_sid,
            inbound_url=settings.sms_inbound_url,
            status_url=settings.sms_status_url,
        )
        self.mail = Mailroom(clock, self.faults)

    def state(self) -> dict[str, Any]:
        """The whole truth, as JSON."""
        return {
            "now": self.clock.now().isoformat(),
            "stripe": self.stripe.shown(),
            "pharmacy": self.pharmacy.shown(known_signatures=self.signing.signature_ids()),
            "signing": self.signing.shown(),
            "sms": self.sms.shown(),
            "mail": self.mail.shown(),
            "webhooks": [notice.shown() for notice in self.post.notices.values()],
            "faults": self.faults.shown(),
        }

    def rest(self) -> dict[str, Any]:
        """Whether nothing is under way, and when the next scheduled thing falls due."""
        due_at = self.agenda.next_due_at()
        return {
            "at_rest": self.post.is_idle() and not self.agenda.is_due(),
            "next_due_at": due_at.isoformat() if due_at else None,
        }

    async def reset(self) -> None:
        """Forget everything; addresses and secrets stay."""
        self.agenda.clear()
        self.faults.clear()
        await self.post.clear()
        for books in (self.stripe, self.pharmacy, self.signing, self.sms, self.mail):
            books.clear()


def world_of(request: Request) -> World:
    world = request.app.state.world
    assert isinstance(world, World)
    return world


TheWorld = Annotated[World, Depends(world_of)]
