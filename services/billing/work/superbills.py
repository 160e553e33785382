"""A superbill is redeemed, built and printed; a later fact has another version made."""

from __future__ import annotations

from uuid import UUID

from services.billing.rules.superbills.document import CorrectionReason
from shared.claims import ConsultRecord, InfusionRecord
from shared.messaging import Fact, Work


class RedeemService(Work):
    """Ask scheduling what the superbill of a paid charge needs."""

    charge_id: UUID


class ReissueSuperbill(Work):
    """Have the superbill of a charge say what is true now, in another version."""

    charge_id: UUID
    reason: CorrectionReason = CorrectionReason.REFUND


class ServiceRedeemed(Fact):
    """What scheduling knows of a service that is paid. Held in memory, never in clear on disk."""

    charge_id: UUID
    record: InfusionRecord | ConsultRecord
    correction: CorrectionReason | None = None


class RenderSuperbill(Work):
    """Print a superbill and its receipt."""

    superbill_id: UUID


class SuperbillRendered(Fact):
    superbill_id: UUID
    pdf: bytes
    receipt: bytes


def reissue_key(charge_id: UUID) -> str:
    """One correction of a charge's superbill is on its way at a time."""
    return f"reissue:{charge_id}"
