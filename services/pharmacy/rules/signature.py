"""What a session at the certified signing vendor means for a prescription.

A prescription is dated as of, and signed on, the day when issued (21 CFR 1306.05(a)). A session
therefore shows the day on which it was opened; when that day is over it is worth nothing, and the
prescription is shown anew with the new day's date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.pharmacy.rules.prescription import day_ends_at, issue_day
from services.pharmacy.values import Evidence, Session

ASKED_EVERY = timedelta(hours=1)
"""A notice may be lost, and a signed prescription goes out as soon as possible (1311.170(a))."""

FACTORS_MIN = 2  # 21 CFR 1311.115: two of knowledge, biometric, hard token


@dataclass(frozen=True, slots=True)
class Shown:
    """What we had the vendor display, to whom, and where the day is counted."""

    sha256: str
    dea_number: str
    issue_date: date
    zone: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The prescriber has not decided; ask again then."""

    ask_at: datetime


@dataclass(frozen=True, slots=True)
class Stale:
    """The day that it shows is over; whatever happens to it now does not count."""


@dataclass(frozen=True, slots=True)
class Signed:
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Declined:
    at: datetime


@dataclass(frozen=True, slots=True)
class NotOurs:
    """What was signed, or who signed, is not what we asked for. A person has to look."""

    reason: str


Judgement = Waiting | Stale | Signed | Declined | NotOurs


def judge(session: Session, shown: Shown, now: datetime) -> Judgement:
    """Believe a session only as far as it is about exactly what we asked to have signed."""
    if session.sha256 != shown.sha256:
        return NotOurs("displayed_otherwise")
    if session.status == "declined":
        return Declined(session.declined_at or now)
    if session.status == "signed":
        return _judge_signature(session.signature, shown)
    if issue_day(now, shown.zone) != shown.issue_date:
        return Stale()
    return Waiting(min(now + ASKED_EVERY, day_ends_at(shown.issue_date, shown.zone)))


def _judge_signature(evidence: Evidence | None, shown: Shown) -> Judgement:
    if evidence is None:
        return NotOurs("signature_missing")
    if evidence.sha256 != shown.sha256:
        return NotOurs("signature_hash_mismatch")
    if evidence.signer_dea_number != shown.dea_number:
        return NotOurs("signer_not_prescriber")
    if len(set(evidence.factors)) < FACTORS_MIN:
        return NotOurs("one_factor_only")
    if issue_day(evidence.signed_at, shown.zone) != shown.issue_date:
        return Stale()
    return Signed(evidence)
