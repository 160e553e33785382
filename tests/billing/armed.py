"""Billing's own process, except that it ends by SIGKILL right before or after a call to Stripe.

`KILL_AT` names the side and the method: `before create_customer`, `after capture`. Nothing in the
product knows of this.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from services.billing.app import build
from services.billing.gateways.stripe import StripePayments
from shared.service import main


def arm(kill_at: str) -> None:
    side, method = kill_at.split()
    original = getattr(StripePayments, method)

    async def deadly(payments: StripePayments, order: Any) -> None:
        if side == "after":
            await original(payments, order)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(StripePayments, method, deadly)


if __name__ == "__main__":
    arm(os.environ["KILL_AT"])
    main(build)
