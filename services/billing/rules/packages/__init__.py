"""Prepaid packages: when one is sold and for which money, and what its units are worth."""
