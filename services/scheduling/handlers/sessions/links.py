"""Booking links as staff make and revoke them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.scheduling import store
from services.scheduling.booking_links import BookingLinks, SignedLink
from services.scheduling.forms.wish import Wish
from services.scheduling.handlers.free_starts import today_at
from services.scheduling.handlers.patients.files import lock_file
from services.scheduling.rules import booking_links as rules
from services.scheduling.rules.booking_links import LinkState
from services.scheduling.rules.clinic.house import LINK_DAYS_MAX, HouseFigure
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.sessions import broken_by_type
from services.scheduling.store import sessions
from services.scheduling.store.house import figure_of
from services.scheduling.tables.booking_links import BookingLink
from shared.auth import Actor
from shared.events import Moment
from shared.events.scheduling import TypeCode
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


class MakeLink(Wish):
    """A link for one session at a place, led by a clinician.

    It is good for so many days; left out, for as many as the house's figure says.
    """

    location_id: UUID
    clinician_id: UUID
    visit_type: TypeCode = "preparation"
    valid_days: Annotated[int, Field(ge=1, le=LINK_DAYS_MAX)] | None = None


class LinkAnswer(BaseModel):
    """A link; `path` is what follows the address under which patients reach the clinic."""

    link_id: UUID
    patient_id: UUID
    path: str
    expires_at: Moment
    state: LinkState
    appointment_id: UUID | None


async def make_link(
    patient_id: UUID, wish: MakeLink, by: Actor, links: BookingLinks, tx: Transaction
) -> LinkAnswer | Refused:
    """Give a patient leave to book one session."""
    patient = await lock_file(tx, patient_id)
    if isinstance(patient, Refused):
        return patient
    location = await store.find_location(tx, wish.location_id)
    clinician = await store.find_clinician(tx, wish.clinician_id)
    named = ((location, "location"), (clinician, "clinician"))
    broken = [unknown(noun, f"{noun}_id") for found, noun in named if found is None]
    if location is not None:
        policy = await store.policy_of(tx, wish.location_id, wish.visit_type)
        broken += _broken_by_type(policy, today_at(location, tx))
    if broken:
        return Refused.by_rules(broken, "The link is not made")
    valid_days = wish.valid_days or await figure_of(tx, HouseFigure.LINK_VALID_DAYS)
    link = BookingLink(
        link_id=new_id(),
        patient_id=patient_id,
        location_id=wish.location_id,
        clinician_id=wish.clinician_id,
        visit_type=wish.visit_type,
        made_at=tx.now,
        made_by=by.subject,
        expires_at=(tx.now + timedelta(days=valid_days)).replace(microsecond=0),
        revoked_at=None,
        appointment_id=None,
    )
    tx.insert(BookingLink, **link.model_dump())
    return show_link(link, links, tx)


def _broken_by_type(policy: Policy, today: date) -> list[Broken]:
    if not policy.visits:
        return [unknown("visit type", "visit_type")]
    figures = policy.figures_on(today)
    return broken_by_type(
        chair_needed=figures.chair_needed,
        booked_min=figures.booked_min,
        chair_source=figures.sources["chair_needed"],
    )


async def read_link(link_id: UUID, links: BookingLinks, tx: Transaction) -> LinkAnswer | Refused:
    link = await sessions.find_link(tx, link_id)
    if link is None:
        return Refused.not_found("booking link", "link_id")
    return show_link(link, links, tx)


async def revoke_link(link_id: UUID, links: BookingLinks, tx: Transaction) -> LinkAnswer | Refused:
    """Take the leave back: whoever opens the link is asked to call. What was booked stands."""
    link = await sessions.lock_link(tx, link_id)
    if link is None:
        return Refused.not_found("booking link", "link_id")
    broken = rules.broken_by_revoking(state_of(link, tx))
    if broken:
        return Refused.by_rules(broken, "The link is not revoked")
    return show_link(await sessions.change_link(tx, link, revoked_at=tx.now), links, tx)


def state_of(link: BookingLink, tx: Transaction) -> LinkState:
    return rules.state_of(
        used=link.appointment_id is not None,
        revoked_at=link.revoked_at,
        expires_at=link.expires_at,
        now=tx.now,
    )


def show_link(link: BookingLink, links: BookingLinks, tx: Transaction) -> LinkAnswer:
    token = links.token(SignedLink(link.link_id, link.expires_at))
    return LinkAnswer(**link.model_dump(), path=f"/book/{token}", state=state_of(link, tx))
