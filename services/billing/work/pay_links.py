"""A page is made on which a patient pays, looked at, and closed."""

from __future__ import annotations

from uuid import UUID

from shared.messaging import Fact, Work


class CreatePayLink(Work):
    """Have Stripe make the page of a pay link."""

    pay_link_id: UUID


class PayLinkMade(Fact):
    """The page is there. `url` is only for the patient."""

    pay_link_id: UUID
    session_id: str
    url: str


class LookAtPayLink(Work):
    """Ask Stripe how a page stands now."""

    session_id: str


class LookAtPagesPastEnd(Work):
    """Comes round every hour: have the pages looked at that should have ended."""


class ExpirePayLink(Work):
    """Have Stripe close a page that was withdrawn."""

    pay_link_id: UUID


class PayLinkEnded(Fact):
    """Nobody paid on the page, and nobody can any more."""

    pay_link_id: UUID
