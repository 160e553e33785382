"""The ledger, whether it ties with the outside, and what is read from it."""
