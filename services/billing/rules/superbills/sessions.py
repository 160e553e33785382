"""The superbill of a session: one line, with the code that the clinician documented.

The code comes from the clinician's time or decision making, never from the price (AMA, CPT
evaluation and management guidelines), so a person records it and nothing here guesses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.billing.rules.superbills import coding, words
from services.billing.rules.superbills.additions import NOTHING_ADDED, Additions
from services.billing.rules.superbills.building import (
    diagnoses_of,
    document,
    places_of,
    pointers_to,
    served_on,
    visit_of,
)
from services.billing.rules.superbills.codebook import (
    CodeBook,
    is_cpt,
    is_infusion,
    is_modifier,
)
from services.billing.rules.superbills.document import Issue, Line, Paid, Superbill
from services.billing.rules.superbills.lint import DIAGNOSES_MAX, MODIFIERS_MAX
from shared.claims import ConsultRecord
from shared.refusals import Broken

BY_VIDEO = "95"
"""CPT, modifier 95: by video. CMS: the place of service of such a session is one of telehealth."""


@dataclass(frozen=True, slots=True)
class Documented:
    """What a clinician documented for a session."""

    code: str
    modifiers: tuple[str, ...]
    place_of_service: str


def broken_by_documenting(documented: Documented, book: CodeBook) -> list[Broken]:
    """What forbids recording a code for a session."""
    return list(_wrong(documented, book))


def _wrong(documented: Documented, book: CodeBook) -> Iterator[Broken]:
    known = book.services.get(documented.code)
    if not is_cpt(documented.code) or is_infusion(documented.code):
        yield Broken(
            "no_session_code",
            "This is no code of a session that a clinician leads, such as 99204 or 90792.",
            "CPT: evaluation and management, psychiatry",
            "code",
        )
    elif known is None:
        yield words.CODE_UNKNOWN
    elif not known.is_billable:
        yield words.CODE_NOT_BILLABLE
    place = book.places.get(documented.place_of_service)
    if place is None:
        yield words.PLACE_UNKNOWN
    if not all(is_modifier(one) for one in documented.modifiers):
        yield words.MODIFIER_SHAPE
    if len(documented.modifiers) > MODIFIERS_MAX:
        yield words.TOO_MANY_MODIFIERS
    is_telehealth = place is not None and place.is_telehealth
    if is_telehealth != (BY_VIDEO in documented.modifiers):
        yield Broken(
            "telehealth_modifier",
            "A session by video has a place of service of telehealth (GET /places-of-service) and"
            " modifier 95; one at the office has neither.",
            "CMS: place of service codes, modifier 95",
            "modifiers",
        )


def lint_session(record: ConsultRecord, documented: Documented | None) -> list[Broken]:
    """What is missing or impossible in the record of a session, before anything is built."""
    return list(_wrong_record(record, documented))


def _wrong_record(record: ConsultRecord, documented: Documented | None) -> Iterator[Broken]:
    if documented is None:
        yield words.SESSION_CODE_MISSING
    if coding.minutes_between(record.started_at, record.ended_at) < 1:
        yield words.SESSION_CLOCK
    if record.patient.birth_date > served_on(record):
        yield words.BORN_AFTER
    if len(record.diagnoses) > DIAGNOSES_MAX:
        yield words.TOO_MANY_DIAGNOSES


def build_session(
    record: ConsultRecord,
    documented: Documented,
    paid: Paid,
    book: CodeBook,
    issue: Issue,
    added: Additions = NOTHING_ADDED,
) -> Superbill:
    """The superbill of a session that took place."""
    diagnoses = diagnoses_of(record, book, added)
    minutes = coding.minutes_between(record.started_at, record.ended_at)
    line = Line(
        visit_no=1,
        date_of_service=served_on(record),
        place_of_service=documented.place_of_service,
        code=documented.code,
        modifiers=documented.modifiers,
        words=book.words_for(documented.code),
        pointers=pointers_to(diagnoses),
        units=1,
        charge_cents=paid.amount_cents,
        reduced_cents=0,
        why=(f"Documented by the clinician for this session of {minutes} minutes.",),
        drug=None,
    )
    visit = visit_of(record, record.ended_at, added, infusion_min=None)
    places = places_of((line,), book)
    return document(record, visit, diagnoses, (line,), places, paid, issue, added)
