"""Billing's HTTP API: one file per noun.

Who may call what is declared here, what happens is decided in handlers.
"""

from __future__ import annotations

from services.billing.routes import (
    approvals,
    cards,
    care_credit,
    charges,
    closed_files,
    codes,
    collections,
    coverage,
    disputes,
    estimate_disputes,
    estimates,
    fees,
    held_charges,
    ledger,
    mandates,
    packages,
    pay_links,
    reconciliation,
    refunds,
    reports,
    statements,
    superbill_additions,
    superbills,
    unmatched,
)

ROUTERS = (
    fees.router,
    packages.router,
    estimates.router,
    coverage.router,
    held_charges.router,
    estimate_disputes.router,
    cards.router,
    mandates.router,
    charges.router,
    pay_links.router,
    collections.router,
    ledger.router,
    unmatched.router,
    closed_files.router,
    refunds.router,
    disputes.router,
    codes.router,
    care_credit.router,
    approvals.router,
    superbills.router,
    statements.router,
    superbill_additions.router,
    reports.router,
    reconciliation.router,
)
"""In the order of the API's document."""
