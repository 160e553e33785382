"""Whatever is charged, taken, refused, given back and told twice: no cent is doubled or lost.

A machine plays a desk and a Stripe of one patient on a real database. Stripe tells of each thing
once, several times, or never, and in any order; after each step the rows are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import text

from deploy.local.postgres import Postgres
from services.billing.events import on
from services.billing.handlers.charges import adjustments, attempts, fees, posting
from services.billing.handlers.charges.adjustments import AdjustCharge
from services.billing.handlers.charges.attempts import TryCard
from services.billing.handlers.charges.fees import NewFee
from services.billing.handlers.packages import buying, offers
from services.billing.handlers.packages.buying import BuyPackage
from services.billing.handlers.packages.offers import NewPackage
from services.billing.handlers.payments import outside
from services.billing.handlers.payments import refunds as refunding
from services.billing.handlers.payments.outside import RecordOutsidePayment
from services.billing.handlers.payments.refunds import AskRefund
from services.billing.rules.payments.refunds import RefundState
from services.billing.store.visits import load_on_file
from services.billing.tables import Base
from services.billing.work import (
    Captured,
    CapturePayment,
    ChargeLate,
    Declined,
    NeverArrived,
    RefundStands,
)
from shared.clock import FixedClock
from shared.events.billing import (
    AdjustmentKind,
    AdjustmentReason,
    DeclineReason,
    RefundReason,
    TenderKind,
)
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.messaging.transaction import UnitOfWork
from tests.support.machines import World, run_any

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
PLACES = st.integers(0, 20)
CENTS = st.sampled_from([1, 100, 5000, 10000, 20000, 35000, 35001, 39899, 39900, 39901, 70001])

SUMS = """
    SELECT c.charge_id, c.amount_cents, c.paid_cents, c.forgiven_cents, c.state,
           coalesce((SELECT sum(p.amount_cents - p.refunded_cents) FROM payments AS p
                      WHERE p.charge_id = c.charge_id), 0) AS kept_cents,
           coalesce((SELECT sum(CASE WHEN debit = 'patient_receivable' THEN t.amount_cents
                                     ELSE -t.amount_cents END) FROM ledger_transfers AS t
                      WHERE t.charge_id = c.charge_id
                        AND 'patient_receivable' IN (debit, credit)), 0) AS ledger_owed_cents
      FROM charges AS c WHERE c.patient_id = :patient ORDER BY c.charge_id
"""
PAYMENTS = """
    SELECT p.payment_id, p.charge_id, p.tender, p.reference, p.amount_cents, p.refunded_cents,
           coalesce((SELECT sum(r.amount_cents) FROM refunds AS r
                      WHERE r.payment_id = p.payment_id AND NOT r.undone), 0) AS given_back_cents
      FROM payments AS p WHERE p.patient_id = :patient ORDER BY p.payment_id
"""
BALANCES = """
    SELECT account, sum(cents) AS cents
      FROM (SELECT debit AS account, amount_cents AS cents FROM ledger_transfers
             WHERE patient_id = :patient
            UNION ALL
            SELECT credit, -amount_cents FROM ledger_transfers WHERE patient_id = :patient) AS e
     GROUP BY account
"""
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


class MoneyWorld(World):
    """It counts its courses, so that each has days and references of its own."""

    courses = 0


class AnyMoney(RuleBasedStateMachine):
    world: MoneyWorld

    @initialize(
        charged=st.sampled_from([True, True, False]),
        refund=st.sampled_from(RefundState),
        ahead=st.booleans(),
    )
    def open(self, charged: bool, refund: RefundState, ahead: bool) -> None:  # noqa: FBT001  # drawn
        self.clock = FixedClock(NOW)
        self.unit = UnitOfWork(self.world.engine, self.clock, on)
        self.patient, self.card = new_id(), new_id()
        self.completed: list[InfusionCompleted] = []
        self.told: list[Any] = []
        self.took: dict[UUID, int] = {}
        """The cents that Stripe took, by try."""
        self.refused: set[UUID] = set()
        self.sent: dict[UUID, tuple[int, RefundState]] = {}
        """What Stripe gave back, or tried to."""
        self.offered: UUID | None = None
        """The package that is sold in this course."""
        self.world.courses += 1
        self.day = NOW - timedelta(days=self.world.courses)
        """Each course is a day before the last one, so that no fee is in force yet."""
        self.run(self._put_on_file())
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

    async def _put_on_file(self) -> None:
        setup, at = new_id(), NOW.isoformat()
        async with self.world.engine.begin() as connection:
            for row in (
                f"customers VALUES ('{self.patient}', 'cus_{self.patient}', '{at}')",
                f"card_setups VALUES ('{setup}', '{self.patient}', 'saved', 'seti_{setup}', NULL,"
                f" '{at}', 1)",
                f"mandates VALUES ('{new_id()}', '{self.patient}', '{setup}', 1, 'in_person',"
                f" 'staff-1', NULL, '{at}')",
                f"cards VALUES ('{self.card}', '{self.patient}', '{setup}', 'pm_made_up', '{at}',"
                f" '{at}')",
            ):
                await connection.execute(text(f"INSERT INTO {row}"))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.world.runner.run(work)

    def decide(self, decider: Callable[..., Coroutine[Any, Any, Any]], *given: Any) -> Any:
        """One transaction; a refusal rolls it back, as at the desk."""

        async def decided() -> Any:
            try:
                async with self.unit.transaction() as tx:
                    answer = await decider(*given, tx)
                    if isinstance(answer, Refused):
                        raise _Rolled(answer)
                    return answer
            except _Rolled as rolled:
                return rolled.refused

        answer = self.run(decided())
        refused = isinstance(answer, Refused)
        self.world.done[f"{decider.__name__}{' refused' if refused else ''}"] += 1
        return answer

    def rows(self, query: str, **values: object) -> list[Any]:
        async def found() -> list[Any]:
            async with self.world.engine.connect() as connection:
                known = {"patient": self.patient} | values
                return list(await connection.execute(text(query), known))

        return self.run(found())

    def one_of(self, query: str, place: int) -> Any | None:
        rows = self.rows(query)
        return rows[place % len(rows)] if rows else None

    # The clinic

    @rule(cents=st.sampled_from([39900, 40000]))
    def record_a_fee(self, cents: int) -> None:
        fee = NewFee(
            visit_type=VisitType.KETAMINE_MOOD,
            amount_cents=cents,
            effective_from=self.day.date(),
        )
        self.decide(fees.record_fee, fee)
        self.decide(posting.charge_late, ChargeLate(visit_type="ketamine_mood"))

    @rule(takes=st.sampled_from([None, True, False, False]))
    def complete_an_infusion(self, takes: bool | None) -> None:  # noqa: FBT001  # drawn
        event = InfusionCompleted(
            patient_id=self.patient,
            infusion_id=new_id(),
            appointment_id=new_id(),
            series_id=None,
            sequence_no=None,
            location_id=new_id(),
            visit_type=VisitType.KETAMINE_MOOD,
            started_at=self.day,
            stopped_at=self.day + timedelta(minutes=40),
        )
        self.completed.append(event)
        self._hear(event)
        if takes is not None:
            self.stripe_answers_a_try(0, takes=takes)

    @precondition(lambda self: self.completed)
    @rule(place=PLACES)
    def hear_of_an_infusion_again(self, place: int) -> None:
        self._hear(self.completed[place % len(self.completed)])

    def _hear(self, event: InfusionCompleted) -> None:
        async def charge_for_infusion(tx: Transaction) -> None:
            [on_file] = await load_on_file(tx, [event])
            await posting.charge_for_infusion(event, tx, on_file)

        self.decide(charge_for_infusion)

    @rule(place=PLACES, cents=st.none() | CENTS)
    def try_the_card(self, place: int, cents: int | None) -> None:
        if (charge := self.one_of(SUMS, place)) is not None:
            self.decide(attempts.try_again, charge.charge_id, TryCard(amount_cents=cents))

    @rule(
        place=PLACES,
        tender=st.sampled_from([TenderKind.CASH, TenderKind.CARD]),
        number=st.integers(1, 8),
        cents=CENTS,
    )
    def pay_outside(self, place: int, tender: TenderKind, number: int, cents: int) -> None:
        if (charge := self.one_of(SUMS, place)) is not None:
            paid = RecordOutsidePayment(
                tender=tender, reference=self.reference(number), amount_cents=cents
            )
            self.decide(outside.record_outside_payment, charge.charge_id, paid, "staff-1")

    def reference(self, number: int) -> str:
        return f"R{self.world.courses}-{number}"

    @rule(place=PLACES, kind=st.sampled_from(AdjustmentKind), cents=CENTS)
    def give_up(self, place: int, kind: AdjustmentKind, cents: int) -> None:
        if (charge := self.one_of(SUMS, place)) is not None:
            wish = AdjustCharge(kind=kind, reason=AdjustmentReason.HARDSHIP, amount_cents=cents)
            self.decide(adjustments.adjust_charge, charge.charge_id, wish, "staff-1")

    @rule(
        place=PLACES,
        owed_again=st.booleans(),
        number=st.integers(1, 8),
        cents=CENTS,
    )
    def give_back(self, place: int, owed_again: bool, number: int, cents: int) -> None:  # noqa: FBT001
        if (payment := self.one_of(PAYMENTS, place)) is not None:
            if payment.charge_id is None:
                reason = RefundReason.NOTHING_OWED
            else:
                reason = RefundReason.OTHER_TENDER if owed_again else RefundReason.COURTESY
            has_none = payment.tender in {"card", "prepaid"}
            reference = None if has_none else self.reference(number)
            wish = AskRefund(amount_cents=cents, reason=reason, reference=reference)
            self.decide(refunding.ask_refund, payment.payment_id, wish, "staff-1")

    @rule(tender=st.sampled_from([TenderKind.CASH, TenderKind.CARD]), number=st.integers(1, 8))
    def buy_a_package(self, tender: TenderKind, number: int) -> None:
        if self.offered is None:
            offer = NewPackage(
                visit_type=VisitType.KETAMINE_MOOD,
                units=2,
                price_cents=70001,
                effective_from=self.day.date(),
                source="made up",
            )
            package = self.decide(offers.record_package, offer, "staff-1")
            if isinstance(package, Refused):  # no fee is in force yet
                return
            self.offered = package.package_id
        reference = None if tender is TenderKind.CARD else self.reference(number)
        wish = BuyPackage(package_id=self.offered, tender=tender, reference=reference)
        self.decide(buying.buy_package, self.patient, wish, "staff-1")

    # Stripe

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


class _Rolled(Exception):
    """Leaves the transaction so that it rolls back."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused


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
