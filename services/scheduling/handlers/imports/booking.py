"""What was found right of a file is booked, as the desk would."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.imports import ImportedVisit
from services.scheduling.handlers.series.booking import say_booked
from services.scheduling.handlers.series.gap_risks import look_at_gaps
from services.scheduling.handlers.sessions.booking import add_session
from services.scheduling.handlers.visits.treatments import add_treatment
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.tables import Clinician, Location
from services.scheduling.tables.imports import Import
from shared.ids import new_id
from shared.messaging import Transaction


async def book_group(
    import_: Import,
    clinician: Clinician,
    policy: Policy,
    visits: Sequence[ImportedVisit],
    found: Sequence[Slot],
    tx: Transaction,
) -> list[UUID]:
    """A series, a treatment or a session; the ids of its visits, in their order."""
    location = await store.find_location(tx, import_.location_id)
    assert location is not None, "an import has its place"
    first = visits[0]
    if first.series_source_id is not None:
        return await _book_series(location, policy, clinician, visits, found, tx)
    if first.is_treatment:
        ordered_by, codes = clinician.clinician_id, sorted(set(first.diagnoses))
        treatment = await add_treatment(
            tx, found[0], location, policy, first.visit_type, ordered_by, codes
        )
        return [treatment.appointment_id]
    session = await add_session(tx, location, first.visit_type, found[0])
    return [session.appointment_id]


async def _book_series(
    location: Location,
    policy: Policy,
    clinician: Clinician,
    visits: Sequence[ImportedVisit],
    found: Sequence[Slot],
    tx: Transaction,
) -> list[UUID]:
    """What is left of a series elsewhere is a series here."""
    series_id, first = new_id(), visits[0]
    store.add_series(
        tx,
        series_id=series_id,
        patient_id=found[0].patient_id,
        prescriber_id=clinician.clinician_id,
        location_id=location.location_id,
        visit_type=first.visit_type,
        diagnoses=sorted({code for visit in visits for code in visit.diagnoses}),
        planned_infusions=len(visits),
    )
    for sequence_no, slot in enumerate(found, start=1):
        store.add_visit(tx, slot, series_id, sequence_no, location.location_id, first.visit_type)
    series = await say_booked(series_id, location, policy, tx)
    look_at_gaps(series_id, tx)
    return [visit.appointment_id for visit in series.appointments]
