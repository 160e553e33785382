"""What billing has itself do, and what its callers bring home. Work carries ids only."""

from __future__ import annotations

from services.billing.work.cards import (
    CardConfirmed,
    CreateCustomer,
    CreateSetupIntent,
    CustomerKnown,
    LookAtSetup,
    SetupCancelled,
    SetupReady,
)
from services.billing.work.charges import ChargeLate
from services.billing.work.collecting import TakeStep, step_key
from services.billing.work.disputes import DisputeStands, LookAtDispute, WatchDisputes
from services.billing.work.estimates import (
    EscalateEstimate,
    EstimateRendered,
    PlanRedeemed,
    RedeemPlan,
    RemindEstimate,
    RenderEstimate,
    ReviewEstimates,
    overdue_key,
    plan_key,
    remind_key,
    review_key,
)
from services.billing.work.notices import CatchUp, ListNotices, NoticesListed
from services.billing.work.pay_links import (
    CreatePayLink,
    ExpirePayLink,
    LookAtPayLink,
    PayLinkEnded,
    PayLinkMade,
)
from services.billing.work.payments import (
    Captured,
    CapturePayment,
    Declined,
    LookAtPayment,
    LookForPayment,
    NeverArrived,
    NothingToStore,
    capture_key,
    look_key,
)
from services.billing.work.refunds import CreateRefund, LookAtRefund, RefundStands, refund_key
from services.billing.work.superbills import (
    RedeemService,
    ReissueSuperbill,
    RenderSuperbill,
    ServiceRedeemed,
    SuperbillRendered,
    reissue_key,
)

__all__ = [
    "CapturePayment",
    "Captured",
    "CardConfirmed",
    "CatchUp",
    "ChargeLate",
    "CreateCustomer",
    "CreatePayLink",
    "CreateRefund",
    "CreateSetupIntent",
    "CustomerKnown",
    "Declined",
    "DisputeStands",
    "EscalateEstimate",
    "EstimateRendered",
    "ExpirePayLink",
    "ListNotices",
    "LookAtDispute",
    "LookAtPayLink",
    "LookAtPayment",
    "LookAtRefund",
    "LookAtSetup",
    "LookForPayment",
    "NeverArrived",
    "NothingToStore",
    "NoticesListed",
    "PayLinkEnded",
    "PayLinkMade",
    "PlanRedeemed",
    "RedeemPlan",
    "RedeemService",
    "RefundStands",
    "ReissueSuperbill",
    "RemindEstimate",
    "RenderEstimate",
    "RenderSuperbill",
    "ReviewEstimates",
    "ServiceRedeemed",
    "SetupCancelled",
    "SetupReady",
    "SuperbillRendered",
    "TakeStep",
    "WatchDisputes",
    "capture_key",
    "look_key",
    "overdue_key",
    "plan_key",
    "refund_key",
    "reissue_key",
    "remind_key",
    "review_key",
    "step_key",
]
