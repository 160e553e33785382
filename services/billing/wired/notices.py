"""News from Stripe: what it told of in vain is found in its list."""

from __future__ import annotations

from services.billing.gateways.news import News
from services.billing.handlers import notices
from services.billing.rules.notices import next_catch_up
from services.billing.store import notices as stored_notices
from services.billing.work import (
    CatchUp,
    ListNotices,
    NoticesListed,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.round(CatchUp, after=next_catch_up)(notices.catch_up)
on.work(ListNotices, loads=stored_notices.load_window, calls=News)(notices.list_notices)
on.outcome(NoticesListed)(notices.take_listed)
