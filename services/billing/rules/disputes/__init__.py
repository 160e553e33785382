"""Payments that a cardholder's bank doubts."""
