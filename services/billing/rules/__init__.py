"""Billing's rule sheet. Pure: time and ids are passed in, and every figure names its source."""
