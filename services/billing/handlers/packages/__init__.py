"""Prepaid packages: offered, bought, paid."""
