"""Which codes an infusion's clock gives, why, and how the fee spreads over them.

Few lines, because payers hold claims that have many (reimbursify.com, ketamine coding practices).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.billing.rules.superbills.codebook import DrugCodes
from shared.money import split_evenly

PUSH_MAX_MIN = 15  # CPT 96374: an infusion of 15 minutes or less is a push
FIRST_HOUR_MAX_MIN = 90  # CPT 96366: a further hour counts from 31 minutes past the hour
HOUR_MIN = 60

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Coded:
    """One code with its part of the fee and a line for each of its units that says why."""

    code: str
    why: tuple[str, ...]
    charge_cents: int
    is_drug: bool = False

    @property
    def units(self) -> int:
        return len(self.why)


def minutes_between(started_at: datetime, stopped_at: datetime) -> int:
    """Whole minutes of drip, start to end; what is not completed does not count."""
    return (stopped_at - started_at) // _MINUTE


def further_hours(infusion_min: int) -> int:
    """Units of a further hour: 91 to 150 minutes are one, 151 to 210 two."""
    over = infusion_min - FIRST_HOUR_MAX_MIN - 1
    return 0 if over < 0 else 1 + over // HOUR_MIN


def code_infusion(
    infusion_min: int, fee_cents: int, codes: DrugCodes, *, is_compounded: bool = False
) -> list[Coded]:
    """The lines of one infusion of one drug; their charges sum exactly to the fee.

    The fee is for the visit and spreads evenly over the hours that are coded, odd cents to the
    first. The drug is in the fee: its line informs and carries no charge. `is_compounded` is what
    the record says; the clinic may have the drug compounded always.
    """
    drug = _code_drug(codes, is_compounded=is_compounded or codes.is_compounded)
    if infusion_min <= PUSH_MAX_MIN:
        why = f"{infusion_min} minutes of drip: {PUSH_MAX_MIN} minutes or less are a push."
        return [Coded(codes.push, (why,), fee_cents), drug]
    hours = further_hours(infusion_min)
    first_cents, *rest = split_evenly(fee_cents, 1 + hours)
    why = f"{infusion_min} minutes of drip: the first hour, up to {FIRST_HOUR_MAX_MIN} minutes."
    lines = [Coded(codes.first_hour, (why,), first_cents)]
    if hours:
        whys = tuple(_why_hour(1 + n) for n in range(1, hours + 1))
        lines.append(Coded(codes.further_hour, whys, sum(rest)))
    return [*lines, drug]


def _why_hour(hour: int) -> str:
    """A further hour, counted by its 31st minute: the second begins at 61 and counts from 91."""
    counts_from = (hour - 1) * HOUR_MIN + FIRST_HOUR_MAX_MIN - HOUR_MIN + 1
    return f"Hour {hour}: the drip reached minute {counts_from}, more than 30 minutes into it."


def _code_drug(codes: DrugCodes, *, is_compounded: bool) -> Coded:
    if is_compounded:
        why = "Compounded, and in the fee of the visit."
        return Coded(codes.compounded_drug, (why,), 0, is_drug=True)
    return Coded(codes.drug, (codes.words,), 0, is_drug=True)
