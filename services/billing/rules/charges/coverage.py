"""Who else may have to pay: what a patient answered, the clinician's standing, signed papers.

A Medicare beneficiary pays a clinician who has opted out only under a private contract (42 CFR
405.405, 405.415), and any other clinician only after an advance notice (form CMS-R-131; 42 CFR
411.408). Whether a Medicaid member pays at all is for a person to decide (42 CFR 447.15). What was
true on the day of service counts.

Every patient is asked (45 CFR 149.610(b)(1)(i)). No law forbids a charge for want of an answer:
who was not asked is charged as one who pays alone, and is on a work list until somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from shared.refusals import Broken

OPT_OUT_YEARS = 2  # 42 CFR 405.400: an opt-out period is two years; the next is a row of its own

FAR_AHEAD = timedelta(days=2 * 365)
"""What begins later than this is taken for a mistyped year. The figure is ours."""


class CoverageKind(StrEnum):
    """Who pays for a patient's care in general. Somebody may have several of the last three."""

    SELF_PAY = "self_pay"
    COMMERCIAL = "commercial"
    MEDICARE = "medicare"
    MEDICAID = "medicaid"


class MedicareStatus(StrEnum):
    """How a clinician stands with Medicare."""

    OPTED_OUT = "opted_out"
    PARTICIPATING = "participating"
    NONPARTICIPATING = "nonparticipating"
    NOT_ENROLLED = "not_enrolled"


class PaperKind(StrEnum):
    PRIVATE_CONTRACT = "private_contract"
    ADVANCE_NOTICE = "advance_notice"


STAMPS = {
    CoverageKind.MEDICARE: "Not for submission to Medicare: no claim for these services is filed.",
    CoverageKind.MEDICAID: "Not for submission to Medicaid: no claim for these services is filed.",
}
"""42 CFR 405.415(c): who signs a private contract files no claim and has none filed; 447.15."""


@dataclass(frozen=True, slots=True)
class InsurancePlan:
    """The plan that a patient hands superbills in to, as it stands on its card."""

    payer: str
    member_id: str
    group_number: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a patient answered."""

    kinds: frozenset[CoverageKind]
    intends_to_submit_claim: bool
    plan: InsurancePlan | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a clinician stands with Medicare from a day on, to its last day where it has one."""

    status: MedicareStatus
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True)
class Paper:
    """A signed paper on file elsewhere. A contract is with one clinician."""

    kind: PaperKind
    clinician_id: UUID | None
    signed_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True)
class Given:
    """Who gave a service, how they stood with Medicare on its day, and what was signed by then."""

    clinician_id: UUID
    on: date
    standing: Standing | None
    papers: tuple[Paper, ...]


CLINICIAN_ASKED_FOR = Broken(
    "clinician_asked_for",
    "Who gave the infusion is being asked of scheduling; this is looked at again by itself.",
    "42 CFR 405.420: whether a beneficiary may be charged depends on the clinician",
)
NO_STANDING = Broken(
    "medicare_standing_missing",
    "How the clinician stood with Medicare that day is not on record. Record it:"
    " POST /clinicians/{clinician_id}/medicare-standings.",
    "42 CFR 405.420: only a clinician who has opted out contracts privately",
)
NO_CONTRACT = Broken(
    "private_contract_missing",
    "The clinician has opted out of Medicare, and no private contract with the patient was in force"
    " that day. Record its id: POST /patients/{patient_id}/coverage-papers.",
    "42 CFR 405.405 and 405.415",
)
NO_NOTICE = Broken(
    "advance_notice_missing",
    "The clinician has not opted out of Medicare, and no advance notice was signed by that day."
    " Record its id: POST /patients/{patient_id}/coverage-papers.",
    "42 CFR 411.408, form CMS-R-131",
)


def missing_papers(given: Given) -> list[Broken]:
    """What charging a Medicare beneficiary for a service waits for."""
    standing = given.standing
    if standing is None or (standing.until_on is not None and standing.until_on < given.on):
        return [NO_STANDING]
    if standing.status is not MedicareStatus.OPTED_OUT:
        return [] if _has(PaperKind.ADVANCE_NOTICE, given, given.papers) else [NO_NOTICE]
    contracts = [
        paper
        for paper in given.papers
        if paper.clinician_id == given.clinician_id
        and paper.signed_on >= standing.from_on  # 405.415: each opt-out period takes a new contract
    ]
    return [] if _has(PaperKind.PRIVATE_CONTRACT, given, contracts) else [NO_CONTRACT]


def _has(kind: PaperKind, given: Given, papers: Sequence[Paper]) -> bool:
    return any(
        paper.kind is kind
        and paper.signed_on <= given.on
        and (paper.until_on is None or given.on <= paper.until_on)
        for paper in papers
    )


def stamps_for(coverage: Coverage | None) -> tuple[str, ...]:
    """What a superbill says on its face of programs that take no claim for it."""
    if coverage is None:
        return ()
    return tuple(words for kind, words in STAMPS.items() if kind in coverage.kinds)


def broken_by_answers(kinds: Collection[CoverageKind], from_on: date, today: date) -> list[Broken]:
    """What forbids recording a patient's answers."""
    broken = []
    if CoverageKind.SELF_PAY in kinds and len(kinds) > 1:
        broken.append(
            Broken(
                "self_pay_and_covered",
                "Who has coverage does not pay alone. Give self_pay, or what the patient has.",
                "45 CFR 149.610(a)(2): self-pay is who has no coverage, or does not use it",
                "kinds",
            )
        )
    if from_on - today > FAR_AHEAD:
        broken.append(_far_ahead("effective_from"))
    return broken


def broken_by_standing(standing: Standing, today: date) -> list[Broken]:
    """What forbids recording how a clinician stands with Medicare."""
    if standing.from_on - today > FAR_AHEAD:
        return [_far_ahead("from_on")]
    if standing.until_on is not None and standing.until_on < standing.from_on:
        return [_broken_days("until_on lies before from_on. Check both days.")]
    if standing.status is not MedicareStatus.OPTED_OUT:
        return []
    last_on = last_day_of_opt_out(standing.from_on)
    if standing.until_on is not None and standing.until_on <= last_on:
        return []
    return [
        _broken_days(
            f"An opt-out from {standing.from_on} lasts to {last_on} at most. Give its last day;"
            " each further two years are recorded on their own."
        )
    ]


def last_day_of_opt_out(from_on: date) -> date:
    """The last day of two years; a day in February that the later year lacks becomes March 1."""
    later = from_on.year + OPT_OUT_YEARS
    try:
        anniversary = from_on.replace(year=later)
    except ValueError:
        anniversary = date(later, 3, 1)
    return anniversary - timedelta(days=1)


def _broken_days(detail: str) -> Broken:
    return Broken("medicare_standing_days", detail, "42 CFR 405.400", "until_on")


def _far_ahead(field: str) -> Broken:
    return Broken(
        "day_far_ahead",
        "This begins more than two years ahead. Check the year.",
        "a figure of ours against mistyped years",
        field,
    )


def broken_by_paper(paper: Paper, today: date, *, is_filed: bool) -> list[Broken]:
    """What forbids recording a signed paper. `is_filed` says that its document is on record."""
    broken = []
    if paper.signed_on > today:
        broken.append(
            Broken(
                "signed_in_future",
                "A paper is recorded once it is signed. Check the day.",
                "42 CFR 405.415, 411.408: signed before the service",
                "signed_on",
            )
        )
    if paper.until_on is not None and paper.until_on < paper.signed_on:
        broken.append(
            Broken(
                "paper_ends_before",
                "until_on lies before signed_on. Check both days.",
                "a paper holds from its signature on",
                "until_on",
            )
        )
    if (paper.kind is PaperKind.PRIVATE_CONTRACT) != (paper.clinician_id is not None):
        broken.append(
            Broken(
                "contract_names_clinician",
                "A private contract is with one clinician: give clinician_id for it, and for no"
                " other paper.",
                "42 CFR 405.405, 405.415",
                "clinician_id",
            )
        )
    if is_filed:
        broken.append(
            Broken(
                "document_filed_already",
                "This document is recorded already. Look at the patient's papers, or check the id.",
                "a document is signed once",
                "document_id",
            )
        )
    return broken
