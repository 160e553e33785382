"""Deciders, by noun: each loads, asks the rules, stores, and says what happened."""
