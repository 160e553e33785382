"""What pharmacy has itself do, and what its callers bring home."""

from __future__ import annotations

from uuid import UUID

from services.pharmacy.values import Order, Session, Violation
from shared.claims import SeriesRecord
from shared.messaging import Fact, Work


class RedeemSeries(Work):
    """Ask scheduling who the patient and the prescriber are."""

    prescription_id: UUID
    series_id: UUID
    redemption: int


class SeriesRedeemed(Fact):
    prescription_id: UUID
    redemption: int
    series: SeriesRecord


class OpenSession(Work):
    """Put a prescription before its prescriber at the signing vendor."""

    signing_id: UUID


class AskSession(Work):
    """See what has become of a signing session."""

    signing_id: UUID


class SessionSeen(Fact):
    """`session` is `None` when the vendor knows of none."""

    signing_id: UUID
    session: Session | None


class SessionRefused(Fact):
    signing_id: UUID
    code: str
    violations: tuple[Violation, ...]


class SendOrder(Work):
    """Send a signed prescription to the partner pharmacy."""

    prescription_id: UUID


class AskOrders(Work):
    """See what has become of an order, and whether it is the only one."""

    prescription_id: UUID


class OrdersFound(Fact):
    """Every order that the pharmacy holds under our reference, also none."""

    prescription_id: UUID
    orders: tuple[Order, ...]


class OrderRefused(Fact):
    prescription_id: UUID
    code: str
    violations: tuple[Violation, ...]


class CancelTwin(Work):
    """Take back an order that repeats another one."""

    prescription_id: UUID
    order_id: str


class TwinCancelled(Fact):
    prescription_id: UUID
