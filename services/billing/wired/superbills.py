"""A paid charge gets its superbill: redeemed, built and numbered, printed, issued, corrected."""

from __future__ import annotations

from services.billing.gateways.typesetting import Typesetter
from services.billing.handlers.superbills import issuing
from services.billing.store import superbills as stored_superbills
from services.billing.work import (
    RedeemService,
    ReissueSuperbill,
    RenderSuperbill,
    ServiceRedeemed,
    SuperbillRendered,
)
from shared.claims import ClaimCheck
from shared.messaging import Handlers

on = Handlers("billing")

on.work(RedeemService, loads=stored_superbills.load_unbilled, calls=ClaimCheck)(
    issuing.redeem_service
)
on.work(ReissueSuperbill, loads=stored_superbills.load_corrected, calls=ClaimCheck)(
    issuing.redeem_service
)
on.outcome(ServiceRedeemed)(issuing.draft_superbill)
on.work(RenderSuperbill, loads=stored_superbills.load_unprinted, calls=Typesetter)(
    issuing.render_superbill
)
on.outcome(SuperbillRendered)(issuing.issue_superbill)
