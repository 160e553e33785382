"""What Stripe told of, or would have: gone through again and again."""

from __future__ import annotations

from datetime import datetime

from shared.http.webhooks import Notice
from shared.messaging import Fact, Work


class CatchUp(Work):
    """Go through what happened at Stripe since this was last done."""


class ListNotices(Work):
    """Ask Stripe what happened in the next stretch that was not gone through."""


class NoticesListed(Fact):
    """All that Stripe has to tell until a moment, the oldest first."""

    until: datetime
    notices: tuple[Notice, ...]
