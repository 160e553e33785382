"""Superbills: built, issued, corrected, read."""
