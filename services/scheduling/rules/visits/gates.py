"""The gates of a visit: before the drip starts, and before the patient leaves.

Each names everything that is missing at once, so that a nurse asks once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.scheduling.rules.patients import consents
from services.scheduling.rules.visits.doses import DoseState, unplanned
from services.scheduling.rules.visits.life import ONE_AFTER_THE_OTHER, is_a_name
from services.scheduling.rules.visits.readings import Vitals, broken_by_vitals
from shared.events.scheduling import RideMode
from shared.refusals import Broken

RIDE_SOURCE = "FAQ: you will need a driver to take you home (or an Uber)"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a type of visit asks for, and where that is written: `fasting_min`, `ride_needed`.

    `dose_needed`: a dose is planned and recorded. `vitals_needed`: before, while it runs, and
    after. `orientation_needed`: before the patient leaves.
    """

    fasting_min: int
    ride_needed: bool
    dose_needed: bool
    vitals_needed: bool
    orientation_needed: bool
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Consented:
    """The newest consent to infusions of the visit's type."""

    expires_at: datetime
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must be known of a visit before the drip starts.

    `screening` is what screening leaves to be done first (`rules/patients/screening.py`).
    """

    consent: Consented | None
    screening: Sequence[Broken]
    ride_recorded: bool
    fasted: bool | None
    vitals: Vitals | None
    dose_planned: bool


def broken_by_start(ready: Readiness, asked: Asked, now: datetime, fresh_min: int) -> list[Broken]:
    """All that is missing before the drip may start, of what its type of visit asks for."""
    broken = [*_broken_by_consent(ready.consent, now), *ready.screening]
    if asked.ride_needed and not ready.ride_recorded:
        broken.append(
            Broken(
                "ride_missing",
                "No ride home is recorded; record a driver or a rideshare.",
                asked.sources["ride_needed"],
                "ride",
            )
        )
    if asked.fasting_min and not ready.fasted:
        broken.append(
            Broken(
                "not_fasted",
                "Nobody has asked when the patient last ate; check in first."
                if ready.fasted is None
                else f"The patient has eaten within the last {_span(asked.fasting_min)}; wait, and"
                " ask again.",
                asked.sources["fasting_min"],
                "fasted",
            )
        )
    if asked.vitals_needed or ready.vitals is not None:
        broken += broken_by_vitals(ready.vitals, now, fresh_min, "before the drip")
    if asked.dose_needed and not ready.dose_planned:
        broken.append(unplanned("dose"))
    return broken


def _broken_by_consent(consent: Consented | None, now: datetime) -> list[Broken]:
    if consent is None:
        rule = "consent_missing"
        detail = "No consent to this kind of infusion is on file; record the form that was signed."
    elif consent.withdrawn:
        rule = "consent_withdrawn"
        detail = "The consent was withdrawn; without a new one nothing is infused."
    elif consent.expires_at <= now:
        rule = "consent_expired"
        detail = f"The consent ran out on {consent.expires_at.date()}; have a new one signed."
    else:
        return []
    return [Broken(rule, detail, consents.SOURCE, "consent")]


def broken_by_unasked(fasted: bool | None, asked: Asked) -> list[Broken]:  # noqa: FBT001  # what was answered
    """Whether somebody who comes was asked when they last ate, where their visit asks it."""
    if fasted is not None or not asked.fasting_min:
        return []
    return [
        Broken(
            "fasting_unasked",
            "Ask when the patient last ate, and say whether that was"
            f" {_span(asked.fasting_min)} ago or more.",
            asked.sources["fasting_min"],
            "fasted",
        )
    ]


def broken_by_answered(
    *, on_record: bool | None, said: bool | None, seen: bool | None
) -> list[Broken]:
    """Whether a patient's answer replaces another one that whoever asks did not know of."""
    if on_record is None or said in {None, on_record} or seen is on_record:
        return []
    told = "fasted" if on_record else "has eaten"
    return [
        Broken(
            "answered_meanwhile",
            f"It is on record already that the patient {told}. Ask again; if that was wrong or is"
            f" no longer so, send instead_of: {str(on_record).lower()}.",
            ONE_AFTER_THE_OTHER,
            "fasted",
            found=str(on_record).lower(),
        )
    ]


def _span(minutes: int) -> str:
    """`2 hours`, `90 minutes`."""
    hours, rest = divmod(minutes, 60)
    return f"{minutes} minutes" if rest else f"{hours} hour{'' if hours == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What must be known of a visit before its patient leaves, of what was asked at its start."""

    orientation_needed: bool
    oriented: bool
    ride_needed: bool
    ride_seen: bool
    vitals_needed: bool
    vitals: Vitals | None
    dose: DoseState


def broken_by_leaving(after: Recovery, now: datetime, fresh_min: int) -> list[Broken]:
    """All that is missing before the patient may leave.

    Vitals that nobody had to take are judged where somebody took them.
    """
    broken = []
    if after.vitals_needed or after.vitals is not None:
        broken = broken_by_vitals(after.vitals, now, fresh_min, "after the drip")
    broken = [_kept_here(each) if each.rule == "vitals_hard_limit" else each for each in broken]
    if after.orientation_needed and not after.oriented:
        broken.append(
            Broken(
                "not_oriented",
                "The patient leaves once oriented to person, place and time; say so, or wait.",
                "discharge scores (Aldrete, PADSS) ask for it; FAQ: dizziness can last several"
                " hours",
                "oriented",
            )
        )
    if after.ride_needed and not after.ride_seen:
        broken.append(
            Broken(
                "ride_not_verified",
                "Nobody has seen the ride; record who came, the name, and the phone.",
                RIDE_SOURCE,
                "ride",
            )
        )
    return [*broken, *_broken_by_dose(after.dose)]


def _broken_by_dose(dose: DoseState) -> list[Broken]:
    match dose:
        case DoseState.PLANNED:
            return [
                Broken(
                    "dose_not_recorded",
                    "No dose is recorded; record what ran, and its lot, or have a prescriber sign"
                    " that none did.",
                    "21 CFR 1304.22(c): what is administered of a controlled substance is recorded",
                    "dose",
                )
            ]
        case DoseState.WASTE_UNWITNESSED:
            return [
                Broken(
                    "waste_not_witnessed",
                    "What was left of the dose has no witness; a second person confirms it.",
                    "the practice's rule: waste of a controlled substance has a second person",
                    "dose",
                )
            ]
        case DoseState.RECORDED | DoseState.NOT_GIVEN | DoseState.NOT_ASKED:
            return []


def _kept_here(broken: Broken) -> Broken:
    """Past a hard limit nobody is sent home after a drip: there is care, or there is transfer."""
    measured = broken.detail.partition(" Nobody can override it")[0]
    return replace(
        broken,
        detail=f"{measured} Nobody can override it; treat and take them again, or record the"
        " transfer to a hospital.",
    )


def broken_by_transfer(
    vitals: Vitals | None, dose: DoseState, now: datetime, fresh_min: int
) -> list[Broken]:
    """What is missing before a patient is handed over: what whoever takes over asks for.

    That is vitals, whatever they are, and the drug's own record.
    """
    any_values = None if vitals is None else replace(vitals, outside=())
    missing = broken_by_vitals(any_values, now, fresh_min, "after the drip")
    return [*missing, *_broken_by_dose(dose)]


def broken_by_own_driver(driver_phone: str | None, patient_phone: str | None) -> list[Broken]:
    """Nobody who was infused drives: a driver with the patient's own number is no driver."""
    if driver_phone is None or driver_phone != patient_phone:
        return []
    return [
        Broken(
            "driver_is_patient",
            "This is the patient's own number; record that of whoever drives.",
            "FAQ: you will not be able to drive for the remainder of the day",
            "driver_phone",
        )
    ]


def broken_by_ride_seen(
    mode: RideMode,
    driver_name: str | None,
    driver_phone: str | None,
    *,
    patient_phone: str | None = None,
) -> list[Broken]:
    """A ride is verified by who came. A rideshare hides its driver's number, and shows the name."""
    broken = broken_by_own_driver(driver_phone, patient_phone)
    if not is_a_name(driver_name):
        broken.append(
            Broken(
                "driver_unnamed",
                "Whoever takes the patient home has a name, written in letters; ask for it, or read"
                " it from the app.",
                RIDE_SOURCE,
                "driver_name",
            )
        )
    if mode is RideMode.DRIVER and driver_phone is None:
        broken.append(
            Broken(
                "driver_phone_missing",
                "A driver is reached by phone; record the number.",
                "LA County DMH's policy: the driver must be reachable by phone",
                "driver_phone",
            )
        )
    return broken
