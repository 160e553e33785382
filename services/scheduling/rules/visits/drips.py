"""When and where a drip may start: near its booked time, in a chair and with a nurse to itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.policy import (
    Policy,
    at_wall,
    broken_by_closure,
    watched_chairs,
)
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Busy:
    """A drip that has a chair and a nurse now: it runs, or its patient recovers in the chair."""

    appointment_id: UUID
    patient_id: UUID
    location_id: UUID
    chair_id: UUID
    chair: str
    started_at: datetime
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """How long before and after its booked time a drip may start, with where each comes from."""

    early_min: int
    late_min: int


def broken_by_window(
    starts_at: datetime, now: datetime, window: Window, zone: ZoneInfo
) -> list[Broken]:
    """Whether a drip may start now, by the time for which it is booked."""
    first = starts_at - timedelta(minutes=window.early_min)
    last = starts_at + timedelta(minutes=window.late_min)
    booked = f"{starts_at.astimezone(zone):%H:%M}"
    if now < first:
        return [
            Broken(
                "start_early",
                f"The visit is booked for {booked}; it starts from {first.astimezone(zone):%H:%M}"
                " on. Wait, or move it before the patient is checked in.",
                "the house's figure start_early_min",
                "starts_at",
            )
        ]
    if now > last:
        return [
            Broken(
                "start_late",
                f"The visit was booked for {booked}; it could start until"
                f" {last.astimezone(zone):%H:%M}. Send the patient home, and book the infusion"
                " anew.",
                "the house's figure start_late_min",
                "starts_at",
            )
        ]
    return []


def broken_by_closed_day(policy: Policy, now: datetime, zone: ZoneInfo) -> list[Broken]:
    """Whether the place is closed today."""
    today = now.astimezone(zone).date()
    closure = policy.closure_on(today)
    return [] if closure is None else [broken_by_closure(closure, today, "starts_at")]


def broken_by_patient(
    appointment_id: UUID, patient_id: UUID, busy: Sequence[Busy], zone: ZoneInfo
) -> list[Broken]:
    """Whether another drip of the same patient runs, at whatever place."""
    return [
        Broken(
            "patient_running",
            f"The patient's infusion of {_at(each.started_at, zone)} (visit {each.appointment_id})"
            " has not ended; complete or abort that one first.",
            "one infusion at a time per patient",
            "appointment_id",
        )
        for each in busy
        if each.patient_id == patient_id
        and each.appointment_id != appointment_id
        and each.stopped_at is None
    ]


def broken_by_chair(
    chair_id: UUID, busy: Sequence[Busy], free: Sequence[tuple[UUID, str]], zone: ZoneInfo
) -> list[Broken]:
    """Whether somebody sits in the chair; `free` are the chairs that could be taken instead."""
    there = next((each for each in busy if each.chair_id == chair_id), None)
    if there is None:
        return []
    since = f"{there.chair} is taken by visit {there.appointment_id}"
    ends = "discharge it" if there.stopped_at is not None else "complete or abort it"
    others = ", ".join(f"{name} ({each})" for each, name in free)
    move = (
        f", or start with the chair_id of one that is free: {others}."
        if free
        else "; no other chair is free for so long."
    )
    return [
        Broken(
            "chair_running",
            f"{since}, since {_at(there.started_at, zone)}; {ends} first{move}",
            "one patient per chair",
            "chair_id",
        )
    ]


def broken_by_watch(policy: Policy, watched: int, now: datetime, zone: ZoneInfo) -> list[Broken]:
    """Whether a nurse can watch one more chair now. Without a roster, chairs alone count."""
    today = now.astimezone(zone).date()
    roster = policy.roster_on(today)
    if roster is None:
        return []
    room = sum(
        chairs
        for window, chairs in watched_chairs(roster, today)
        if at_wall(today, window.from_min, zone) <= now < at_wall(today, window.until_min, zone)
    )
    if watched < room:
        return []
    return [
        Broken(
            "nurses_running",
            f"The nurses on duty at {now.astimezone(zone):%H:%M} watch {room} chairs at most, and"
            f" {watched} are in use; complete or discharge one first, or record who else is on"
            " duty.",
            roster.source,
            "starts_at",
        )
    ]


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
