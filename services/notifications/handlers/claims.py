"""Contacts and places: asked for at scheduling's claim check, kept as copies of our own."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.notifications.handlers import messages
from services.notifications.store import contacts as stored_contacts
from services.notifications.store import places as stored_places
from services.notifications.store import visits as stored_visits
from services.notifications.store.contacts import Reach
from services.notifications.words import Place
from services.notifications.work import (
    ContactRedeemed,
    LocationRedeemed,
    RedeemContact,
    RedeemLocation,
)
from shared.claims import ClaimCheck
from shared.events.scheduling import LocationUpdated, PatientRegistered, PatientUpdated
from shared.ids import UUID
from shared.messaging import Transaction

PURPOSE = "patient_messages"


async def copy_contact(event: PatientRegistered, tx: Transaction) -> None:
    await ask_for_contact(tx, event.patient_id)


async def refresh_contact(event: PatientUpdated, tx: Transaction) -> None:
    await ask_for_contact(tx, event.patient_id)


async def ask_for_contact(tx: Transaction, patient_id: UUID) -> None:
    """Have a patient's contact redeemed. A question under way may be overtaken by this one."""
    asked_no = await stored_contacts.ask_for_contact(tx, patient_id)
    tx.do(RedeemContact(patient_id=patient_id, asked_no=asked_no), key=f"contact:{patient_id}")


async def refresh_location(event: LocationUpdated, tx: Transaction) -> None:
    ask_for_location(tx, event.location_id, event.revision)


def ask_for_location(tx: Transaction, location_id: UUID, revision: int = 0) -> None:
    """Have a place redeemed, as it is since this correction or later."""
    tx.do(RedeemLocation(location_id=location_id, revision=revision), key=f"location:{location_id}")


async def redeem_contact(work: RedeemContact, claims: ClaimCheck) -> ContactRedeemed:
    """Ask how to reach a patient. Safe to repeat: it only reads."""
    card = await claims.patient(work.patient_id, purpose=PURPOSE)
    return ContactRedeemed(
        patient_id=work.patient_id,
        asked_no=work.asked_no,
        first_name=card.first_name,
        phone=card.phone,
        email=card.email,
    )


async def redeem_location(work: RedeemLocation, claims: ClaimCheck) -> LocationRedeemed:
    """Ask where a place is. Safe to repeat: it only reads."""
    card = await claims.location(work.location_id, purpose=PURPOSE)
    return LocationRedeemed(
        location_id=work.location_id,
        revision=work.revision,
        name=card.name,
        zone=card.zone,
        phone=card.phone,
    )


async def keep_contact(found: ContactRedeemed, tx: Transaction) -> None:
    """Keep the copy and start what waited for it.

    Messages first, then the contact: a sending locks in the same order.
    """
    await messages.start_anew(tx, patient_id=found.patient_id)
    reach = Reach(found.first_name, found.phone, found.email)
    await stored_contacts.keep_contact(tx, found.patient_id, found.asked_no, reach)


async def keep_location(found: LocationRedeemed, tx: Transaction) -> None:
    """Keep the copy, plan the visits that waited for its zone, start what waited for its words."""
    place = Place(found.name, ZoneInfo(found.zone), found.phone)
    await messages.start_anew(tx, location_id=found.location_id)
    await stored_places.keep_location(tx, found.location_id, found.revision, place)
    for visit in await stored_visits.visits_to_come(tx, found.location_id):
        await messages.plan_reminders(tx, visit, place)
