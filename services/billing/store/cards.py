"""Stripe customers, card set-ups, cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import BYTEA, TEXT, TIMESTAMP

from services.billing.gateways.cards import CustomerOrder, SetupOrder
from services.billing.rules.charges.attempts import key_may_be_forgotten
from services.billing.rules.payments.cards import SetupState
from services.billing.work import CardStands, CreateCustomer, CreateSetupIntent
from shared.messaging import Transaction

_ENSURE_CUSTOMER = text(
    "INSERT INTO customers (patient_id, created_at) VALUES (:patient_id, :at)"
    " ON CONFLICT DO NOTHING"
)

_LOCK_CUSTOMER = text(
    "SELECT stripe_customer_id FROM customers WHERE patient_id = :patient_id FOR UPDATE"
)

_NAME_CUSTOMER = text(
    "UPDATE customers SET stripe_customer_id = :customer_id WHERE patient_id = :patient_id"
)

_UNKNOWN_CUSTOMER = text(
    "SELECT created_at FROM customers WHERE patient_id = :patient_id AND stripe_customer_id IS NULL"
)

_WAITING_SETUPS = text(
    "SELECT setup_id FROM card_setups"
    " WHERE patient_id = :patient_id AND state = 'pending' AND stripe_setup_intent_id IS NULL"
)

_UNPREPARED_SETUP = text(
    """
    SELECT s.created_at, u.stripe_customer_id
      FROM card_setups AS s JOIN customers AS u USING (patient_id)
     WHERE s.setup_id = :setup_id AND s.state = 'pending'
    """
)

_LOCK_SETUP = text(
    "SELECT patient_id, state, created_at FROM card_setups WHERE setup_id = :setup_id FOR UPDATE"
)

_SET_SETUP = text(
    """
    UPDATE card_setups
       SET state = :state,
           stripe_setup_intent_id = coalesce(:intent_id, stripe_setup_intent_id),
           sealed = coalesce(:sealed, sealed)
     WHERE setup_id = :setup_id
    """
).bindparams(bindparam("intent_id", type_=TEXT), bindparam("sealed", type_=BYTEA))

_SET_CARD = text(
    """
    UPDATE cards SET brand = coalesce(:brand, brand), last4 = coalesce(:last4, last4),
           expires_at = coalesce(:expires_at, expires_at),
           gone_at = CASE WHEN :is_gone THEN coalesce(gone_at, :at) ELSE gone_at END
     WHERE stripe_payment_method_id = :payment_method_id
    """
).bindparams(
    bindparam("brand", type_=TEXT),
    bindparam("last4", type_=TEXT),
    bindparam("expires_at", type_=TIMESTAMP(timezone=True)),
    bindparam("at", type_=TIMESTAMP(timezone=True)),
)

_SETUP = text(
    """
    SELECT s.state, s.sealed, s.text_id, t.body, t.content_sha256,
           EXISTS (SELECT FROM mandates AS m
                    WHERE m.setup_id = s.setup_id AND m.withdrawn_at IS NULL) AS is_agreed
      FROM card_setups AS s JOIN mandate_texts AS t USING (text_id)
     WHERE s.setup_id = :setup_id AND s.patient_id = :patient_id
    """
)


async def lock_customer(tx: Transaction, patient_id: UUID) -> str | None:
    """Stripe's id for a patient, whose row exists and is ours until the commit."""
    await tx.execute(_ENSURE_CUSTOMER, {"patient_id": patient_id, "at": tx.now})
    found = await tx.execute(_LOCK_CUSTOMER, {"patient_id": patient_id})
    customer_id: str | None = found.scalar_one()
    return customer_id


async def name_customer(tx: Transaction, patient_id: UUID, customer_id: str) -> None:
    await tx.execute(_NAME_CUSTOMER, {"patient_id": patient_id, "customer_id": customer_id})


async def waiting_setups(tx: Transaction, patient_id: UUID) -> list[UUID]:
    """Set-ups of a patient that wait for the customer to exist."""
    return list((await tx.execute(_WAITING_SETUPS, {"patient_id": patient_id})).scalars())


async def load_customer_order(tx: Transaction, work: CreateCustomer) -> CustomerOrder | None:
    """`None` once Stripe knows the patient."""
    row = (await tx.execute(_UNKNOWN_CUSTOMER, {"patient_id": work.patient_id})).one_or_none()
    if row is None:
        return None
    late = key_may_be_forgotten(row.created_at, tx.now)
    return CustomerOrder(work.patient_id, row.created_at, look_first=late)


async def load_setup_order(tx: Transaction, work: CreateSetupIntent) -> SetupOrder | None:
    """`None` once the set-up is prepared."""
    row = (await tx.execute(_UNPREPARED_SETUP, {"setup_id": work.setup_id})).one_or_none()
    if row is None:
        return None
    late = key_may_be_forgotten(row.created_at, tx.now)
    return SetupOrder(work.setup_id, row.stripe_customer_id, row.created_at, look_first=late)


@dataclass(frozen=True, slots=True)
class LockedSetup:
    patient_id: UUID
    state: SetupState
    created_at: datetime


async def lock_setup(tx: Transaction, setup_id: UUID) -> LockedSetup | None:
    row = (await tx.execute(_LOCK_SETUP, {"setup_id": setup_id})).one_or_none()
    return row and LockedSetup(row.patient_id, SetupState(row.state), row.created_at)


async def set_setup(
    tx: Transaction,
    setup_id: UUID,
    state: SetupState,
    *,
    intent_id: str | None = None,
    sealed: bytes | None = None,
) -> None:
    await tx.execute(
        _SET_SETUP,
        {"setup_id": setup_id, "state": state.value, "intent_id": intent_id, "sealed": sealed},
    )


async def set_card(tx: Transaction, stands: CardStands) -> None:
    """How a card stands. One that is gone stays so; one that is not ours is nobody's news."""
    await tx.execute(
        _SET_CARD,
        {
            "payment_method_id": stands.payment_method_id,
            "is_gone": not stands.is_attached,
            "brand": stands.brand,
            "last4": stands.last4,
            "expires_at": stands.expires_at,
            "at": tx.now,
        },
    )


@dataclass(frozen=True, slots=True)
class ShownSetup:
    """A set-up's state and its sealed client secret, its text, and whether that is agreed to."""

    state: SetupState
    sealed: bytes | None
    text_id: int
    body: str
    content_sha256: bytes
    is_agreed: bool


async def read_setup(tx: Transaction, patient_id: UUID, setup_id: UUID) -> ShownSetup | None:
    found = await tx.execute(_SETUP, {"setup_id": setup_id, "patient_id": patient_id})
    row = found.one_or_none()
    if row is None:
        return None
    return ShownSetup(
        SetupState(row.state),
        row.sealed,
        row.text_id,
        row.body,
        row.content_sha256,
        row.is_agreed,
    )
