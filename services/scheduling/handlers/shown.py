"""Visits and series as staff see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.answers import AppointmentAnswer, Ride, RideSeen, SeriesAnswer
from services.scheduling.rules.clinic.policy import Policy
from services.scheduling.rules.patients.screening import advice_on_screening
from services.scheduling.rules.series import gap_risk, gaps, overrides
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.gap_risk import OpenGap
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol
from services.scheduling.rules.visits.life import FREED, LOST, VisitState, is_unsettled
from services.scheduling.store import Course
from services.scheduling.store.screening import screened_of
from services.scheduling.tables import Appointment, Location, Series
from shared.events.scheduling import RideMode
from shared.messaging import Transaction


def standing(visits: list[Appointment], now: datetime, zone: ZoneInfo) -> list[Infusion]:
    """The infusions of a series that were begun or are to be, earliest first.

    One that was aborted is among them if anything ran: that was given, and the gaps count it. One
    whose day is over without a word of what became of it is not: nobody knows that it was given.
    """
    return [
        Infusion(visit.sequence_no, visit.starts_at)
        for visit in visits
        if visit.sequence_no is not None
        and visit.state not in FREED
        and visit.ran is not False
        and not unsettled(visit, now, zone)
    ]


def unsettled(visit: Appointment, now: datetime, zone: ZoneInfo) -> bool:
    state = VisitState(visit.state)
    return is_unsettled(state, visit.starts_at, visit.ends_at, now, zone)


def unsettled_of(visits: list[Appointment], now: datetime, zone: ZoneInfo) -> list[Infusion]:
    """The infusions of a series that may have been given or not, earliest first."""
    return [
        Infusion(visit.sequence_no, visit.starts_at)
        for visit in visits
        if visit.sequence_no is not None and unsettled(visit, now, zone)
    ]


def count_not_lost(visits: list[Appointment]) -> int:
    """How many infusions of a series were given or are to be."""
    return sum(visit.state not in LOST for visit in visits)


def gap_of(
    course: Course, protocol: InfusionProtocol, now: datetime, zone: ZoneInfo
) -> OpenGap | None:
    """The gap of an open series that needs somebody. What lies before the last drip is history.

    An infusion whose day is over without a word was not given, as far as anybody knows.
    """
    if course.series.state != SeriesState.BOOKED:
        return None
    given = [
        n for n, visit in enumerate(course.visits) if visit.infusion_id and visit.ran is not False
    ]
    left = standing(course.visits[given[-1] :] if given else course.visits, now, zone)
    stand = count_not_lost([each for each in course.visits if not unsettled(each, now, zone)])
    missing = course.series.infusions - stand
    return gap_risk.open_gap(protocol, left, zone, missing=missing > 0)


def show_visit(
    tx: Transaction, visit: Appointment, advice: list[str] | None = None
) -> AppointmentAnswer:
    return AppointmentAnswer(
        **visit.model_dump(exclude={"sent_home_reason", "ride_seen"}),
        ride=_ride(tx, visit),
        ride_seen=_ride_seen(tx, visit),
        sent_home_reason=store.sent_home_reason_of(tx, visit),
        advice=advice or [],
    )


def _ride(tx: Transaction, visit: Appointment) -> Ride | None:
    if visit.ride_mode is None:
        return None
    driver = store.driver_of(tx, visit)
    return Ride(
        mode=RideMode(visit.ride_mode),
        driver_name=driver.get("name"),
        driver_phone=driver.get("phone"),
    )


def _ride_seen(tx: Transaction, visit: Appointment) -> RideSeen | None:
    if visit.ride_seen_at is None:
        return None
    return RideSeen(**store.ride_seen_of(tx, visit), seen_at=visit.ride_seen_at)


def protocol_of(policy: Policy, series: Series, zone: ZoneInfo) -> InfusionProtocol:
    """How a series is given: by the figures that were in force when it was booked.

    A prescriber's override may have its infusions follow each other sooner, or later.
    """
    protocol = policy.protocol_at(series.booked_at, zone)
    signed = {
        name: days
        for name in ("gap_min_days", "gap_max_days")
        if (days := getattr(series, name)) is not None
    }
    if not signed:
        return protocol
    sources = {**protocol.sources, **dict.fromkeys(signed, overrides.SIGNED)}
    return replace(protocol, **signed, sources=sources)


def show_series(
    tx: Transaction, course: Course, location: Location, policy: Policy
) -> SeriesAnswer:
    series = course.series
    zone = ZoneInfo(location.zone)
    protocol = protocol_of(policy, series, zone)
    advice = gaps.advice_on_series(protocol, standing(course.visits, tx.now, zone), zone)
    advice += overrides.advice_on_overrides(
        series.extra_infusions, series.gap_min_days, series.gap_max_days
    )
    if series.state == SeriesState.BOOKED:
        gap = gap_of(course, protocol, tx.now, zone)
        if gap is not None:
            advice += gap_risk.advice_on_gap(gap, tx.now.astimezone(zone).date())
        last = max((v.starts_at for v in course.visits if v.state not in LOST), default=None)
        advice += advice_on_screening(
            screened_of(course.patient),
            tx.now.astimezone(zone).date(),
            None if last is None else last.astimezone(zone).date(),
        )
    return SeriesAnswer(
        series_id=series.series_id,
        patient_id=series.patient_id,
        prescriber_id=series.prescriber_id,
        location_id=series.location_id,
        visit_type=series.visit_type,
        diagnoses=store.diagnoses_of(tx, series),
        planned_infusions=series.planned_infusions,
        state=SeriesState(series.state),
        advice=advice,
        appointments=[show_visit(tx, visit) for visit in course.visits],
    )
