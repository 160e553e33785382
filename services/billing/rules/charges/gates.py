"""What a charge must pass before it is posted: the estimate in force, and who else may have to pay.

A charge that does not pass is held and listed. No infusion is lost: it is charged or listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from services.billing.rules.charges import coverage
from services.billing.rules.charges.coverage import Coverage, CoverageKind, Given
from shared.events.billing import HeldFor
from shared.money import dollars
from shared.refusals import Broken


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands between an infusion and its charge.

    `estimated_cents` is the total of the estimate in force for its series, `charged_cents` what the
    series was charged before; without an estimate in force nothing can be above it. From
    `margin_cents` above it on a patient may dispute what was billed.
    """

    series_id: UUID | None = None
    estimated_cents: int | None = None
    charged_cents: int = 0
    margin_cents: int = 0
    series_goes_on: bool = False
    coverage: Coverage | None = None

    def after(self, charged_cents: int) -> Gate:
        """The same gate once more has been charged."""
        return replace(self, charged_cents=self.charged_cents + charged_cents)

    def is_over(self, amount_cents: int) -> bool:
        """Whether a charge brings the series so far above its estimate that it may be disputed."""
        if self.estimated_cents is None:
            return False
        return self.charged_cents + amount_cents - self.estimated_cents >= self.margin_cents


OVER_ESTIMATE = Broken(
    "over_estimate",
    "With this charge the series is billed so far above its estimate that the patient may dispute"
    " it. Decide: POST /held-charges/{infusion_id}/decision.",
    "45 CFR 149.620(a)(2)(ii)",
)
MEDICAID = Broken(
    "medicaid_member",
    "The patient is a Medicaid member. Decide whether they may be charged:"
    " POST /held-charges/{infusion_id}/decision.",
    "42 CFR 447.15: who takes part in Medicaid takes its payment in full",
)

_BY_RULE = {
    one.rule: one
    for one in (
        OVER_ESTIMATE,
        MEDICAID,
        coverage.CLINICIAN_ASKED_FOR,
        coverage.NO_STANDING,
        coverage.NO_CONTRACT,
        coverage.NO_NOTICE,
    )
}


class Decision(StrEnum):
    """What a person makes of a charge that is held."""

    APPROVE = "approve"
    NEW_ESTIMATE = "new_estimate"
    WRITE_DOWN = "write_down"


POSTS = frozenset({Decision.APPROVE, Decision.WRITE_DOWN})
"""After these nothing of a person's is waited for any more."""


class HeldState(StrEnum):
    HELD = "held"
    POSTED = "posted"
    WAIVED = "waived"


def in_the_way(
    gate: Gate,
    amount_cents: int,
    *,
    decision: Decision | None = None,
    given: Given | None = None,
) -> list[Broken]:
    """What keeps a charge from being posted. A person's decision stands for what people decide.

    `given` is missing until scheduling has said who gave the service; it matters to Medicare only.
    """
    kinds = gate.coverage.kinds if gate.coverage else frozenset()
    broken = []
    if decision not in POSTS:
        if gate.is_over(amount_cents):
            broken.append(OVER_ESTIMATE)
        if CoverageKind.MEDICAID in kinds:
            broken.append(MEDICAID)
    if CoverageKind.MEDICARE in kinds:
        broken += (
            [coverage.CLINICIAN_ASKED_FOR] if given is None else coverage.missing_papers(given)
        )
    return broken


def in_turn(gates: Sequence[Gate], amounts_cents: Sequence[int | None]) -> list[Gate]:
    """The gates of charges that are posted together: each stands after those before it.

    `None` is an infusion for which nothing will be charged.
    """
    charged = Counter[UUID | None]()
    found = []
    for gate, amount_cents in zip(gates, amounts_cents, strict=True):
        here = gate.after(charged[gate.series_id])
        if amount_cents is not None and not in_the_way(here, amount_cents):
            charged[gate.series_id] += amount_cents
        found.append(here)
    return found


def told_as(broken: Sequence[Broken]) -> tuple[HeldFor, ...]:
    """What the neighbours are told: nothing of what a patient answered."""
    over = [HeldFor.OVER_ESTIMATE] if OVER_ESTIMATE in broken else []
    return (*over, *([HeldFor.COVERAGE] if len(broken) > len(over) else []))


def waits_for_people(broken: Sequence[Broken]) -> bool:
    """Whether something is in the way that does not go by itself."""
    return any(one is not coverage.CLINICIAN_ASKED_FOR for one in broken)


def in_words(rules: Sequence[str]) -> list[Broken]:
    """What the names of broken rules stand for."""
    return [_BY_RULE[rule] for rule in rules if rule in _BY_RULE]


def broken_by_decision(
    state: HeldState,
    gate: Gate,
    amount_cents: int,
    decision: Decision,
    charged_cents: int | None,
) -> list[Broken]:
    """What forbids a decision. `charged_cents` is what is charged instead of `amount_cents`."""
    if state is not HeldState.HELD:
        return [
            Broken(
                "held_charge_decided",
                f"This charge is {state.value} already. Look at the patient's charges.",
                "a held charge is decided once",
            )
        ]
    if (decision is Decision.WRITE_DOWN) != (charged_cents is not None):
        return [
            Broken(
                "write_down_sum",
                "Say what is charged instead (charged_cents) where it is written down, and only"
                " there; 0 charges nothing.",
                "a decision says what is charged",
                "charged_cents",
            )
        ]
    match decision:
        case Decision.APPROVE:
            return []
        case Decision.NEW_ESTIMATE:
            return (
                [] if gate.is_over(amount_cents) and gate.series_goes_on else [NOTHING_TO_ESTIMATE]
            )
        case Decision.WRITE_DOWN:
            assert charged_cents is not None, "looked at above"
            return _broken_by_writing_down(gate, amount_cents, charged_cents)


NOTHING_TO_ESTIMATE = Broken(
    "nothing_to_estimate",
    "Another estimate helps where a series goes on and its charge is above its estimate. Approve"
    " this charge or write it down.",
    "45 CFR 149.610(a)(2): an estimate is of expected charges",
    "decision",
)


def _broken_by_writing_down(gate: Gate, amount_cents: int, charged_cents: int) -> list[Broken]:
    if charged_cents >= amount_cents:
        return [
            Broken(
                "nothing_given_up",
                f"The fee is {dollars(amount_cents)}: charge less, or approve it.",
                "a write-down charges less than the fee",
                "charged_cents",
            )
        ]
    if charged_cents and gate.is_over(charged_cents):
        return [
            Broken(
                "still_over_estimate",
                f"The series is charged {dollars(gate.charged_cents)}, and"
                f" {dollars(gate.estimated_cents or 0)} was estimated. Charge less, or nothing.",
                "45 CFR 149.620(a)(2)(ii)",
                "charged_cents",
            )
        ]
    return []
