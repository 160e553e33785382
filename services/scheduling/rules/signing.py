"""Who may sign what: the clinician who is signed in, with the credential that is asked for.

Which credential an act asks for is data, with its source and its first day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.refusals import Broken


class Act(StrEnum):
    """What a clinician puts their name to."""

    SCREENING = "screening"
    CLEARANCE = "clearance"
    OVERRIDE = "override"
    DOSE = "dose"
    LIMITS = "limits"
    TRANSFER = "transfer"
    WALK_OUT = "walk_out"
    CHART_CORRECTION = "chart_correction"
    INDICATION = "indication"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an act asks of its signer: one of these credentials, if any is named.

    A DEA number where a controlled substance is judged by it.
    """

    credentials: tuple[str, ...]
    dea_needed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Signer:
    """The clinician that is named, and the login that asks. `login` is theirs, if they have one."""

    login: str | None
    credential: str
    prescribes: bool


def broken_by_signer(signer: Signer, signed_in: str, asked: Asked) -> list[Broken]:
    """Whether this login may sign as this clinician."""
    broken = []
    if signer.login != signed_in:
        broken.append(
            Broken(
                "signer_is_another",
                "A clinician signs for themselves, and this login is not theirs."
                if signer.login is not None
                else "No login is on record of this clinician; whoever runs the clinic notes it.",
                "21 CFR 11.100: a signature is one person's and used by nobody else",
                "clinician_id",
            )
        )
    if asked.dea_needed and not signer.prescribes:
        broken.append(
            Broken(
                "signer_does_not_prescribe",
                "No DEA number is on record of this clinician; a prescriber signs it.",
                asked.source,
                "clinician_id",
            )
        )
    if asked.credentials and not _parts(signer.credential) & set(asked.credentials):
        broken.append(
            Broken(
                "signer_credential",
                f"Right would be one of these credentials: {', '.join(asked.credentials)}.",
                asked.source,
                "clinician_id",
            )
        )
    return broken


def _parts(credential: str) -> set[str]:
    """`M.D., PhD` is `MD` and `PHD`."""
    return {part.strip().replace(".", "").upper() for part in credential.split(",")}


def spelled(credentials: Sequence[str]) -> list[str]:
    """As they are kept and compared: `M.D.` is `MD`; each once."""
    return sorted({part for each in credentials for part in _parts(each) if part})


def broken_by_login(*, taken: bool) -> list[Broken]:
    if not taken:
        return []
    return [
        Broken(
            "login_taken",
            "Another clinician has this login; a login is one person's.",
            "21 CFR 11.100: a signature is one person's and used by nobody else",
            "subject",
        )
    ]
