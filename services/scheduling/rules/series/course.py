"""What a series needs to be booked, how many infusions it has, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.scheduling.rules.clinic.house import Planning
from services.scheduling.rules.clinic.slots import broken_by_time
from services.scheduling.rules.series.gaps import broken_by_gaps
from services.scheduling.rules.series.protocols import Infusion, InfusionProtocol
from shared.refusals import Broken


class SeriesState(StrEnum):
    BOOKED = "booked"
    COMPLETED = "completed"
    STOPPED = "stopped"


def broken_by_booking(
    planning: Planning,
    protocol: InfusionProtocol,
    infusions: Sequence[Infusion],
    zone: ZoneInfo,
    now: datetime,
) -> list[Broken]:
    """What forbids booking these infusions as one series, first to last."""

    def field(infusion: Infusion) -> str:
        return f"appointments.{infusion.sequence_no - 1}.starts_at"

    return [
        *broken_by_size(protocol, len(infusions), "appointments"),
        *(
            wrong
            for infusion in infusions
            for wrong in broken_by_time(planning, infusion.starts_at, now, field(infusion))
        ),
        *broken_by_gaps(protocol, infusions, zone, field),
    ]


def broken_by_missing(planned: int, standing: int) -> list[Broken]:
    """Whether a series lacks an infusion that another can take the place of."""
    if standing < planned:
        return []
    return [
        Broken(
            "series_whole",
            f"The series was planned with {planned} and {standing} stand; only one that was"
            " cancelled, missed, sent home or aborted is given in another's place.",
            "the series as it was booked",
            "series_id",
        )
    ]


def broken_by_size(protocol: InfusionProtocol, count: int, field: str) -> list[Broken]:
    if protocol.size_min <= count <= protocol.size_max:
        return []
    return [
        Broken(
            "series_size",
            f"A {protocol.kind} series has {protocol.size_min} to {protocol.size_max} infusions,"
            f" not {count}.",
            protocol.sources["size_min" if count < protocol.size_min else "size_max"],
            field,
        )
    ]


def is_completed(
    protocol: InfusionProtocol, completed: int, open_: int, extended_to: int | None = None
) -> bool:
    """Whether a series is done: none is left to come, and no fewer were given than one has.

    A series that lost infusions and falls short stays open, for a person to book what is missing
    or to stop it: its completion has a prescription drafted. So does one that a prescriber
    extended, until as many are given as were signed for.
    """
    return open_ == 0 and completed >= (extended_to or protocol.size_min)


def type_not_in_series(types: Sequence[str]) -> Broken:
    """A type that is given by itself, or is not on record; `types` are those that are series."""
    right = " or ".join(f"'{each}'" for each in types)
    return Broken(
        "type_not_in_series",
        f"A series is of {right}; book another visit as a treatment, or as a session.",
        "the protocols on record: a series ends in a prescription of ketamine for home",
        "visit_type",
    )


def broken_by_prescriber(dea_number: str | None, field: str) -> list[Broken]:
    """Whether a prescriber can sign for ketamine: for an infusion, or what a series ends in.

    A series ends in a spray for home (FAQ), which 21 CFR 1308.13 has in schedule III. Asked at the
    booking, and not weeks later when the last infusion is given.
    """
    if dea_number is not None:
        return []
    return [
        Broken(
            "dea_number_missing",
            "What is given, or prescribed at a series' end, is a controlled substance, and no DEA"
            " number of its prescriber is on record; add it, or name another prescriber.",
            "21 CFR 1306.05: a prescription shows its prescriber's registration number",
            field,
        )
    ]


def broken_by_open_series(*, has_open: bool) -> list[Broken]:
    if not has_open:
        return []
    return [
        Broken(
            "series_open",
            "The patient has an open series; complete or stop it before booking another.",
            "FAQ: infusions are spaced 2 to 5 days apart, which two series at a time would break",
            "patient_id",
        )
    ]


def broken_by_state(state: SeriesState, what: str) -> list[Broken]:
    """Whether a series is open. `what` completes "can …"."""
    if state is SeriesState.BOOKED:
        return []
    return [
        Broken(
            "series_state",
            f"The series is {state.value}; only an open one can {what}.",
            "a series' life: booked, then completed or stopped",
            "series_id",
        )
    ]


def broken_by_stopping(state: SeriesState, *, infusion_running: bool) -> list[Broken]:
    """What forbids ending a series early."""
    broken = broken_by_state(state, "be stopped")
    if infusion_running:
        broken.append(
            Broken(
                "infusion_running",
                "An infusion of the series is running; complete it first.",
                "an infusion that was given is recorded with its stop",
                "series_id",
            )
        )
    return broken
