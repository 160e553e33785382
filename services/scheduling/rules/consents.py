"""A consent is signed before it is recorded, and withdrawn once."""

from __future__ import annotations

from datetime import datetime

from shared.refusals import Broken


def broken_by_signing(signed_at: datetime, now: datetime) -> list[Broken]:
    if signed_at <= now:
        return []
    return [
        Broken(
            "signed_later",
            "This moment is yet to come; a consent is recorded once it is signed.",
            "the calendar",
            "signed_at",
        )
    ]


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
