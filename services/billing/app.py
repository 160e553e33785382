"""Billing put together: settings, gateways, routes."""

from __future__ import annotations

from services.billing.events import on
from services.billing.gateways.stripe import Stripe, at_stripe
from services.billing.gateways.stripe.notices import reader
from services.billing.gateways.typesetting import Typesetter, Typst
from services.billing.handlers.notices import VENDOR, take_notice
from services.billing.routes import ROUTERS
from services.billing.settings import BillingSettings
from services.billing.tables import Base
from shared.claims import ClaimCheck, SchedulingClaims
from shared.http.webhooks import webhook_route
from shared.service import Parts
from shared.settings import PracticeSettings, load


def build() -> Parts:
    """Billing's parts. Raises `Misconfigured` in one line."""
    practice, own = load(PracticeSettings), load(BillingSettings)
    return Parts(
        handlers=on,
        metadata=Base.metadata,
        practice=practice,
        own=own,
        gateways={
            **at_stripe(
                Stripe(
                    own.stripe_key.get_secret_value(),
                    api_base=str(own.stripe_api_base) if own.stripe_api_base else None,
                ),
                return_url=str(own.pay_link_return_url),
            ),
            ClaimCheck: SchedulingClaims(
                str(own.scheduling_url),
                service=on.service,
                token_secret=practice.token_secret.get_secret_value(),
            ),
            Typesetter: Typst(),
        },
        routers=[webhook_route(VENDOR, reader(own.webhook_secrets), take_notice), *ROUTERS],
        state={"stripe_publishable_key": own.stripe_publishable_key},
    )
