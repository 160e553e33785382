"""Prescriptions, from a completed series to a delivered spray."""
