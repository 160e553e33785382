"""Who may do what a desk does every day."""

from __future__ import annotations

from shared.auth import Role, allow

DESK = [allow(Role.FRONT_DESK, Role.BILLER)]
