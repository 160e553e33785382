"""How addresses and phones stand on billing's documents."""

from __future__ import annotations

from shared.claims import Address


def address_lines(address: Address) -> tuple[str, ...]:
    town = f"{address.city}, {address.state} {address.postal_code}"
    return tuple(line for line in (address.line1, address.line2, town) if line)


def as_dialled(e164: str) -> str:
    """`(202) 555-0147` for a number of the North American plan; another stays as it is."""
    if len(e164) == len("+12025550147") and e164.startswith("+1"):
        return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
    return e164
