"""Series: whose, by whom, where, and of which kind of visit."""

from __future__ import annotations

from collections.abc import Callable

from deploy.local.export import cells
from deploy.local.export.known import Known
from deploy.local.export.moments import Landmark, moment, moment_if_any
from deploy.local.export.patients import registered
from deploy.local.export.records import Series, StaffRole
from deploy.local.export.rows import Row
from shared.events.scheduling import VisitType

IN_SERIES = (VisitType.KETAMINE_MOOD, VisitType.KETAMINE_PAIN)
"""Kinds of visit that a series is made of; a preparation session stands by itself."""


def series(row: Row, key: str, known: Known) -> Series:
    patient = known.patients.referred(row, "patient")
    location = known.locations.referred(row, "location")
    after = registered(patient.registered_at) if patient else None
    booked_at = moment(row, "booked_at", location, after=after)
    stopped = row.together("stopped_at", "stop_reason")
    return Series(
        series=key,
        patient=patient.patient if patient else "",
        prescriber=known.member(row, "prescriber", StaffRole.PRESCRIBER),
        location=location.location if location else "",
        visit_type=row.cell("visit_type", _with_fee(known)),
        diagnoses=row.cell("diagnoses", cells.diagnoses),
        booked_at=booked_at,
        stopped_at=(
            moment(row, "stopped_at", location, after=Landmark(booked_at, "the series is booked"))
            if stopped
            else None
        ),
        stop_reason=row.cell("stop_reason", cells.note) if stopped else None,
        signed_at=moment_if_any(row, "signed_at", location),
    )


def _with_fee(known: Known) -> Callable[[str], VisitType]:
    def read(text: str) -> VisitType:
        visit_type = cells.one_of(IN_SERIES)(text)
        if not known.has_fee(visit_type):
            raise ValueError(f"{visit_type} has no fee in fees.csv")
        return visit_type

    return read
