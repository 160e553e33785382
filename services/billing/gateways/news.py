"""What billing asks of a card processor about what happened while nobody was told."""

from __future__ import annotations

from typing import Protocol

from services.billing.rules.notices import Window
from services.billing.work import NoticesListed


class News(Protocol):
    """May be asked again; raises as the calls of `Payments` do."""

    async def told(self, window: Window) -> NoticesListed:
        """What happened within a window, the oldest first."""
        ...
