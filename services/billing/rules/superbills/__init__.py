"""Superbills, their codes, and what keeps one from being issued."""
