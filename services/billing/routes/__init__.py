"""Billing's HTTP API: one file per noun.

Who may call what is declared here, what happens is decided in handlers.
"""

from __future__ import annotations

from services.billing.routes import (
    approvals,
    cards,
    care_credit,
    charges,
    codes,
    collections,
    disputes,
    estimates,
    fees,
    ledger,
    pay_links,
    reconciliation,
    refunds,
    reports,
    superbills,
    unmatched,
)

ROUTERS = (
    fees.router,
    estimates.router,
    cards.router,
    charges.router,
    pay_links.router,
    collections.router,
    ledger.router,
    unmatched.router,
    refunds.router,
    disputes.router,
    codes.router,
    care_credit.router,
    approvals.router,
    superbills.router,
    reports.router,
    reconciliation.router,
)
"""In the order of the API's document."""
