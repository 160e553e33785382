"""Whatever is charged, taken, refused, given back and told twice: no cent is doubled or lost.

A machine plays a desk and a Stripe of one patient on a real database. Stripe tells of each thing
once, several times, or never, and in any order; after each step the rows are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from deploy.local.postgres import Postgres
from services.billing.handlers.charges import attempts
from services.billing.handlers.payments import refunds as refunding
from services.billing.rules.payments.refunds import RefundState
from services.billing.tables import Base
from services.billing.work import (
    Captured,
    CapturePayment,
    Declined,
    NeverArrived,
    RefundStands,
)
from shared.events.billing import (
    DeclineReason,
    TenderKind,
)
from tests.billing.money_course import BALANCES, PAYMENTS, PLACES, SUMS, AtDesk, MoneyWorld
from tests.support.machines import run_any

UNLISTED = """
    SELECT count(*) FROM unnest(CAST(:infusions AS uuid[])) AS i (infusion_id)
     WHERE NOT EXISTS (SELECT FROM charges AS c WHERE c.infusion_id = i.infusion_id)
       AND NOT EXISTS (SELECT FROM uncharged_infusions AS u WHERE u.infusion_id = i.infusion_id)
"""
TRIES = """
    SELECT a.attempt_id, a.amount_cents
      FROM payment_attempts AS a JOIN charges AS c USING (charge_id)
     WHERE c.patient_id = :patient AND {} ORDER BY a.attempt_id
"""
PREPAID = """
    SELECT coalesce(sum(p.price_cents - coalesce(
               (SELECT sum(u.value_cents) FROM package_units AS u
                 WHERE u.purchase_id = p.purchase_id AND u.returned_at IS NULL), 0)), 0)
      FROM package_purchases AS p WHERE p.patient_id = :patient AND p.state = 'paid'
"""
UNPAID = """
    SELECT purchase_id, price_cents FROM package_purchases
     WHERE patient_id = :patient AND tender = 'card' AND state = ANY(:states)
     ORDER BY purchase_id
"""
PENDING = """
    SELECT coalesce(sum(amount_cents), 0) FROM refunds
     WHERE patient_id = :patient AND tender = 'card'
       AND ((state = 'pending' AND stripe_refund_id IS NULL) OR (state = 'failed' AND NOT undone))
"""


class AnyMoney(AtDesk):
    @initialize(
        charged=st.sampled_from([True, True, False]),
        refund=st.sampled_from(RefundState),
        ahead=st.booleans(),
    )
    def open(self, charged: bool, refund: RefundState, ahead: bool) -> None:  # noqa: FBT001  # drawn
        self.begin()
        if charged:
            self.record_a_fee(39900)
            self.complete_an_infusion(takes=True)
            self.complete_an_infusion(takes=False)
            self.give_back(0, owed_again=True, number=1, cents=10000)
            self.stripe_tells_of_a_refund(0, refund)
        if charged and ahead:
            self.buy_a_package(TenderKind.CARD, number=1)
            self.stripe_answers_a_purchase(0, takes=False, late=False)
            self.stripe_answers_a_purchase(0, takes=True, late=True)
            self.complete_an_infusion(takes=None)

    # Stripe

    @rule(takes=st.sampled_from([None, True, False, False]))
    def complete_an_infusion(self, takes: bool | None) -> None:  # noqa: FBT001  # drawn
        """And answer its try at once, unless that is left for later."""
        self.hear_of_an_infusion()
        if takes is not None:
            self.stripe_answers_a_try(0, takes=takes)

    @rule(place=PLACES, takes=st.booleans(), late=st.booleans())
    def stripe_answers_a_purchase(self, place: int, takes: bool, late: bool) -> None:  # noqa: FBT001
        """Now, or after it was refused: then it took the money all the same."""
        states = ["declined"] if late else ["pending"]
        found = self.rows(UNPAID, states=states)
        if not found:
            return
        purchase = found[place % len(found)]
        if takes or late:
            self._take(purchase.purchase_id, purchase.price_cents)
        else:
            self.refused.add(purchase.purchase_id)
            self._tell(NeverArrived(attempt_id=purchase.purchase_id))

    @rule(place=PLACES, takes=st.booleans())
    def stripe_answers_a_try(self, place: int, takes: bool) -> None:  # noqa: FBT001  # drawn
        attempt = self.one_of(
            TRIES.format("a.decided_at IS NULL"),
            place,
        )
        if attempt is None:
            return
        if takes or attempt.attempt_id in self.took:
            self._take(attempt.attempt_id, attempt.amount_cents)
        else:
            self.refused.add(attempt.attempt_id)
            self._tell(
                Declined(
                    attempt_id=attempt.attempt_id,
                    payment_intent_id=f"pi_{attempt.attempt_id}",
                    reason=DeclineReason.DECLINED,
                )
            )

    def _take(self, attempt_id: UUID, cents: int) -> None:
        self.took[attempt_id] = cents
        self._tell(
            Captured(
                attempt_id=attempt_id, payment_intent_id=f"pi_{attempt_id}", amount_cents=cents
            )
        )

    @rule(place=PLACES)
    def stripe_takes_the_money_after_a_refusal(self, place: int) -> None:
        attempt = self.one_of(
            TRIES.format("a.state = 'declined' AND a.card_id IS NOT NULL"),
            place,
        )
        if attempt is not None:
            self._take(attempt.attempt_id, attempt.amount_cents)

    @rule(place=PLACES, arrived=st.booleans())
    def a_try_is_given_up_and_looked_for(self, place: int, arrived: bool) -> None:  # noqa: FBT001
        attempt = self.one_of(
            TRIES.format("a.decided_at IS NULL"),
            place,
        )
        if attempt is None:
            return
        self.decide(attempts.abandon_attempt, CapturePayment(attempt_id=attempt.attempt_id))
        if arrived:
            self._take(attempt.attempt_id, attempt.amount_cents)
        else:
            self._tell(NeverArrived(attempt_id=attempt.attempt_id))

    @rule(place=PLACES, state=st.sampled_from(RefundState))
    def stripe_tells_of_a_refund(self, place: int, state: RefundState) -> None:
        refund = self.one_of(
            "SELECT refund_id, amount_cents FROM refunds"
            " WHERE patient_id = :patient AND tender = 'card' ORDER BY refund_id",
            place,
        )
        if refund is None:
            return
        _, before = self.sent.get(refund.refund_id, (0, RefundState.PENDING))
        one_way = list(RefundState)
        if one_way.index(state) < one_way.index(before):
            state = before
        self.sent[refund.refund_id] = (refund.amount_cents, state)
        failure = "lost_or_stolen_card" if state is RefundState.FAILED else None
        self._tell(
            RefundStands(
                refund_id=refund.refund_id,
                stripe_refund_id=f"re_{refund.refund_id}",
                state=state,
                failure=failure,
            )
        )

    def _tell(self, fact: Any) -> None:
        self.told.append(fact)
        self._store(fact)

    @precondition(lambda self: self.told)
    @rule(place=PLACES)
    def stripe_tells_again(self, place: int) -> None:
        """Webhooks come twice; what they lead to is how the thing stands now."""
        fact = self.told[place % len(self.told)]
        if isinstance(fact, Declined) and fact.attempt_id in self.took:
            return
        if isinstance(fact, RefundStands) and fact.state is not self.sent[fact.refund_id][1]:
            return
        self._store(fact)

    def _store(self, fact: Any) -> None:
        decide: dict[type, Callable[..., Coroutine[Any, Any, None]]] = {
            Captured: attempts.record_capture,
            Declined: attempts.record_decline,
            NeverArrived: attempts.record_never_arrived,
            RefundStands: refunding.record_refund,
        }
        self.decide(decide[type(fact)], fact)
        if isinstance(fact, RefundStands):
            self.world.done[f"refund {fact.state}"] += 1

    # What must hold

    @invariant()
    def a_charge_stands_as_its_payments_and_the_ledger_say(self) -> None:
        if not hasattr(self, "patient"):
            return
        for charge in self.rows(SUMS):
            owed = charge.amount_cents - charge.paid_cents - charge.forgiven_cents
            assert charge.kept_cents == charge.paid_cents
            assert charge.ledger_owed_cents == owed >= 0

    @invariant()
    def no_more_goes_back_than_came(self) -> None:
        if not hasattr(self, "patient"):
            return
        for payment in self.rows(PAYMENTS):
            assert payment.given_back_cents == payment.refunded_cents <= payment.amount_cents

    @invariant()
    def all_that_stripe_took_is_on_record_once(self) -> None:
        if not hasattr(self, "took"):
            return
        cards = {
            row.reference: row.amount_cents for row in self.rows(PAYMENTS) if row.tender == "card"
        }
        assert cards == {f"pi_{attempt_id}": cents for attempt_id, cents in self.took.items()}

    @invariant()
    def the_accounts_are_what_happened(self) -> None:
        if not hasattr(self, "took"):
            return
        balances = {row.account: int(row.cents) for row in self.rows(BALANCES)}
        assert sum(balances.values()) == 0
        gone = sum(cents for cents, state in self.sent.values() if state is not RefundState.FAILED)
        assert balances.get("stripe_clearing", 0) == sum(self.took.values()) - gone
        [[pending]] = self.rows(PENDING)
        assert -balances.get("refund_pending", 0) == pending
        [[prepaid]] = self.rows(PREPAID)
        assert -balances.get("patient_credit", 0) == prepaid

    @invariant()
    def no_infusion_is_neither_charged_nor_listed(self) -> None:
        if not hasattr(self, "completed"):
            return
        infusions = [str(event.infusion_id) for event in self.completed]
        [[unlisted]] = self.rows(UNLISTED, infusions=infusions)
        assert unlisted == 0
        [[charged]] = self.rows(
            "SELECT count(*) - count(DISTINCT infusion_id) FROM charges WHERE patient_id = :patient"
        )
        assert charged == 0


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_no_cent_is_doubled_or_lost_whatever_happens(postgres: Postgres) -> None:
    world = MoneyWorld(postgres, "billing", Base.metadata)

    try:
        run_any(AnyMoney, world, courses=40, steps=30)
        happened = {
            "charge_late",
            "charge_for_infusion",
            "buy_package",
            "buy_package refused",
            "try_again",
            "record_outside_payment",
            "record_outside_payment refused",
            "adjust_charge",
            "ask_refund",
            "ask_refund refused",
            "record_capture",
            "record_decline",
            "record_never_arrived",
            "refund pending",
            "refund succeeded",
            "refund failed",
        }
        assert happened <= set(world.done), "a course in which nothing happens proves nothing"
    finally:
        world.close()
