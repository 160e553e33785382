"""Where no saved card can pay, the patient pays on a page: it brings the same facts."""

from __future__ import annotations

from services.billing.gateways.pay_links import PayLinks
from services.billing.gateways.stripe import CALL_LIMIT_S
from services.billing.handlers.collecting import steps
from services.billing.handlers.payments import pay_links
from services.billing.rules.notices import next_catch_up
from services.billing.store import pay_links as store
from services.billing.work import (
    CreatePayLink,
    ExpirePayLink,
    LookAtPagesPastEnd,
    LookAtPayLink,
    PayLinkEnded,
    PayLinkMade,
)
from shared.messaging import Handlers

on = Handlers("billing")

on.work(CreatePayLink, loads=store.load_unmade, calls=PayLinks, time_limit_s=CALL_LIMIT_S)(
    pay_links.create_link
)
on.discarded(CreatePayLink)(pay_links.give_up_link)
on.outcome(PayLinkMade)(pay_links.record_link_made)
on.work(LookAtPayLink, calls=PayLinks)(pay_links.look_at_link)
on.round(LookAtPagesPastEnd, after=next_catch_up)(pay_links.look_past_end)
on.work(ExpirePayLink, loads=store.load_to_close, calls=PayLinks)(pay_links.close_link)
on.outcome(PayLinkEnded)(steps.record_link_ended)
