"""A superbill is redeemed, built and printed."""

from __future__ import annotations

from uuid import UUID

from shared.claims import InfusionRecord
from shared.messaging import Fact, Work


class RedeemInfusion(Work):
    """Ask scheduling what the superbill of a paid charge needs."""

    charge_id: UUID


class InfusionRedeemed(Fact):
    """What scheduling knows of an infusion that is paid. Held in memory, never in clear on disk."""

    charge_id: UUID
    record: InfusionRecord


class RenderSuperbill(Work):
    """Print a superbill."""

    superbill_id: UUID


class SuperbillRendered(Fact):
    superbill_id: UUID
    pdf: bytes
