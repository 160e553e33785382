"""Billing's figures: charges, webhooks, superbills, and the ledger when it is large."""
