"""Money is integer cents of one currency. No floats, no implicit rounding."""

from __future__ import annotations


def dollars(amount_cents: int) -> str:
    """`$1,234.50` for people. Negative amounts carry a leading minus."""
    sign = "-" if amount_cents < 0 else ""
    whole, cents = divmod(abs(amount_cents), 100)
    return f"{sign}${whole:,}.{cents:02d}"


def split_evenly(amount_cents: int, parts: int) -> list[int]:
    """Split so that the parts sum exactly to the whole; earlier parts carry the odd cents."""
    if parts < 1:
        raise ValueError("parts must be at least 1")
    base, odd = divmod(amount_cents, parts)
    return [base + (1 if index < odd else 0) for index in range(parts)]
