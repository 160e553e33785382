"""Composition root of scheduling."""

from __future__ import annotations

from services.scheduling.booking_links import BookingLinks
from services.scheduling.events import on
from services.scheduling.import_keys import ImportKeys
from services.scheduling.routes import ROUTERS
from services.scheduling.settings import SchedulingSettings
from services.scheduling.store.reach import REACH
from services.scheduling.tables import Base
from shared.service import Parts
from shared.settings import PracticeSettings, load


def build() -> Parts:
    """Read the settings and lay out the service. Raises `Misconfigured`."""
    practice = load(PracticeSettings)
    secret = practice.token_secret.get_secret_value()
    return Parts(
        handlers=on,
        metadata=Base.metadata,
        practice=practice,
        own=load(SchedulingSettings),
        gateways={},
        routers=ROUTERS,
        state={
            "booking_links": BookingLinks(secret),
            "import_keys": ImportKeys(secret),
            "reach": REACH,
        },
    )
