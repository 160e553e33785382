"""What scheduling keeps.

Names, contacts and diagnoses are sealed. The database holds the rest to its rules: no chair and no
patient is in two visits at once, whoever writes.
"""

from __future__ import annotations

from services.scheduling.tables.adverse import AdverseEvent
from services.scheduling.tables.appointments import Appointment
from services.scheduling.tables.base import Base
from services.scheduling.tables.booking_links import BookingLink
from services.scheduling.tables.chart_words import ChartWordRow
from services.scheduling.tables.dose_amendments import DoseAmendment
from services.scheduling.tables.drip_ends import EndCorrection
from services.scheduling.tables.figures import (
    ClosureRow,
    OpeningHoursRow,
    ProtocolRow,
    RosterRow,
    VisitTypeRow,
)
from services.scheduling.tables.holds import Hold, HouseFigureRow
from services.scheduling.tables.imports import Import, Imported, ImportRow
from services.scheduling.tables.outcomes import Outcome, Review
from services.scheduling.tables.overrides import Override
from services.scheduling.tables.people import Clearance, Clinician, FileMerge, Patient, ScreeningRow
from services.scheduling.tables.places import Chair, Location, Room
from services.scheduling.tables.replans import ReplanRow
from services.scheduling.tables.series import Series
from services.scheduling.tables.series_corrections import SeriesCorrection
from services.scheduling.tables.signing import SigningRuleRow
from services.scheduling.tables.unsettled import UnsettledVisit
from services.scheduling.tables.visit_corrections import VisitCorrection
from services.scheduling.tables.visits import (
    ChartNote,
    Consent,
    Dose,
    DosePlan,
    LimitRow,
    Passage,
    Reading,
    VitalsOverride,
)
from services.scheduling.tables.waitlist import ChairOffer, GapRisk, MissedVisit, WaitingWish

__all__ = [
    "AdverseEvent",
    "Appointment",
    "Base",
    "BookingLink",
    "Chair",
    "ChairOffer",
    "ChartNote",
    "ChartWordRow",
    "Clearance",
    "Clinician",
    "ClosureRow",
    "Consent",
    "Dose",
    "DoseAmendment",
    "DosePlan",
    "EndCorrection",
    "FileMerge",
    "GapRisk",
    "Hold",
    "HouseFigureRow",
    "Import",
    "ImportRow",
    "Imported",
    "LimitRow",
    "Location",
    "MissedVisit",
    "OpeningHoursRow",
    "Outcome",
    "Override",
    "Passage",
    "Patient",
    "ProtocolRow",
    "Reading",
    "ReplanRow",
    "Review",
    "Room",
    "RosterRow",
    "ScreeningRow",
    "Series",
    "SeriesCorrection",
    "SigningRuleRow",
    "UnsettledVisit",
    "VisitCorrection",
    "VisitTypeRow",
    "VitalsOverride",
    "WaitingWish",
]
