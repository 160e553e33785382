"""What keeps an installation from running, in words for whoever started it."""

from __future__ import annotations


class Trouble(Exception):
    """Something that a person must mend. The message says what, and where to look."""
