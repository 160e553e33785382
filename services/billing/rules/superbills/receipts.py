"""The receipt for a health savings or flexible spending account: no diagnosis, no code, no drug.

Administrators ask for five things: patient, provider, date of service, what it was in neutral
words, and the amount (Benepass, Chard Snyder). It says the money of the superbill beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.billing.rules.superbills.document import Payment, Refund, Superbill
from services.billing.rules.superbills.wording import ReceiptWords


@dataclass(frozen=True, slots=True)
class Provider:
    legal_name: str
    ein: str
    phone: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Care:
    """One visit. `amount_cents` is what was charged for it."""

    date_of_service: date
    description: str
    clinician: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class CareReceipt:
    """The document: `net_paid_cents` is what the patient paid and did not get back."""

    number: str
    version: int
    title: str
    issued_on: date
    provider: Provider
    patient: str
    care: tuple[Care, ...]
    currency: str
    payments: tuple[Payment, ...]
    refunds: tuple[Refund, ...]
    net_paid_cents: int
    notice: str


def receipt_of(bill: Superbill, words: ReceiptWords) -> CareReceipt:
    """The receipt that goes with a superbill, in the words that were the clinic's then."""
    return CareReceipt(
        number=bill.number,
        version=bill.version,
        title=words.title,
        issued_on=bill.issued_on,
        provider=Provider(
            bill.entity.legal_name, bill.entity.ein, bill.entity.phone, bill.entity.address
        ),
        patient=bill.patient.name,
        care=tuple(
            Care(
                date_of_service=visit.date_of_service,
                description=words.description,
                clinician=f"{visit.rendering.name}, {visit.rendering.credential}",
                amount_cents=sum(
                    line.charge_cents for line in bill.lines if line.visit_no == visit_no
                ),
            )
            for visit_no, visit in enumerate(bill.visits, 1)
        ),
        currency=bill.currency,
        payments=bill.payments,
        refunds=bill.refunds,
        net_paid_cents=bill.net_paid_cents,
        notice=words.notice,
    )
