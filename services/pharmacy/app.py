"""Pharmacy put together."""

from __future__ import annotations

from services.pharmacy import routes
from services.pharmacy.events import on
from services.pharmacy.gateways.partner import HttpPartnerPharmacy, PartnerPharmacy
from services.pharmacy.gateways.signing import HttpSigning, Signing
from services.pharmacy.handlers.following import hear_pharmacy
from services.pharmacy.handlers.signing import hear_signing_vendor
from services.pharmacy.seals import sealed_notices
from services.pharmacy.settings import PharmacySettings, several
from services.pharmacy.tables import Base
from shared import logs
from shared.claims import ClaimCheck, SchedulingClaims
from shared.http.webhooks import webhook_route
from shared.service import Parts
from shared.settings import PracticeSettings, load

logs.allow("prescription_id", "order_id")


def build() -> Parts:
    practice, own = load(PracticeSettings), load(PharmacySettings)
    return Parts(
        handlers=on,
        metadata=Base.metadata,
        practice=practice,
        own=own,
        gateways={
            ClaimCheck: SchedulingClaims(
                own.scheduling_url,
                service="pharmacy",
                token_secret=practice.token_secret.get_secret_value(),
            ),
            Signing: HttpSigning(own.signing_url, own.signing_key.get_secret_value()),
            PartnerPharmacy: HttpPartnerPharmacy(
                own.partner_url, own.partner_key.get_secret_value()
            ),
        },
        routers=[
            routes.router,
            webhook_route(
                "pharmacy",
                sealed_notices("x-pharmacy-signature", several(own.partner_webhook_secret)),
                hear_pharmacy,
            ),
            webhook_route(
                "signing",
                sealed_notices("x-signing-signature", several(own.signing_webhook_secret)),
                hear_signing_vendor,
            ),
        ],
        state={},
    )
