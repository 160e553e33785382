"""What a form that was signed consents to, by whom, and until when.

Only a consent to infusions of a visit's own type opens its gate: the form says which types it is
for. Whoever signs for the patient is named, with what lets them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from shared.refusals import Broken

SOURCE = "the practice's rule: a visit is booked without consent and never started"


class ConsentKind(StrEnum):
    """What a form is for."""

    INFUSION = "infusion"
    PHOTO_RELEASE = "photo_release"
    OTHER = "other"


def expires_at(signed_at: datetime, valid_days: int) -> datetime:
    """When a consent is over by itself: so many whole days after it was signed."""
    return signed_at + timedelta(days=valid_days)


def broken_by_signing(signed_at: datetime, expires: datetime, now: datetime) -> list[Broken]:
    """Whether a form was signed, and is not over already."""
    if signed_at > now:
        return [
            Broken(
                "signed_later",
                "This moment is yet to come; a consent is recorded once it is signed.",
                "the calendar",
                "signed_at",
            )
        ]
    if expires <= now:
        return [
            Broken(
                "expired_already",
                f"A form that was signed then ran out on {expires.date()}; have a new one signed.",
                "the practice's figure consent_valid_days",
                "signed_at",
            )
        ]
    return []


def broken_by_scope(
    kind: ConsentKind, visit_types: Collection[str], infused: Collection[str]
) -> list[Broken]:
    """Whether a form names what it is for: types of infusion, or none where it is for none."""
    if kind is not ConsentKind.INFUSION:
        if not visit_types:
            return []
        rule, detail = "scope_needless", f"A form of kind {kind} is for no infusion; name no type."
    elif not visit_types:
        rule, detail = "scope_missing", "Name the types of infusion that the form speaks of."
    elif unknown := sorted(set(visit_types) - set(infused)):
        rule = "unknown_visit_type"
        detail = f"{unknown[0]} is no infusion; right would be {', '.join(sorted(infused))}."
    else:
        return []
    return [Broken(rule, detail, SOURCE, "visit_types")]


def broken_by_withdrawal(*, withdrawn: bool) -> list[Broken]:
    if not withdrawn:
        return []
    return [
        Broken(
            "withdrawn_already",
            "The consent is withdrawn; a new one is signed on a new form.",
            "the patient's records",
            "consent_id",
        )
    ]
