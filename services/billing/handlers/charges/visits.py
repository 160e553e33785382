"""Visits: whose they are, and how they are going to be paid."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.billing.handlers.estimates import terms
from services.billing.handlers.superbills import issuing
from services.billing.rules.charges.attempts import PREPAID_BY_ITSELF, broken_by_late_tender
from services.billing.store import visits as store
from services.billing.store.visits import Known
from services.billing.tables import SeriesVisit, Visit
from shared.events.billing import TenderKind
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    PatientCheckedIn,
    PatientDischarged,
    PatientSentHome,
)
from shared.http.problems import Refused
from shared.messaging import Transaction


class ChooseTender(BaseModel):
    """How a visit will be paid."""

    patient_id: UUID
    tender: TenderKind


class TenderChosen(ChooseTender):
    appointment_id: UUID


async def note_visit(event: AppointmentBooked, tx: Transaction, known: Known) -> None:
    """Keep whose visit it is and of which series; one that was not planned is estimated anew.

    So is one that is booked again because its patient came after all. Outside a series a treatment
    is estimated by itself, and so is a session.
    """
    is_alone = event.series_id is None and event.in_chair is not None
    if known.is_kept:
        await store.set_start(tx, event.appointment_id, event.starts_at)
        if event.series_id is not None and event.revision > 0:
            terms.review(tx, event.series_id)
        elif is_alone:
            await terms.reopen_visit(event, tx)
        return
    tx.insert(
        Visit,
        appointment_id=event.appointment_id,
        patient_id=event.patient_id,
        starts_at=event.starts_at,
        zone=event.zone,
        location_id=event.location_id,
    )
    if event.series_id is not None:
        tx.insert(SeriesVisit, appointment_id=event.appointment_id, series_id=event.series_id)
        if known.is_more:
            await terms.note_more(event, tx)
    elif is_alone:
        tx.insert(SeriesVisit, appointment_id=event.appointment_id, series_id=event.appointment_id)
        await terms.open_visit(event, tx)


async def note_move(event: AppointmentMoved, tx: Transaction) -> None:
    """Keep when a visit is now, and have its series looked at again."""
    await store.set_start(tx, event.appointment_id, event.starts_at)
    await terms.note_change(event, tx)


async def note_loss(event: AppointmentCancelled | PatientSentHome, tx: Transaction) -> None:
    """A visit will not be, and its series may be expected to cost another thing."""
    await store.set_start(tx, event.appointment_id, None)
    await terms.note_change(event, tx)


async def note_arrival(event: PatientCheckedIn, tx: Transaction) -> None:
    """Keep when a patient came, for a bank that doubts it."""
    await store.note_times(tx, event.appointment_id, arrived_at=event.checked_in_at)


async def note_departure(event: PatientDischarged, tx: Transaction) -> None:
    """Keep when a patient left; a superbill that waited for what ran is made now."""
    await store.note_times(tx, event.appointment_id, left_at=event.discharged_at)
    await issuing.ask_with_drug(event.infusion_id, tx)


async def choose_tender(
    appointment_id: UUID, wish: ChooseTender, tx: Transaction
) -> TenderChosen | Refused:
    """Note how a visit will be paid. Only a card is charged when the infusion completes.

    The visit is locked before its charge is looked for: what is answered here still holds when
    the infusion is priced.
    """
    patient_id = await store.lock_visit(tx, appointment_id)
    if patient_id is None:
        return Refused.because(
            "unknown_appointment",
            "Billing has not heard of this appointment. Check its id; right after a booking, try"
            " again in a moment.",
            source="what scheduling has told of its appointments",
            status=404,
            title="Not found",
        )
    if patient_id != wish.patient_id:
        return Refused.because(
            "another_patients_appointment",
            "This appointment is another patient's. Check the patient's id.",
            field="patient_id",
            source="scheduling's booking",
        )
    if wish.tender is TenderKind.PREPAID:
        return Refused.by_rules([PREPAID_BY_ITSELF])
    if (charged := await store.find_charge(tx, appointment_id)) is not None:
        return Refused.by_rules([broken_by_late_tender(charged)])
    await store.choose_tender(tx, appointment_id, wish.tender)
    return TenderChosen(appointment_id=appointment_id, **wish.model_dump())
