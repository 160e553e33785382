"""Whoever signs as a clinician is that clinician, and has what the act asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.signing import SigningRuleAnswer, SigningRuleWish
from services.scheduling.rules import signing as rules
from services.scheduling.rules.clinic import figures
from services.scheduling.rules.signing import Act, Signer
from services.scheduling.store import signing as kept
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken, unknown


async def broken_by_signer(
    tx: Transaction, clinician_id: UUID, by: Actor, act: Act, *, is_controlled: bool = True
) -> list[Broken]:
    """What keeps whoever asks from signing as this clinician.

    A DEA number is asked only where the drug is a controlled one.
    """
    clinician = await store.find_clinician(tx, clinician_id)
    if clinician is None:
        return [unknown("clinician", "clinician_id")]
    signer = Signer(clinician.subject, clinician.credential, clinician.dea_number is not None)
    asked = await kept.asked_of(tx, act)
    asked = replace(asked, dea_needed=asked.dea_needed and is_controlled)
    return rules.broken_by_signer(signer, by.subject, asked)


async def broken_by_clinical(
    tx: Transaction, clinical: Collection[str], clinician_id: UUID | None, by: Actor
) -> list[Broken]:
    """What keeps figures from being recorded that are clinical, by their names.

    Whoever is named as their signer signs for themselves, whether any is clinical or not.
    """
    if clinician_id is None:
        return figures.broken_by_unsigned(clinical)
    return await broken_by_signer(tx, clinician_id, by, Act.LIMITS)


async def record_signing_rule(
    wish: SigningRuleWish, by: Actor, tx: Transaction
) -> SigningRuleAnswer | Refused:
    """Who may sign one act from a day on. It is a limit too, so a prescriber signs it."""
    rows = await kept.signing_rules(tx, wish.act)
    broken = [
        *figures.broken_by_past(wish.effective_from, tx.now.date(), "effective_from"),
        *await broken_by_signer(tx, wish.clinician_id, by, Act.LIMITS),
    ]
    if broken:
        return Refused.by_rules(broken, "The rule is not recorded")
    row = kept.add_signing_rule(
        tx,
        wish.act,
        wish.effective_from,
        revision=figures.next_revision(wish.effective_from, rows),
        credentials=rules.spelled(wish.credentials),
        dea_needed=wish.dea_needed,
        source=wish.source,
    )
    return SigningRuleAnswer.model_validate(row, from_attributes=True)


async def read_signing_rules(tx: Transaction) -> list[SigningRuleAnswer]:
    return [
        SigningRuleAnswer.model_validate(row, from_attributes=True)
        for row in await kept.signing_rules(tx)
    ]
