"""Fees, charges, cards, payments, superbills."""
