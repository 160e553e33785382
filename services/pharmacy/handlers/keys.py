"""Under which keys a prescription's work waits. New work under a key replaces what waits there.

What a notice calls for has a key of its own: else the next round of asking, scheduled meanwhile,
would replace it and the notice would go unheard.
"""

from __future__ import annotations

from uuid import UUID


def redeem(prescription_id: UUID) -> str:
    return f"redeem:{prescription_id}"


def open_session(prescription_id: UUID) -> str:
    return f"open_session:{prescription_id}"


def ask_session(prescription_id: UUID) -> str:
    return f"ask_session:{prescription_id}"


def session_told(signing_id: UUID) -> str:
    return f"session_told:{signing_id}"


def send(prescription_id: UUID) -> str:
    return f"send:{prescription_id}"


def ask_orders(prescription_id: UUID) -> str:
    return f"ask_orders:{prescription_id}"


def orders_told(prescription_id: UUID) -> str:
    return f"orders_told:{prescription_id}"


def twin(order_id: str) -> str:
    return f"twin:{order_id}"


def all_of(prescription_id: UUID) -> tuple[str, ...]:
    """What no longer happens once a prescription is over."""
    return tuple(
        key(prescription_id) for key in (redeem, open_session, ask_session, send, ask_orders)
    )
