"""Whatever banks decide, in any order with refunds from anywhere: each cent is somewhere, once.

A machine plays a desk, a bank and Stripe's dashboard over one patient's payments. Its Stripe keeps
to Stripe's rules: no refund of what a bank has, none of more than is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from deploy.local.postgres import Postgres
from services.billing.handlers.charges import attempts
from services.billing.handlers.disputes import following
from services.billing.handlers.payments import refunds as refunding
from services.billing.handlers.payments import refunds_adopted
from services.billing.rules.disputes.course import DisputeState, Moved
from services.billing.rules.payments.refunds import RefundState
from services.billing.store.refunds import given_back_of
from services.billing.tables import Base
from services.billing.work import Captured, DisputeStands, RefundMadeAtStripe, RefundStands
from shared.ids import new_id
from shared.messaging import Transaction
from tests.billing.money_course import BALANCES, NOW, PLACES, SUMS, AtDesk, MoneyWorld
from tests.support.machines import run_any

PAYS = """
    SELECT coalesce(sum(amount_cents - refunded_cents - charged_back_cents - unapplied_cents), 0)
      FROM payments WHERE charge_id = :charge
"""
WAITS = """
    SELECT coalesce(sum(CASE WHEN charge_id IS NULL
                             THEN amount_cents - refunded_cents - charged_back_cents
                             ELSE unapplied_cents END), 0)
      FROM payments WHERE patient_id = :patient AND tender = 'card'
"""
UNDER_WAY = """
    SELECT coalesce(sum(r.amount_cents - r.unapplied_cents - r.beyond_cents), 0) FROM refunds AS r
     WHERE r.charge_id = :charge AND (r.state = 'pending' OR r.state = 'failed' AND NOT r.undone
           AND NOT EXISTS (SELECT FROM ledger_transfers AS t WHERE t.reason = 'refund_by_bank'
             AND t.source_id = r.refund_id::text AND NOT EXISTS (
                 SELECT FROM ledger_transfers AS b WHERE b.reverses = t.transfer_id)))
"""
CENTS = st.sampled_from([100, 9900, 10000, 30000, 39900])
OUTCOMES = st.sampled_from([RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED])


@dataclass(slots=True)
class AtStripe:
    """A payment as Stripe has it."""

    cents: int
    refunds: dict[str, tuple[int, RefundState]] = field(default_factory=dict)
    dispute_id: str = ""
    dispute_cents: int = 0
    state: DisputeState = DisputeState.INQUIRY
    movements: tuple[Moved, ...] = ()

    @property
    def held_cents(self) -> int:
        return -sum(moved.amount_cents for moved in self.movements)

    @property
    def gone_cents(self) -> int:
        return sum(cents for cents, state in self.refunds.values() if state != "failed")

    def may_refund(self, cents: int) -> bool:
        return not self.held_cents and self.gone_cents + cents <= self.cents


class AnyDispute(AtDesk):
    @initialize(ways=st.integers(0, 2))
    def open(self, ways: int) -> None:
        """From the beginning, after a reversal, or with money that waits."""
        self.begin()
        self.stripe: dict[str, AtStripe] = {}
        self.record_a_fee(39900)
        self.complete(0)
        if ways:
            self.a_bank_doubts(0, whole=True)
            self.the_bank_decides(0, lost=True)
        if ways > 1:
            self.pay_outside(0, "cash", 1, 30000)  # type: ignore[arg-type]
            self.the_bank_decides(0, lost=False)

    @rule(place=PLACES)
    def complete(self, place: int) -> None:
        if len(self.completed) < 2:
            self.hear_of_an_infusion()
        self.stripe_takes(place)

    @rule(place=PLACES)
    def stripe_takes(self, place: int) -> None:
        attempt = self.one_of(
            "SELECT attempt_id, a.amount_cents FROM payment_attempts AS a JOIN charges USING"
            " (charge_id) WHERE patient_id = :patient AND decided_at IS NULL ORDER BY attempt_id",
            place,
        )
        if attempt is not None:
            intent = f"pi_{attempt.attempt_id}"
            self.stripe[intent] = AtStripe(attempt.amount_cents)
            captured = Captured(
                attempt_id=attempt.attempt_id,
                payment_intent_id=intent,
                amount_cents=attempt.amount_cents,
            )
            self.decide(attempts.record_capture, captured)

    def payment_at(self, place: int) -> tuple[str, AtStripe]:
        intents = sorted(self.stripe)
        intent = intents[place % len(intents)]
        return intent, self.stripe[intent]

    # The bank

    @precondition(lambda self: self.stripe)
    @rule(place=PLACES, whole=st.booleans())
    def a_bank_doubts(self, place: int, whole: bool) -> None:  # noqa: FBT001  # drawn
        intent, at = self.payment_at(place)
        if not at.dispute_id:
            at.dispute_id = f"dp_{intent}"
            at.dispute_cents = at.cents if whole else min(at.cents, 10000)
            at.state = DisputeState.NEEDS_RESPONSE
            self.move(at, -at.dispute_cents)
            self.tell_dispute(intent, at)

    @precondition(lambda self: self.stripe)
    @rule(place=PLACES, lost=st.booleans())
    def the_bank_decides(self, place: int, lost: bool) -> None:  # noqa: FBT001  # drawn
        intent, at = self.payment_at(place)
        if not at.dispute_id:
            return
        at.state = DisputeState.LOST if lost else DisputeState.WON
        if lost and not at.held_cents:
            self.move(at, -at.dispute_cents)
        elif not lost and at.held_cents:
            self.move(at, at.held_cents)
        self.tell_dispute(intent, at)

    def move(self, at: AtStripe, cents: int) -> None:
        at.movements = (*at.movements, Moved(f"txn_{new_id()}", cents, NOW))

    @precondition(lambda self: self.stripe)
    @rule(place=PLACES)
    def stripe_tells_of_a_dispute_again(self, place: int) -> None:
        intent, at = self.payment_at(place)
        if at.dispute_id:
            self.tell_dispute(intent, at)

    def tell_dispute(self, intent: str, at: AtStripe) -> None:
        stands = DisputeStands(
            stripe_dispute_id=at.dispute_id,
            payment_intent_id=intent,
            state=at.state,
            reason="general",
            amount_cents=at.dispute_cents,
            opened_at=NOW,
            due_at=None,
            movements=at.movements,
        )
        self.decide(following.record_dispute, stands)

    # Refunds

    @rule(place=PLACES, outcome=OUTCOMES)
    def stripe_answers_a_refund_of_ours(self, place: int, outcome: RefundState) -> None:
        refund = self.one_of(
            "SELECT r.refund_id, r.amount_cents, p.reference FROM refunds AS r JOIN payments AS p"
            " USING (payment_id) WHERE r.patient_id = :patient AND r.tender = 'card'"
            " AND r.state <> 'failed' AND r.asked_by <> 'stripe' ORDER BY r.refund_id",
            place,
        )
        if refund is None:
            return
        at, known = self.stripe[refund.reference], f"re_{refund.refund_id}"
        if known not in at.refunds and not at.may_refund(refund.amount_cents):
            self.tell_refund(refund.refund_id, None, RefundState.FAILED)
            return
        _, before = at.refunds.get(known, (0, RefundState.PENDING))
        if before is RefundState.SUCCEEDED and outcome is RefundState.PENDING:
            outcome = before
        at.refunds[known] = (refund.amount_cents, outcome)
        self.tell_refund(refund.refund_id, known, outcome)

    def tell_refund(self, refund_id: UUID, known: str | None, state: RefundState) -> None:
        failure = "made_up" if state is RefundState.FAILED else None
        self.decide(
            refunding.record_refund,
            RefundStands(refund_id=refund_id, stripe_refund_id=known, state=state, failure=failure),
        )

    @precondition(lambda self: self.stripe)
    @rule(place=PLACES, cents=CENTS, outcome=OUTCOMES, again=st.booleans())
    def somebody_refunds_in_the_dashboard(
        self,
        place: int,
        cents: int,
        outcome: RefundState,
        again: bool,  # noqa: FBT001
    ) -> None:
        """A new one, or news of one that is known."""
        intent, at = self.payment_at(place)
        made = sorted(known for known in at.refunds if known.startswith("re_made_"))
        if again and made:
            known = made[place % len(made)]
            cents, before = at.refunds[known]
            if before is RefundState.FAILED or outcome is RefundState.PENDING:
                outcome = before
        elif at.may_refund(cents):
            known = f"re_made_{new_id()}"
            if outcome is RefundState.FAILED:
                outcome = RefundState.PENDING
        else:
            return
        at.refunds[known] = (cents, outcome)
        self.decide(
            refunds_adopted.adopt_refund,
            RefundMadeAtStripe(
                stripe_refund_id=known,
                payment_intent_id=intent,
                amount_cents=cents,
                made_at=NOW - timedelta(days=1),
                state=outcome,
                failure="made_up" if outcome is RefundState.FAILED else None,
            ),
        )

    # What must hold

    @invariant()
    def a_charge_stands_as_its_payments_and_the_ledger_say(self) -> None:
        if not hasattr(self, "stripe"):
            return
        for charge in self.rows(SUMS):
            [[pays]] = self.rows(PAYS, charge=charge.charge_id)
            assert pays == charge.paid_cents >= 0
            owed = charge.amount_cents - charge.paid_cents - charge.forgiven_cents
            assert charge.ledger_owed_cents == owed >= 0

    @invariant()
    def each_cent_is_somewhere_once(self) -> None:
        if not hasattr(self, "stripe"):
            return
        accounts = {row.account: int(row.cents) for row in self.rows(BALANCES)}
        assert sum(accounts.values()) == 0
        booked = {
            row.stripe_refund_id
            for row in self.rows("SELECT stripe_refund_id FROM refunds WHERE patient_id = :patient")
        }
        there = 0
        for at in self.stripe.values():
            there += at.cents - at.held_cents
            there -= sum(
                cents
                for known, (cents, state) in at.refunds.items()
                if state != "failed" and known in booked
            )
        assert accounts.get("stripe_clearing", 0) == there
        open_cents = sum(
            at.held_cents for at in self.stripe.values() if at.state is DisputeState.NEEDS_RESPONSE
        )
        assert accounts.get("dispute_hold", 0) == open_cents
        [[waits]] = self.rows(WAITS)
        assert -accounts.get("unmatched_money", 0) == waits

    @invariant()
    def a_superbill_tells_what_was_paid_and_what_went_back(self) -> None:
        if not hasattr(self, "stripe"):
            return
        for charge in self.rows(SUMS):
            [[came]] = self.rows(
                "SELECT coalesce(sum(amount_cents), 0) FROM payments WHERE charge_id = :charge",
                charge=charge.charge_id,
            )
            [[under_way]] = self.rows(UNDER_WAY, charge=charge.charge_id)

            async def went_back(tx: Transaction, charge_id: UUID = charge.charge_id) -> Any:
                return await given_back_of(tx, charge_id)

            back = sum(one.amount_cents for one in self.decide(went_back))
            assert came - back - under_way == charge.paid_cents


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_each_cent_is_somewhere_once_whatever_banks_decide(postgres: Postgres) -> None:
    world = MoneyWorld(postgres, "billing", Base.metadata)
    try:
        run_any(AnyDispute, world, courses=20, steps=30)
        happened = {"record_dispute", "adopt_refund", "ask_refund", "record_refund"}
        assert happened <= set(world.done), "a course in which nothing happens proves nothing"
    finally:
        world.close()
