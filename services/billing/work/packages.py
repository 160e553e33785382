"""A package is paid by the card on file, and looked for where that was given up.

What comes of it are the facts of any payment by card, under the purchase's id.
"""

from __future__ import annotations

from uuid import UUID

from shared.messaging import Work


class PayForPackage(Work):
    """Charge the card of one purchase."""

    purchase_id: UUID


class LookForPackagePayment(Work):
    """Ask Stripe what came of a purchase whose payment was given up."""

    purchase_id: UUID
