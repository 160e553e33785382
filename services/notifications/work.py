"""What notifications leave to be done, and what the outside calls find. Ids only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.notifications.rules import NotSent
from services.notifications.words import Words
from shared.messaging import Fact, Work


class RedeemContact(Work):
    """Ask scheduling how to reach a patient. `asked_no` orders the answers."""

    patient_id: UUID
    asked_no: int


class RedeemLocation(Work):
    """A place as it is since the correction of this number."""

    location_id: UUID
    revision: int = 0


class SendText(Work):
    """Hand one text to the provider, if it is still true; only at the message's newest turn."""

    message_id: UUID
    turn: int


class SendMail(Work):
    """As `SendText`, for a mail."""

    message_id: UUID
    turn: int


@dataclass(frozen=True, slots=True)
class Letter:
    """What a caller hands to a provider: the same at every try.

    `repeated` says that an earlier try may have left. `untrue` forbids another one; the earlier
    one is still looked for.
    """

    message_id: UUID
    to: str = field(repr=False)
    words: Words = field(repr=False)
    written_at: datetime
    repeated: bool = False
    untrue: NotSent | None = None


class RedeemPayLink(Work):
    """Ask billing where a patient can pay. `sent_no` tells one sending from the next."""

    pay_link_id: UUID
    sent_no: int


class PayLinkRedeemed(Fact):
    """Held in memory, never in clear on disk. No address when the page has closed."""

    pay_link_id: UUID
    patient_id: UUID
    sent_no: int
    url: str | None
    expires_at: datetime


class ContactRedeemed(Fact):
    patient_id: UUID
    asked_no: int
    first_name: str
    phone: str
    email: str


class LocationRedeemed(Fact):
    """A place as it is since the correction of this number, or later."""

    location_id: UUID
    revision: int
    name: str
    zone: str
    phone: str


class MessageTaken(Fact):
    """The provider has it, under a reference of its own or ours."""

    message_id: UUID
    provider_ref: str


class MessageRefused(Fact):
    """It did not leave and will not."""

    message_id: UUID
    reason: NotSent
