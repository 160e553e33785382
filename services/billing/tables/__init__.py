"""What billing keeps: fees, estimates, charges, payments, packages, ledger, cards, superbills.

Ids, states and cents are in the clear; client secrets, estimates, superbills, statements, what
patients answered about coverage and where they agreed from are sealed.
"""

from __future__ import annotations

from services.billing.tables.adjustments import ChargeAdjustment
from services.billing.tables.approvals import Approval, ApprovalLimit, SingleEntry
from services.billing.tables.base import Base
from services.billing.tables.cards import Card, CardExpiryPolicy, CardNotice, CardSetup, Customer
from services.billing.tables.care_credit import CareCreditFunding, CareCreditTender
from services.billing.tables.charges import Charge
from services.billing.tables.closed_files import ClosedFile
from services.billing.tables.codes import (
    BlockedCode,
    DiagnosisCode,
    DrugCode,
    ExpectedCode,
    PlaceOfService,
    ServiceCode,
    VisitTypeDrug,
)
from services.billing.tables.collecting import (
    CollectionsHold,
    Dunning,
    DunningPolicy,
    NetworkCeiling,
)
from services.billing.tables.coverage import (
    ClinicianStanding,
    CoveragePaper,
    PatientCoverage,
)
from services.billing.tables.disputes import (
    Dispute,
    DisputeAnswer,
    DisputeEvidence,
    DisputeMovement,
)
from services.billing.tables.estimate_disputes import EstimateDispute
from services.billing.tables.estimates import (
    Estimate,
    EstimateCourse,
    EstimateDocument,
    EstimateNumber,
    EstimateWording,
    SeriesVisit,
)
from services.billing.tables.fees import Fee, UnchargedInfusion
from services.billing.tables.held_charges import EstimateMargin, HeldCharge
from services.billing.tables.ledger import LedgerAccount, LedgerTransfer
from services.billing.tables.mandates import Mandate, MandateText
from services.billing.tables.notices import NoticesSeen
from services.billing.tables.packages import Package, PackagePurchase, PackageUnit
from services.billing.tables.pay_links import PayLink
from services.billing.tables.payments import Payment, PaymentAttempt, UnmatchedPayment
from services.billing.tables.reconciliation import (
    Reconciliation,
    ReconciliationBreak,
    StripeMovement,
    StripePayout,
)
from services.billing.tables.refunds import Refund
from services.billing.tables.session_codes import SessionCode
from services.billing.tables.statements import PatientStatement
from services.billing.tables.superbill_additions import SuperbillAddition
from services.billing.tables.superbills import (
    Superbill,
    SuperbillDocument,
    SuperbillHold,
    SuperbillNumber,
    SuperbillWording,
)
from services.billing.tables.visits import Visit

__all__ = [
    "Approval",
    "ApprovalLimit",
    "Base",
    "BlockedCode",
    "Card",
    "CardExpiryPolicy",
    "CardNotice",
    "CardSetup",
    "CareCreditFunding",
    "CareCreditTender",
    "Charge",
    "ChargeAdjustment",
    "ClinicianStanding",
    "ClosedFile",
    "CollectionsHold",
    "CoveragePaper",
    "Customer",
    "DiagnosisCode",
    "Dispute",
    "DisputeAnswer",
    "DisputeEvidence",
    "DisputeMovement",
    "DrugCode",
    "Dunning",
    "DunningPolicy",
    "Estimate",
    "EstimateCourse",
    "EstimateDispute",
    "EstimateDocument",
    "EstimateMargin",
    "EstimateNumber",
    "EstimateWording",
    "ExpectedCode",
    "Fee",
    "HeldCharge",
    "LedgerAccount",
    "LedgerTransfer",
    "Mandate",
    "MandateText",
    "NetworkCeiling",
    "NoticesSeen",
    "Package",
    "PackagePurchase",
    "PackageUnit",
    "PatientCoverage",
    "PatientStatement",
    "PayLink",
    "Payment",
    "PaymentAttempt",
    "PlaceOfService",
    "Reconciliation",
    "ReconciliationBreak",
    "Refund",
    "SeriesVisit",
    "ServiceCode",
    "SessionCode",
    "SingleEntry",
    "StripeMovement",
    "StripePayout",
    "Superbill",
    "SuperbillAddition",
    "SuperbillDocument",
    "SuperbillHold",
    "SuperbillNumber",
    "SuperbillWording",
    "UnchargedInfusion",
    "UnmatchedPayment",
    "Visit",
    "VisitTypeDrug",
]
