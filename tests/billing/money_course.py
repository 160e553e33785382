"""A desk and what it does with one patient's money, for courses of any of it in any order."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
)
from sqlalchemy import text

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
from services.billing.work import (
    ChargeLate,
)
from shared.clock import FixedClock
from shared.events.billing import (
    AdjustmentKind,
    AdjustmentReason,
    RefundReason,
    TenderKind,
)
from shared.events.scheduling import InfusionCompleted, VisitType
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.messaging.transaction import UnitOfWork
from tests.support.machines import World

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
BALANCES = """
    SELECT account, sum(cents) AS cents
      FROM (SELECT debit AS account, amount_cents AS cents FROM ledger_transfers
             WHERE patient_id = :patient
            UNION ALL
            SELECT credit, -amount_cents FROM ledger_transfers WHERE patient_id = :patient) AS e
     GROUP BY account
"""
"""What stands on each account of the patient."""

PAYMENTS = """
    SELECT p.payment_id, p.charge_id, p.tender, p.reference, p.amount_cents, p.refunded_cents,
           coalesce((SELECT sum(r.amount_cents) FROM refunds AS r
                      WHERE r.payment_id = p.payment_id AND NOT r.undone), 0) AS given_back_cents
      FROM payments AS p WHERE p.patient_id = :patient ORDER BY p.payment_id
"""


class MoneyWorld(World):
    """It counts its courses, so that each has days and references of its own."""

    courses = 0


class _Rolled(Exception):
    """Leaves the transaction so that it rolls back."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused


class AtDesk(RuleBasedStateMachine):
    """What the desk does; whoever plays Stripe derives from it."""

    world: MoneyWorld

    def begin(self) -> None:
        """A course of its own days, with a patient whose card is on file."""
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

    def hear_of_an_infusion(self) -> None:
        """One more is completed on the course's day."""
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
