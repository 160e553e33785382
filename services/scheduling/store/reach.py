"""Of which location each thing of scheduling is, by the names under which requests name it.

Patients are of no location, nor is what is known of them whatever the place (screenings, consents,
outcomes, reviews), nor are clinicians: see `docs/decisions/15-rights-by-location.md`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, union_all
from sqlmodel import col

from services.scheduling.store.overrides import SIGNED
from services.scheduling.tables import Appointment, Chair, Location, Room, Series
from services.scheduling.tables.adverse import AdverseEvent
from services.scheduling.tables.booking_links import BookingLink
from services.scheduling.tables.figures import ClosureRow, OpeningHoursRow, RosterRow
from services.scheduling.tables.holds import Hold
from services.scheduling.tables.imports import Import
from services.scheduling.tables.replans import ReplanRow
from services.scheduling.tables.waitlist import ChairOffer, WaitingWish
from shared.http.reach import Reach


def _of(thing: Any, location_id: Any) -> Select[Any]:
    return select(col(thing).label("thing")).add_columns(col(location_id).label("location_id"))


def _either(*rows: Select[Any]) -> Select[Any]:
    return select(union_all(*rows).subquery())


_LOCATION = _of(Location.location_id, Location.location_id)
_CHAIR = _of(Chair.chair_id, Chair.location_id)
_ROOM = _of(Room.room_id, Room.location_id)
_HOLD = _of(Hold.hold_id, Hold.location_id)
_VISIT = _of(Appointment.appointment_id, Appointment.location_id)

REACH = Reach(
    {
        "location_id": _either(_LOCATION, _CHAIR, _ROOM),  # to FHIR all of them are Locations
        "location-reference": _LOCATION,
        "chair_id": _CHAIR,
        "schedule_id": _CHAIR,
        "room_id": _ROOM,
        "appointment_id": _VISIT,
        "slot_id": _VISIT,
        "infusion_id": _of(Appointment.infusion_id, Appointment.location_id),
        "series_id": _of(Series.series_id, Series.location_id),
        "hold_id": _HOLD,
        "instead_of": _HOLD,
        "replan_id": _of(ReplanRow.replan_id, Series.location_id).join(
            Series, col(Series.series_id) == col(ReplanRow.series_id)
        ),
        "override_id": select(SIGNED.c.override_id).add_columns(SIGNED.c.location_id),
        "note_id": _of(AdverseEvent.note_id, Appointment.location_id).join(
            Appointment, col(Appointment.appointment_id) == col(AdverseEvent.appointment_id)
        ),
        "wish_id": _of(WaitingWish.wish_id, WaitingWish.location_id),
        "offer_id": _of(ChairOffer.offer_id, ChairOffer.location_id),
        "closure_id": _of(ClosureRow.closure_id, ClosureRow.location_id),
        "id": _either(
            _of(OpeningHoursRow.hours_id, OpeningHoursRow.location_id),
            _of(RosterRow.roster_id, RosterRow.location_id),
        ),
        "link_id": _of(BookingLink.link_id, BookingLink.location_id),
        "import_id": _of(Import.import_id, Import.location_id),
    }
)
"""The ids under any other name are of no location; a test holds every route's names to this."""
