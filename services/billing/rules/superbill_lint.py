"""What keeps a superbill from being issued: what a payer would reject, in plain words.

The words name no patient and quote nothing, so they may be shown wherever the work list is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from services.billing.rules import coding
from services.billing.rules.diagnoses import is_heading
from shared.claims import InfusionRecord
from shared.identifiers import is_ein, is_npi
from shared.refusals import Broken

DIAGNOSES_MAX = 12  # CMS-1500 item 21 holds A to L

NO_MINUTE = Broken(
    "infusion_clock",
    "The drip has no minute between its start and its stop. Correct the times.",
    "CPT: an infusion without start and stop times is not coded",
)
TOO_LONG = Broken(
    "infusion_too_long",
    "The infusion has more hours than a payer accepts for one day. Check the stop time.",
    f"CMS medically unlikely edits: 96366, {coding.FURTHER_HOURS_MAX} units a day",
)
BORN_AFTER = Broken(
    "birth_date_after_service",
    "The patient's birth date lies after the infusion. Correct the birth date.",
    "payers match the birth date with their own record",
)
NO_DIAGNOSIS = Broken(
    "diagnosis_missing",
    "The series names no diagnosis; a superbill needs at least one.",
    "CMS-1500 item 21",
)
TOO_MANY_DIAGNOSES = Broken(
    "too_many_diagnoses",
    f"At most {DIAGNOSES_MAX} diagnoses fit a claim. Leave out the least important ones.",
    "CMS-1500 item 21: A to L",
)
HEADING = Broken(
    "diagnosis_not_billable",
    "A diagnosis is only a heading (such as F33 or F42). Give the full code.",
    "ICD-10-CM FY 2027: categories are not billable",
)
CLINICIAN_NPI = Broken(
    "clinician_npi",
    "The clinician's NPI does not check. Look it up at NPPES and correct it.",
    "45 CFR 162.406",
)
CLINIC_NPI = Broken(
    "clinic_npi",
    "The clinic's NPI does not check. Look it up at NPPES and correct it.",
    "45 CFR 162.406",
)
CLINIC_EIN = Broken(
    "clinic_ein",
    "The clinic's EIN does not begin with a prefix that the IRS gives out. Correct it.",
    "IRS: valid EIN prefixes",
)

_BY_RULE = {
    one.rule: one
    for one in (
        NO_MINUTE,
        TOO_LONG,
        BORN_AFTER,
        NO_DIAGNOSIS,
        TOO_MANY_DIAGNOSES,
        HEADING,
        CLINICIAN_NPI,
        CLINIC_NPI,
        CLINIC_EIN,
    )
}


def lint(record: InfusionRecord) -> list[Broken]:
    """What a payer would reject in the superbill of this infusion."""
    return [*_wrong_times(record), *_wrong_diagnoses(record), *_wrong_numbers(record)]


def in_words(rules: Sequence[str]) -> list[Broken]:
    """What the names of broken rules stand for. A name may be older than the rules."""
    return [_BY_RULE.get(rule) or _gone(rule) for rule in rules]


def _gone(rule: str) -> Broken:
    return Broken(
        rule,
        "This is no longer looked at: ask for the superbill again.",
        "a rule that held when the superbill was built",
    )


def _wrong_times(record: InfusionRecord) -> Iterator[Broken]:
    infusion_min = coding.minutes_between(record.started_at, record.stopped_at)
    if infusion_min < 1:
        yield NO_MINUTE
    if coding.further_hours(infusion_min) > coding.FURTHER_HOURS_MAX:
        yield TOO_LONG
    on = record.started_at.astimezone(ZoneInfo(record.location.zone)).date()
    if record.patient.birth_date > on:
        yield BORN_AFTER


def _wrong_diagnoses(record: InfusionRecord) -> Iterator[Broken]:
    if not record.diagnoses:
        yield NO_DIAGNOSIS
    if len(record.diagnoses) > DIAGNOSES_MAX:
        yield TOO_MANY_DIAGNOSES
    if any(is_heading(code) for code in record.diagnoses):
        yield HEADING


def _wrong_numbers(record: InfusionRecord) -> Iterator[Broken]:
    if not is_npi(record.rendering.npi):
        yield CLINICIAN_NPI
    if not is_npi(record.location.npi):
        yield CLINIC_NPI
    if not is_ein(record.location.ein):
        yield CLINIC_EIN
