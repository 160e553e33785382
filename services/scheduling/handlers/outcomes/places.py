"""Where in a patient's course a form belongs: at intake, before an infusion, after a series."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.outcomes import Taken
from services.scheduling.handlers.outcomes.points import drips_of
from services.scheduling.rules.outcomes import places as rules
from services.scheduling.rules.outcomes.forms import Instrument
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.store import outcomes as kept
from services.scheduling.store.outcomes import Place
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def place_of(
    patient_id: UUID, wish: Taken, instrument: Instrument, tx: Transaction
) -> Place | list[Broken]:
    """Where in the patient's course a form belongs, or why it cannot."""
    taken_at = wish.taken_at or tx.now
    broken = [
        *rules.broken_by_place(
            wish.occasion,
            names_visit=wish.appointment_id is not None,
            names_series=wish.series_id is not None,
        ),
        *rules.broken_by_taken_at(taken_at, tx.now),
    ]
    if broken:
        return broken
    series_id, day = wish.series_id, None
    if wish.appointment_id is not None:
        visit = await kept.visit_of(tx, patient_id, wish.appointment_id)
        if visit is None:
            return [unknown("appointment", "appointment_id")]
        if visit.series_id is None:
            return [rules.OF_NO_SERIES]
        series_id = visit.series_id
        drips = drips_of(await store.visits_of(tx, series_id))
        [own] = (each for each in drips if each.sequence_no == visit.sequence_no)
        broken += rules.broken_by_before_infusion(own, drips, taken_at)
    elif series_id is not None:
        series = await kept.series_of(tx, patient_id, series_id)
        if series is None:
            return [unknown("series", "series_id")]
        drips = drips_of(await store.visits_of(tx, series_id))
        broken += rules.broken_by_after_series(SeriesState(series.state), drips, taken_at)
        location = await store.find_location(tx, series.location_id)
        assert location is not None, "a series has its place"
        day = kept.Day.of(taken_at, location.zone)
    place = Place(patient_id, wish.occasion, taken_at, series_id, wish.appointment_id)
    recorded = await kept.is_recorded(tx, place, instrument, day)
    return [*broken, *rules.broken_by_recorded(instrument, recorded=recorded)] or place
