"""Which codes an infusion's clock gives, and how the fee spreads over them.

Codes only: CPT's own descriptors are the AMA's, so the words beside them are the clinic's. Few
lines, because payers hold claims that have many (reimbursify.com, ketamine coding practices).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.money import split_evenly

PUSH_MAX_MIN = 15  # CPT 96374: an infusion of 15 minutes or less is a push
FIRST_HOUR_MAX_MIN = 90  # CPT 96366: a further hour counts from 31 minutes past the hour
FURTHER_HOURS_MAX = 8  # CMS medically unlikely edits: 96366, 8 units a day
OFFICE = "11"
PLACES_OF_SERVICE = {OFFICE: "Office"}  # CMS, place of service codes

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Coded:
    """One code with its units and its part of the fee."""

    code: str
    words: str
    units: int
    charge_cents: int


def minutes_between(started_at: datetime, stopped_at: datetime) -> int:
    """Whole minutes of drip, start to end; what is not completed does not count."""
    return (stopped_at - started_at) // _MINUTE


def further_hours(infusion_min: int) -> int:
    """Units of 96366: 91 to 150 minutes are one, 151 to 210 two."""
    over = infusion_min - FIRST_HOUR_MAX_MIN - 1
    return 0 if over < 0 else 1 + over // 60


def code_infusion(infusion_min: int, fee_cents: int) -> list[Coded]:
    """The lines of one infusion of one drug; their charges sum exactly to the fee.

    The fee is for the visit and spreads evenly over the hours that are coded, odd cents to the
    first. The drug is in the fee: its line informs and carries no charge. HCPCS has no code for
    ketamine, hence J3490, the unclassified drug.
    """
    drug = Coded("J3490", "Ketamine, racemic, given intravenously (included in the fee)", 1, 0)
    if infusion_min <= PUSH_MAX_MIN:
        push = "Intravenous push of a single drug, initial"
        return [Coded("96374", push, 1, fee_cents), drug]
    hours = further_hours(infusion_min)
    first_cents, *rest = split_evenly(fee_cents, 1 + hours)
    lines = [Coded("96365", "Intravenous infusion for therapy, first hour", 1, first_cents)]
    if hours:
        further = "Intravenous infusion for therapy, each further hour"
        lines.append(Coded("96366", further, hours, sum(rest)))
    return [*lines, drug]
